// Builds a TensorRT engine from an ONNX model; with TensorRT-RTX this needs no GPU.
//   node examples/build-engine.js [model.onnx] [model.engine]
const { mkdirSync } = require('node:fs');
const path = require('node:path');
const { Engine, TensorRTNodeError } = require('tensorrt-node');

const [
  model = path.join(__dirname, 'models', 'shelf.onnx'),
  output = path.join(process.cwd(), 'out', 'shelf.engine'),
] = process.argv.slice(2);

async function main() {
  mkdirSync(path.dirname(output), { recursive: true });
  const engine = await Engine.build(model, {
    output,
    flavor: 'rtx1',
    // Ada and Blackwell desktop GPUs; left out, TensorRT chooses.
    computeCapabilities: ['8.9', '12.0'],
    // The sample model takes any number of pictures: tune for one, allow eight.
    shapes: { images: { min: [1, 3, 416, 416], opt: [1, 3, 416, 416], max: [8, 3, 416, 416] } },
    onLog: ({ level, message }) => level === 'warn' && console.warn(message),
  });
  const facts = engine.inspect();
  console.log(`${engine.path}: ${(facts.byteLength / 1e6).toFixed(1)} MB`);
  console.log(`built by TensorRT ${facts.tensorrtVersion} (${facts.flavor})`);
  console.log(`for compute capability ${facts.computeCapabilities.join(', ')}`);
  for (const { name, dtype, shape } of facts.inputs)
    console.log(`in  ${name}: ${dtype} [${shape}]`);
  for (const { name, dtype, shape } of facts.outputs)
    console.log(`out ${name}: ${dtype} [${shape}]`);
  await engine.dispose();
}

main().catch((error) => {
  if (!(error instanceof TensorRTNodeError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  for (const line of error.details) console.error(`  ${line}`);
  process.exitCode = 1;
});
