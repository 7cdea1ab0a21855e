// What npm start shows, on the compiled package and by its public API alone.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { bold, dim, formatBytes, say } from '../lib/console.mjs';
import { fromRoot } from '../prepare/process.mjs';

const { drawDetections, Engine, TensorRTNodeError, VisionModel } = createRequire(import.meta.url)(
  fromRoot('lib', 'index.js'),
);

const model = fromRoot('examples', 'models', 'shelf.onnx');
const pictures = fromRoot('examples', 'images');
/** Compute capabilities that the engine is for: Turing, Ampere, Ada and Blackwell desktop GPUs. */
const targets = ['7.5', '8.0', '8.6', '8.9', '12.0'];
const shown = (file) => path.relative(process.cwd(), file);

/** Failures that only say what this machine lacks. */
const lacks = ['ERR_TENSORRT_UNAVAILABLE', 'ERR_TENSORRT_VERSION', 'ERR_NO_DEVICE'];

/** @param {string} output folder for the engine and the annotated pictures */
export async function runDemo(output = fromRoot('out')) {
  mkdirSync(output, { recursive: true });
  console.log(`\n${bold('A TensorRT engine of the sample model')}`);
  await makeEngine(output);
  console.log(`\n${bold('Detection on the sample pictures')}`);
  await detect(output);
}

/** Builds out/shelf.engine with TensorRT-RTX, which needs no GPU; an engine of the same model is kept. */
async function makeEngine(output) {
  if (['1', 'true'].includes(process.env.TENSORRT_NODE_SKIP_NVIDIA ?? ''))
    return say('skip', 'Engine not built: TENSORRT_NODE_SKIP_NVIDIA is set');
  const file = path.join(output, 'shelf.engine');
  const kept = await loadEngine(file);
  const start = performance.now();
  try {
    const engine = kept ?? (await buildEngine(file));
    const { byteLength, tensorrtVersion, computeCapabilities } = engine.inspect();
    const how = kept
      ? 'kept from the last time'
      : `built in ${((performance.now() - start) / 1000).toFixed(1)} s`;
    say('ok', `${shown(file)}: ${formatBytes(byteLength)}, ${how}`);
    say(
      'ok',
      `by NVIDIA's TensorRT for RTX ${tensorrtVersion}, for compute capability ${computeCapabilities.join(', ')}`,
    );
    await engine.dispose();
  } catch (error) {
    if (!(error instanceof TensorRTNodeError) || !lacks.includes(error.code)) throw error;
    say('skip', `Engine not built: ${error.message} (${error.code})`);
  }
}

async function loadEngine(file) {
  try {
    const engine = await Engine.load(file);
    const digest = createHash('sha256').update(readFileSync(model)).digest('hex');
    const { onnxSha256, computeCapabilities } = engine.inspect();
    const isSame = onnxSha256 === digest && `${computeCapabilities}` === `${targets}`;
    return isSame ? engine : undefined;
  } catch {
    return undefined;
  }
}

const buildEngine = (file) =>
  Engine.build(model, {
    output: file,
    flavor: 'rtx1',
    computeCapabilities: targets,
    shapes: { images: { min: [1, 3, 416, 416], opt: [1, 3, 416, 416], max: [8, 3, 416, 416] } },
    logLevel: 'error',
  });

async function detect(output) {
  const files = readdirSync(pictures)
    .sort()
    .map((name) => path.join(pictures, name));
  const detector = await VisionModel.load(model);
  try {
    say('ok', `runs on: ${bold(detector.backend)}`);
    for (const reason of detector.reasons) console.log(dim(`    ${reason}`));
    const start = performance.now();
    const results = await detector.predict(files);
    const perPicture = (performance.now() - start) / files.length;
    for (const [i, result] of results.entries()) {
      const counts = Object.entries(result.counts()).map(([label, count]) => `${count} ${label}`);
      say('ok', `${path.basename(files[i])}: ${counts.join(', ') || 'nothing'}`);
      const drawn = path.join(output, `${path.parse(files[i]).name}.jpg`);
      writeFileSync(drawn, await drawDetections(files[i], result));
    }
    say(
      'ok',
      `${files.length} pictures, ${perPicture.toFixed(0)} ms each, on this machine's ${detector.backend}`,
    );
    say('ok', `annotated pictures are in ${shown(output)}/`);
  } finally {
    await detector.dispose();
  }
}
