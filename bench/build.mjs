// ONNX to plan by this package and by NVIDIA's Python bindings of TensorRT-RTX: same library version, same file,
// same options, rounds alternate, each build in a fresh process on both sides.
//   node bench/build.mjs [--model FILE.onnx] [--rounds 9] [--out FILE.json]
// Needs `npm run build`, TensorRT-RTX, and TENSORRT_NODE_BENCH_RTX_PYTHON: a Python with tensorrt-rtx-cu13-bindings
// and -libs. On a machine that does other work: `chrt -r 10 node bench/build.mjs`, so that neither side waits for it;
// the result says so. Four comparisons, each of medians:
//   inside   time from the creation of the builder to the plan in memory, inside the build process
//   cpu      CPU time of all threads of the process meanwhile, which other work on the machine does not lengthen
//   memory   growth of that process meanwhile, above its size when the library was loaded
//   call     a whole Engine.build from the caller's side, child process included, above NVIDIA's inside time
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startPeer } from './lib/peer.mjs';
import { circumstances, median, report } from './lib/statistics.mjs';

const require = createRequire(import.meta.url);
const { Engine, selectTensorRT, setLogSink } = require('../lib/index.js');
const { native } = require('../lib/native/binding.js');
setLogSink(() => {});

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: '../shared/data/models/yolov8n.onnx' },
    rounds: { type: 'string', default: '9' },
    out: { type: 'string' },
  },
});
const python = process.env.TENSORRT_NODE_BENCH_RTX_PYTHON;
if (!python) throw new Error('Set TENSORRT_NODE_BENCH_RTX_PYTHON; see the head of this file');
const model = path.resolve(options.model);
const folder = mkdtempSync(path.join(os.tmpdir(), 'tensorrt-node-bench-'));
const library = await selectTensorRT({ flavor: 'rtx1', purpose: 'build' });

async function ours() {
  const output = path.join(folder, 'ours.engine');
  const start = performance.now();
  const engine = await Engine.build(model, {
    flavor: 'rtx1',
    computeCapabilities: ['8.9'],
    output,
  });
  const callMs = performance.now() - start;
  const costs = engine.buildReport;
  const file = readFileSync(output);
  const plan = file.subarray(4 + file.readUInt32LE(0));
  return {
    ms: costs.parseMs + costs.buildMs,
    cpuMs: costs.cpuMs,
    callMs,
    costs,
    planBytes: plan.length,
    grownBytes: costs.memoryGrowthBytes,
    peakBytes: costs.peakMemoryBytes,
    sha256: createHash('sha256').update(plan).digest('hex'),
  };
}

async function theirs() {
  const output = path.join(folder, 'theirs.plan');
  const peer = startPeer('build_tensorrt_rtx.py', [model], {}, python);
  try {
    const { version } = await peer.ask({ action: 'version' });
    const answer = await peer.ask({ action: 'build', computeCapabilities: [89], output });
    return {
      ...answer,
      version,
      grownBytes: answer.peakBytes - answer.startBytes,
      sha256: createHash('sha256').update(readFileSync(output)).digest('hex'),
    };
  } finally {
    peer.end();
  }
}

/** Linux, proc_pid_stat(5): the 41st field is the scheduling policy, 2 is SCHED_RR. */
function realTime() {
  const text = readFileSync('/proc/self/stat', 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[38] === '2';
}

const rounds = [];
try {
  for (let round = 0; round <= Number(options.rounds); round++) {
    // Who comes first alternates too.
    const order = round % 2 === 0 ? [ours, theirs] : [theirs, ours];
    const result = {};
    for (const side of order) result[side.name] = await side();
    // The first round fills the page cache.
    if (round === 0) continue;
    rounds.push(result);
    console.error(
      `ours ${result.ours.ms.toFixed(0)} ms (call ${result.ours.callMs.toFixed(0)}), theirs ${result.theirs.ms.toFixed(0)} ms`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}

const of = (side, key) => median(rounds.map((round) => round[side][key]));
const both = (key) => ({ ours: of('ours', key), nvidia: of('theirs', key) });
const ratio = ({ ours: a, nvidia: b }) => Number((a / b).toFixed(4));
const inside = both('ms');
const cpu = both('cpuMs');
const memory = both('grownBytes');
const size = both('planBytes');
const callMs = of('ours', 'callMs');
const part = (key) => median(rounds.map(({ ours: { costs } }) => costs[key]));
const distinctPlans = new Set(rounds.flatMap((round) => [round.ours.sha256, round.theirs.sha256]));
const result = {
  benchmark: 'ONNX to plan, TensorRT-RTX, compute capability 8.9',
  ...circumstances(native().buildInfo()),
  model: path.basename(model),
  scheduling: realTime() ? 'real time (SCHED_RR), both sides' : 'as usual',
  loadAverage: os.loadavg()[0],
  rounds: rounds.length,
  versions: { ours: library.version, nvidia: rounds[0].theirs.version },
  insideMs: { ...inside, ratio: ratio(inside) },
  insideCpuMs: { ...cpu, ratio: ratio(cpu) },
  memoryGrowthBytes: { ...memory, ratio: ratio(memory) },
  peakBytes: both('peakBytes'),
  planBytes: { ...size, ratio: ratio(size) },
  samePlanBytesEverywhere: distinctPlans.size === 1,
  wholeCallMs: { ours: callMs, aboveNvidiaInside: callMs - inside.nvidia },
  partsOfOurCallMs: Object.fromEntries(
    ['startMs', 'prepareMs', 'loadMs', 'parseMs', 'buildMs', 'writeMs', 'totalMs'].map((key) => [
      key,
      part(key),
    ]),
  ),
};
report(result, options.out);
