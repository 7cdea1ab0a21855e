// Latency, throughput, CPU time and event loop of thread arrangements of the CPU backend, beside
// onnxruntime-node's own run(), in interleaved rounds.
//   node bench/cpu-session.mjs MODEL.onnx [--rounds 8] [--runs 24] [--out FILE.json]
// Needs `npm run build`. The input is noise of the model's shape, free sizes being 1 for the batch and 640.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { circumstances, median } from './lib/statistics.mjs';

const require = createRequire(import.meta.url);
const { Session, Tensor } = require('../lib/index.js');
const { native } = require('../lib/native/binding.js');
const ort = require('onnxruntime-node');
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '8' },
    runs: { type: 'string', default: '24' },
    out: { type: 'string' },
  },
});
const [file] = positionals;
if (!file) {
  console.error(
    'usage: node bench/cpu-session.mjs MODEL.onnx [--rounds 8] [--runs 24] [--out FILE]',
  );
  process.exit(2);
}

/** Makes a function that runs the model once, and one that ends it. */
const ours = (sessionOptions) => async () => {
  const session = await Session.create(file, { backend: 'cpu', ...sessionOptions });
  const [{ name, dims }] = session.inputs;
  const feeds = { [name]: new Tensor('float32', noise(sizes(dims)), sizes(dims)) };
  const run = () => session.run(feeds, { nativeOutputs: true });
  return { run, end: () => session.dispose(), concurrency: session.concurrency };
};

async function theirs() {
  const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 2 });
  const [{ name, shape }] = session.inputMetadata;
  const feeds = { [name]: new ort.Tensor('float32', noise(sizes(shape)), sizes(shape)) };
  return { run: () => session.run(feeds), end: () => session.release(), concurrency: 1 };
}

const sizes = (dims) => dims.map((dim, i) => (typeof dim === 'number' ? dim : i === 0 ? 1 : 640));
const noise = (dims) => Float32Array.from({ length: dims.reduce((a, b) => a * b) }, Math.random);

/** `inFlight`: runs kept going at a time; default as many as execute at a time. */
const arrangements = [
  { name: 'latency: one run on all cores', make: ours({ optimizeFor: 'latency' }) },
  {
    name: 'latency, spinning',
    make: ours({ optimizeFor: 'latency', cpu: { spinning: true } }),
  },
  { name: 'throughput: one run a core', make: ours({ optimizeFor: 'throughput' }) },
  {
    name: 'throughput, one run in flight',
    make: ours({ optimizeFor: 'throughput' }),
    inFlight: 1,
  },
  { name: 'two runs, each on all cores', make: ours({ optimizeFor: 'latency', concurrency: 2 }) },
  {
    name: 'two runs, each on all cores, spinning',
    make: ours({ optimizeFor: 'latency', concurrency: 2, cpu: { spinning: true } }),
  },
  { name: "onnxruntime-node's run(), 2 threads, its defaults", make: theirs },
];

async function measure(run, inFlight, count) {
  const latencies = [];
  let left = count;
  const stream = async () => {
    while (left-- > 0) {
      const start = performance.now();
      await run();
      latencies.push(performance.now() - start);
    }
  };
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  const cpu = process.cpuUsage();
  const start = performance.now();
  await Promise.all(Array.from({ length: inFlight }, stream));
  const wallMs = performance.now() - start;
  const used = process.cpuUsage(cpu);
  clearInterval(timer);
  return {
    latencyMs: median(latencies),
    runsPerSecond: (count / wallMs) * 1000,
    cpuMsPerRun: (used.user + used.system) / 1000 / count,
    shareOfTicks: ticks / (wallMs / 5),
  };
}

const results = arrangements.map(() => []);
for (let round = 0; round < Number(options.rounds); round++) {
  for (const [index, { make, inFlight }] of arrangements.entries()) {
    const { run, end, concurrency } = await make();
    const streams = inFlight ?? concurrency;
    await measure(run, streams, 2 * streams);
    results[index].push(await measure(run, streams, Number(options.runs)));
    await end();
  }
}

const report = {
  benchmark: 'thread arrangements of the CPU backend; medians of rounds',
  model: path.basename(file),
  ...circumstances(native().buildInfo()),
  rounds: Number(options.rounds),
  runsPerRound: Number(options.runs),
  results: arrangements.map(({ name }, index) => ({
    arrangement: name,
    ...Object.fromEntries(
      Object.keys(results[index][0]).map((key) => [
        key,
        Number(median(results[index].map((result) => result[key])).toPrecision(4)),
      ]),
    ),
  })),
};
console.log(JSON.stringify(report, null, 2));
if (options.out) writeFileSync(options.out, `${JSON.stringify(report, null, 2)}\n`);
