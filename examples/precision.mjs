// Casts a model to fp16 and compares what both find on a picture.
//   node examples/precision.mjs [model.onnx] [picture]
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformModel, VisionModel } from 'tensorrt-node';

const here = path.dirname(fileURLToPath(import.meta.url));
const [
  source = path.join(here, 'models', 'shelf.onnx'),
  picture = path.join(here, 'images', 'shelf-01.jpg'),
] = process.argv.slice(2);

async function find(model) {
  const vision = await VisionModel.load(model, { backend: 'cpu' });
  try {
    return await vision.predict(picture);
  } finally {
    await vision.dispose();
  }
}

try {
  mkdirSync('out', { recursive: true });
  const output = path.join('out', `${path.basename(source, '.onnx')}-fp16.onnx`);
  const { passes } = await transformModel(source, { output, precision: 'fp16' });
  for (const message of passes[0].messages) console.log(message);
  const float = await find(source);
  const half = await find(output);
  const differences = [...float.scores].map((score, i) => Math.abs(score - half.scores[i]));
  console.log(`float32: ${float.length} objects, fp16: ${half.length} objects`);
  console.log(`largest difference of a score: ${Math.max(0, ...differences).toFixed(4)}`);
} catch (error) {
  if (error.code === undefined) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
}
