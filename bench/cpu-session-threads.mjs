// Latency, throughput and CPU time of thread arrangements of the CPU backend, in interleaved rounds.
//   node bench/cpu-session-threads.mjs MODEL.onnx [rounds] [runsPerRound]
// Prints one JSON object. Needs `npm run build`. The input is noise of the model's input shape.
import { createRequire } from 'node:module';

const { Session, Tensor } = createRequire(import.meta.url)('../lib/index.js');
const [file, rounds = '6', runs = '30'] = process.argv.slice(2);
if (!file) {
  console.error('usage: node bench/cpu-session-threads.mjs MODEL.onnx [rounds] [runsPerRound]');
  process.exit(2);
}

/** inFlight: runs kept going at a time. */
const arrangements = {
  'latency (1 run, all cores)': { options: { optimizeFor: 'latency' }, inFlight: 1 },
  'the same, spinning': {
    options: { optimizeFor: 'latency', cpu: { spinning: true } },
    inFlight: 1,
  },
  'throughput (1 run a core)': { options: { optimizeFor: 'throughput' }, inFlight: 0 },
  'throughput, 1 run in flight': { options: { optimizeFor: 'throughput' }, inFlight: 1 },
  'all runs on all cores': {
    options: { optimizeFor: 'latency', concurrency: 2 },
    inFlight: 2,
  },
  'all runs on all cores, spinning': {
    options: { optimizeFor: 'latency', concurrency: 2, cpu: { spinning: true } },
    inFlight: 2,
  },
};

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

async function measure(session, feeds, inFlight, count) {
  const latencies = [];
  let left = count;
  const stream = async () => {
    while (left-- > 0) {
      const start = performance.now();
      await session.run(feeds, { nativeOutputs: true });
      latencies.push(performance.now() - start);
    }
  };
  const cpu = process.cpuUsage();
  const start = performance.now();
  await Promise.all(Array.from({ length: inFlight }, stream));
  const wallMs = performance.now() - start;
  const used = process.cpuUsage(cpu);
  return {
    latencyMs: median(latencies),
    runsPerSecond: (count / wallMs) * 1000,
    cpuMsPerRun: (used.user + used.system) / 1000 / count,
  };
}

const results = Object.fromEntries(Object.keys(arrangements).map((name) => [name, []]));
for (let round = 0; round <= Number(rounds); round++) {
  for (const [name, { options, inFlight }] of Object.entries(arrangements)) {
    const session = await Session.create(file, { backend: 'cpu', ...options });
    const [input] = session.inputs;
    const dims = input.dims.map((dim, i) => (typeof dim === 'number' ? dim : i === 0 ? 1 : 640));
    const data = Float32Array.from({ length: dims.reduce((a, b) => a * b) }, Math.random);
    const feeds = { [input.name]: new Tensor('float32', data, dims) };
    const streams = inFlight || session.concurrency;
    await measure(session, feeds, streams, 2 * streams);
    const result = await measure(session, feeds, streams, Number(runs));
    await session.dispose();
    if (round > 0) results[name].push(result);
  }
}
const summary = Object.fromEntries(
  Object.entries(results).map(([name, list]) => [
    name,
    Object.fromEntries(
      Object.keys(list[0]).map((key) => [key, Number(median(list.map((r) => r[key])).toFixed(2))]),
    ),
  ]),
);
console.log(
  JSON.stringify({ model: file, rounds: Number(rounds), runs: Number(runs), summary }, null, 2),
);
