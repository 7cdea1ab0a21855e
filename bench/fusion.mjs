// Image input and top-K head inside the graph against both on the host, on the CPU backend.
//   node bench/fusion.mjs MODEL.onnx… [--rounds 15] [--out FILE.json]
// Needs `npm run build`. Pictures are decoded beforehand; one `predict` at a time, variants in turn within a round.
// All variants must detect the same.
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { circumstances, compare, median, report } from './lib/statistics.mjs';

const require = createRequire(import.meta.url);
const sharp = require('sharp');
const { native } = require('../lib/native/binding.js');
const { VisionModel, transformModel } = require('../lib/index.js');

const { values: options, positionals: models } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '15' }, out: { type: 'string' } },
});
if (models.length === 0) throw new Error('usage: node bench/fusion.mjs MODEL.onnx…');
const rounds = Number(options.rounds);

const variants = {
  imageInput: { imageInput: true },
  topK: { topK: true },
  both: { imageInput: true, topK: true },
};

const samples = path.join(import.meta.dirname, '..', 'examples', 'images');
const pictures = [];
for (const name of readdirSync(samples).sort()) {
  const { data, info } = await sharp(path.join(samples, name))
    .resize(1920, 1080, { fit: 'cover' })
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  pictures.push({ data, width: info.width, height: info.height });
}

const stages = ['preprocessMs', 'inferenceMs', 'postprocessMs'];
const rounded = (value) => Number(value.toPrecision(4));

/** Milliseconds a picture, of wall and CPU time and by stage, and what was found. */
async function measure(model) {
  const sums = { totalMs: 0, cpuMs: 0, preprocessMs: 0, inferenceMs: 0, postprocessMs: 0 };
  const found = [];
  const cpu = process.cpuUsage();
  for (const picture of pictures) {
    const start = performance.now();
    const results = await model.predict(picture);
    sums.totalMs += performance.now() - start;
    for (const stage of stages) sums[stage] += results.timings[stage];
    found.push(`${results.boxes};${results.scores};${results.classes}`);
  }
  const { user, system } = process.cpuUsage(cpu);
  sums.cpuMs = (user + system) / 1000;
  for (const key of Object.keys(sums)) sums[key] /= pictures.length;
  return { ...sums, found: found.join('|') };
}

/** Bytes that go into and out of the engine for one picture; undefined where a size is free. */
function traffic({ session }) {
  const bytes = (values) =>
    values.reduce((sum, { dtype, dims }) => {
      const width = { uint8: 1, float16: 2, float32: 4, int32: 4 }[dtype];
      return sum + dims.reduce((a, b) => a * b, width);
    }, 0);
  const [input, output] = [bytes(session.inputs), bytes(session.outputs)];
  return Number.isNaN(input + output) ? undefined : { inputBytes: input, outputBytes: output };
}

async function benchmark(file) {
  const loaded = { plain: await VisionModel.load(file, { backend: 'cpu' }) };
  const nodes = {};
  for (const [name, transforms] of Object.entries(variants)) {
    const { bytes, nodesBefore, nodesAfter } = await transformModel(file, transforms);
    nodes.plain = nodesBefore;
    nodes[name] = nodesAfter;
    loaded[name] = await VisionModel.load(bytes, { backend: 'cpu' });
  }
  const times = Object.fromEntries(Object.keys(loaded).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    // In another order each time, so that none always follows the same one.
    const order = Object.keys(loaded);
    order.push(...order.splice(0, round % order.length));
    for (const name of order) {
      const { found, ...sums } = await measure(loaded[name]);
      times[name].push({ ...sums, found });
      if (found !== times[order[0]].at(-1).found) throw new Error(`${name} detects something else`);
    }
  }
  const column = (name, key) => times[name].slice(1).map((sums) => sums[key]);
  const result = { model: path.basename(file), sameDetections: true, variants: {} };
  for (const [name, model] of Object.entries(loaded)) {
    result.variants[name] = {
      nodes: nodes[name],
      ...traffic(model),
      ...Object.fromEntries(
        ['totalMs', 'cpuMs', ...stages].map((key) => [key, rounded(median(column(name, key)))]),
      ),
      ...(name === 'plain'
        ? {}
        : {
            againstPlain: compare(column(name, 'totalMs'), column('plain', 'totalMs')),
            cpuTimeAgainstPlain: compare(column(name, 'cpuMs'), column('plain', 'cpuMs')),
          }),
    };
    await model.dispose();
  }
  return result;
}

const [loadBefore] = os.loadavg();
const results = [];
for (const model of models) results.push(await benchmark(model));
report(
  {
    benchmark:
      'fusion: predict of one 1920 x 1080 picture at a time on the CPU backend, decoding of files left out',
    ...circumstances(native().buildInfo()),
    // Wall times count for little where others compute too; CPU times do.
    loadAverageBefore: rounded(loadBefore),
    rounds,
    pictures: pictures.length,
    results,
  },
  options.out,
);
