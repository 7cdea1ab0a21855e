// Builds engines of one model for several GPUs and picks the one for a machine; with TensorRT-RTX this needs no GPU.
//   node examples/many-gpus.js [model.onnx] [folder]
const path = require('node:path');
const { buildMatrix, describeEngineMachine, Engine, TensorRTNodeError } = require('tensorrt-node');

const [
  model = path.join(__dirname, 'models', 'shelf.onnx'),
  output = path.join(process.cwd(), 'out', 'engines'),
] = process.argv.slice(2);

async function main() {
  const { engines, failures } = await buildMatrix(model, {
    output,
    options: {
      flavor: 'rtx1',
      shapes: { images: { min: [1, 3, 416, 416], max: [8, 3, 416, 416] } },
    },
    // Ampere, Ada and Blackwell desktop GPUs.
    matrix: { computeCapabilities: [['8.6'], ['8.9'], ['12.0']] },
    targets: [{ name: 'ada-fp16', computeCapabilities: ['8.9'], precision: 'fp16' }],
    onTarget: ({ name, ok, buildMs }) =>
      console.log(ok ? 'built ' : 'failed', name, `${buildMs} ms`),
  });
  for (const { name, code, message } of failures) console.error(`${name}: ${code}: ${message}`);

  // What a machine with an RTX 4090 would take:
  const machine = {
    platform: 'linux-x64',
    libraries: [{ flavor: 'rtx1', version: engines[0].facts.tensorrtVersion }],
    devices: [{ name: 'NVIDIA GeForce RTX 4090', computeCapability: '8.9' }],
  };
  const theirs = await Engine.fromManifest(output, { machine });
  console.log(`an RTX 4090 takes ${path.basename(theirs.path)}`);

  // And this one:
  try {
    const ours = await Engine.fromManifest(output, { machine: await describeEngineMachine() });
    console.log(`this machine takes ${path.basename(ours.path)}`);
  } catch (error) {
    if (error.code !== 'ERR_ENGINE_INCOMPATIBLE') throw error;
    console.log('this machine takes none of them:');
    for (const reason of error.details) console.log(`  ${reason}`);
  }
}

main().catch((error) => {
  if (!(error instanceof TensorRTNodeError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  for (const line of error.details) console.error(`  ${line}`);
  process.exitCode = 1;
});
