// Pictures a second, from JPEG files of 1920 x 1080 to detections, against Ultralytics on the same ONNX model.
//   node bench/end-to-end.mjs MODEL.onnx [--engine openvino [--precision bf16]] [--rounds 9] [--out FILE.json]
// Needs `npm run build`, and TENSORRT_NODE_BENCH_PYTHON: an interpreter with ultralytics and onnxruntime.
// --engine is ours; Ultralytics runs as it comes, on ONNX Runtime. With bf16 the two do not compute the same.
// Beside it the two parts that nobody can save, in the same rounds: the engine alone, and sharp's decoding alone.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startPeer } from './lib/peer.mjs';
import { circumstances, compare, median } from './lib/statistics.mjs';

const require = createRequire(import.meta.url);
const sharp = require('sharp');
const { native } = require('../lib/native/binding.js');
const { Session, Tensor, VisionModel, decodeImage } = require('../lib/index.js');

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    engine: { type: 'string', default: 'onnxruntime' },
    precision: { type: 'string', default: 'f32' },
    rounds: { type: 'string', default: '9' },
    out: { type: 'string' },
  },
});
const [modelPath] = positionals;
if (!modelPath) throw new Error('usage: node bench/end-to-end.mjs MODEL.onnx');
const cores = os.availableParallelism();
const pictureCount = 12;

const folder = mkdtempSync(path.join(os.tmpdir(), 'tn-bench-'));
const samples = path.join(import.meta.dirname, '..', 'examples', 'images');
const names = readdirSync(samples).sort();
for (let i = 0; i < pictureCount; i++) {
  await sharp(path.join(samples, names[i % names.length]))
    .resize(1920, 1080, { fit: 'cover' })
    .flop(i >= names.length)
    .jpeg({ quality: 90 })
    .toFile(path.join(folder, `${String(i).padStart(2, '0')}.jpg`));
}
const pictures = readdirSync(folder)
  .sort()
  .map((name) => path.join(folder, name));

/** Wall and CPU time a picture of `work`, which handles all of them. */
async function measure(work) {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const detections = await work();
  const ms = (performance.now() - start) / pictureCount;
  const { user, system } = process.cpuUsage(cpu);
  return { ms, cpuMs: (user + system) / 1000 / pictureCount, detections };
}

const { engine, precision } = options;
const ours = { backend: 'cpu', cpu: { engine, precision } };
const model = await VisionModel.load(modelPath, { ...ours, optimizeFor: 'throughput' });
const single = await VisionModel.load(modelPath, { ...ours, optimizeFor: 'latency' });
const session = await Session.create(modelPath, { ...ours, optimizeFor: 'throughput' });
const [input] = session.inputs;
const dims = [1, 3, model.imageSize.height, model.imageSize.width];
const feed = new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b)).fill(0.4), dims);

const walks = {
  ours: async () => (await model.predict(pictures)).reduce((sum, { length }) => sum + length, 0),
  oursOneAtATime: async () => {
    let found = 0;
    for (const picture of pictures) found += (await single.predict(picture)).length;
    return found;
  },
  engineAlone: async () => {
    await Promise.all(
      pictures.map(() => session.run({ [input.name]: feed }, { nativeOutputs: true })),
    );
  },
  decodingAlone: async () => {
    for (const picture of pictures) await decodeImage(picture);
  },
};
const free = { OMP_NUM_THREADS: String(cores) };
const peers = {
  ultralytics: startPeer('predict_ultralytics.py', [modelPath, folder, '0'], {}),
  ultralyticsAllCores: startPeer(
    'predict_ultralytics.py',
    [modelPath, folder, String(cores)],
    free,
  ),
};

const times = {};
const keep = (name, result) => {
  times[name] ??= [];
  times[name].push(result);
};
for (let round = 0; round <= Number(options.rounds); round++) {
  for (const [name, walk] of Object.entries(walks)) {
    const result = await measure(walk);
    // The first round warms everything up.
    if (round > 0) keep(name, result);
  }
  for (const [name, peer] of Object.entries(peers)) {
    if (!peer) continue;
    const result = await peer.ask({});
    if (round > 0) keep(name, result);
  }
}
for (const peer of Object.values(peers)) peer?.end();
await Promise.all([model.dispose(), single.dispose(), session.dispose()]);
rmSync(folder, { recursive: true });

const of = (name, field) => times[name].map((result) => result[field]);
const cpu = (name) => Number(median(of(name, 'cpuMs')).toFixed(2));
const result = {
  benchmark: 'end to end: JPEG files of 1920x1080 to detections, CPU',
  ...circumstances(native().buildInfo()),
  model: path.basename(modelPath),
  engine: session.engine,
  precision,
  rounds: Number(options.rounds),
  picturesPerRound: pictureCount,
  msPerPicture: Object.fromEntries(
    Object.keys(times).map((name) => [name, Number(median(of(name, 'ms')).toFixed(2))]),
  ),
  cpuMsPerPicture: Object.fromEntries(Object.keys(times).map((name) => [name, cpu(name)])),
  cpuMsAboveEngineAndDecoding: Number(
    (cpu('ours') - cpu('engineAlone') - cpu('decodingAlone')).toFixed(2),
  ),
  detections: Object.fromEntries(
    Object.keys(times).map((name) => [name, times[name][0].detections]),
  ),
  against: Object.fromEntries(
    Object.keys(peers)
      .filter((name) => times[name])
      .flatMap((name) => [
        [name, compare(of('ours', 'ms'), of(name, 'ms'))],
        [`${name}, one picture at a time`, compare(of('oursOneAtATime', 'ms'), of(name, 'ms'))],
      ]),
  ),
};
console.log(JSON.stringify(result, null, 2));
if (options.out) writeFileSync(options.out, `${JSON.stringify(result, null, 2)}\n`);
