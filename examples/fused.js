// Puts normalisation and decoding into a model, and shows that it detects the same.
//   node examples/fused.js [model.onnx] [picture.jpg]
const path = require('node:path');
const { TensorRTNodeError, VisionModel, transformModel } = require('tensorrt-node');

const [
  source = path.join(__dirname, 'models', 'shelf.onnx'),
  picture = path.join(__dirname, 'images', 'shelf-01.jpg'),
] = process.argv.slice(2);

async function main() {
  const { bytes, nodesBefore, nodesAfter, inputs, outputs } = await transformModel(source, {
    imageInput: true,
    topK: true,
  });
  console.log(`${nodesBefore} nodes before, ${nodesAfter} after`);
  for (const { name, dtype, dims } of inputs) console.log(`in  ${name}: ${dtype} [${dims}]`);
  for (const { name, dtype, dims } of outputs) console.log(`out ${name}: ${dtype} [${dims}]`);

  const found = [];
  for (const model of [source, bytes]) {
    const detector = await VisionModel.load(model, { backend: 'cpu' });
    const { boxes, scores, classes } = await detector.predict(picture);
    found.push({ count: scores.length, text: `${boxes};${scores};${classes}` });
    await detector.dispose();
  }
  const [before, after] = found;
  const equal = before.text === after.text ? 'the same' : 'others';
  console.log(`${before.count} objects before, ${after.count} after: ${equal}`);
}

main().catch((error) => {
  if (!(error instanceof TensorRTNodeError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  for (const line of error.details) console.error(`  ${line}`);
  process.exitCode = 1;
});
