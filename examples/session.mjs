// Runs any ONNX model with plain tensors and shows what came out.
//   node examples/session.mjs [model.onnx] [auto|cpu|tensorrt] [auto|onnxruntime|openvino]
// The last names the library that computes on the CPU.
import { fileURLToPath } from 'node:url';
import { Session, Tensor } from 'tensorrt-node';

const sample = fileURLToPath(new URL('models/shelf.onnx', import.meta.url));
const [model = sample, backend = 'auto', engine = 'auto'] = process.argv.slice(2);

const session = await Session.create(model, { backend, cpu: { engine } });
console.log(`runs on ${session.backend} (${session.engine})`);
for (const reason of session.reasons) console.log(`  ${reason}`);

// A size that the model leaves open is -1 or a name: here 1 stands for it.
const feeds = {};
for (const { name, dtype, dims } of session.inputs) {
  const shape = dims.map((dim) => (Number.isInteger(dim) && dim > 0 ? dim : 1));
  const size = shape.reduce((product, dim) => product * dim, 1);
  feeds[name] = new Tensor(dtype, new Array(size).fill(0), shape);
  console.log(`in  ${name}: ${dtype} [${shape}]`);
}

const results = await session.run(feeds);
for (const [name, tensor] of Object.entries(results)) {
  console.log(
    `out ${name}: ${tensor.dtype} [${tensor.dims}], starts with ${tensor.data.slice(0, 4)}`,
  );
}
await session.dispose();
