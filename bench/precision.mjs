// Cast of ONNX models to fp16: time, and the most memory that its process held.
//   node bench/precision.mjs [--gigabytes 1] [--rounds 3] [--model yolov8n.onnx] [--out FILE.json]
// Needs `npm run build:ts`. Makes a model of matrix multiplications of the given size, its weights inside of the
// file and beside it; each cast runs in a process of its own, the file in the page cache.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import os, { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { circumstances, median, report } from './lib/statistics.mjs';

const require = createRequire(import.meta.url);
const { makeNode, makeValueInfo, loadOnnxModel } = require('../lib/onnx/graph.js');
const { makeTensor } = require('../lib/onnx/tensor-data.js');
const { writeOnnxModel } = require('../lib/onnx/write.js');
const { ProtoWriter } = require('../lib/onnx/proto-writer.js');
const { values: options } = parseArgs({
  options: {
    gigabytes: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
    model: { type: 'string' },
    out: { type: 'string' },
  },
});

const width = 4096;
const layerBytes = width * width * 4;

/** An empty model of operator set 17, to be filled. */
async function emptyModel() {
  const bytes = new ProtoWriter()
    .varint(1, 8)
    .message(7, new ProtoWriter().string(2, 'bench'))
    .message(8, new ProtoWriter().string(1, '').varint(2, 17))
    .toUint8Array();
  return loadOnnxModel(bytes);
}

async function makeLargeModel(file, externalData) {
  const model = await emptyModel();
  const { graph } = model.proto;
  const layers = Math.round((Number(options.gigabytes) * 1e9) / layerBytes);
  // All layers share one array here; in the file each has its own.
  let state = 1;
  const weights = Float32Array.from({ length: width * width }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32 - 0.5) / 32;
  });
  graph.inputs.push(makeValueInfo('x0', 'float32', [1, width]));
  for (let i = 0; i < layers; i++) {
    graph.initializers.push(makeTensor(`w${i}`, 'float32', [width, width], weights));
    graph.nodes.push(makeNode('MatMul', [`x${i}`, `w${i}`], [`x${i + 1}`], { name: `matmul${i}` }));
  }
  graph.outputs.push(makeValueInfo(`x${layers}`, 'float32', [1, width]));
  await writeOnnxModel(model, file, { externalData });
  return layers;
}

const castScript = `
const { transformModel } = require(process.argv[1]);
const started = performance.now();
transformModel(process.argv[2], { output: process.argv[3], precision: 'fp16' }).then(({ passes }) => {
  const { halfNodes, constants } = passes[0].facts;
  const ms = performance.now() - started;
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const cpuMs = (userCPUTime + systemCPUTime) / 1000;
  console.log(JSON.stringify({ ms, cpuMs, peakBytes: maxRSS * 1024, halfNodes, constants }));
});`;

function cast(file, output) {
  const library = require.resolve('../lib/index.js');
  const text = execFileSync(process.execPath, ['-e', castScript, library, file, output], {
    encoding: 'utf8',
  });
  return JSON.parse(text);
}

function measure(label, file, folder) {
  const output = path.join(folder, 'out.onnx');
  const bytes = [file, `${file}.data`].reduce(
    (sum, name) => sum + (statSync(name, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
  const rounds = Array.from({ length: Number(options.rounds) }, () => cast(file, output));
  const outputBytes = readdirSync(folder)
    .filter((name) => name.startsWith('out.onnx'))
    .reduce((sum, name) => sum + statSync(path.join(folder, name)).size, 0);
  const peakBytes = Math.max(...rounds.map((round) => round.peakBytes));
  const { halfNodes, constants } = rounds[0];
  return {
    model: label,
    fileBytes: bytes,
    outputBytes,
    halfNodes,
    constants,
    medianMs: Math.round(median(rounds.map(({ ms }) => ms))),
    // Of the whole process, Node's start and all threads among it.
    medianCpuMs: Math.round(median(rounds.map(({ cpuMs }) => cpuMs))),
    worstMs: Math.round(Math.max(...rounds.map(({ ms }) => ms))),
    peakBytes,
    peakOverFile: Number((peakBytes / bytes).toFixed(3)),
  };
}

const folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-bench-'));
try {
  const results = [];
  for (const externalData of ['inline', 'file']) {
    const inner = path.join(folder, externalData);
    mkdirSync(inner);
    const file = path.join(inner, 'large.onnx');
    const layers = await makeLargeModel(file, externalData);
    const where = externalData === 'inline' ? 'in the file' : 'beside the file';
    results.push(measure(`${layers} MatMul, weights ${where}`, file, inner));
    rmSync(inner, { recursive: true });
  }
  if (options.model) results.push(measure(path.basename(options.model), options.model, folder));
  const { cpu, cores, memoryGiB, node, date, commit } = circumstances({});
  const loadAverage = Number(os.loadavg()[0].toFixed(1));
  report(
    { benchmark: 'cast to fp16', date, cpu, cores, memoryGiB, node, commit, loadAverage, results },
    options.out,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
