// Detects objects in pictures, prints them and writes annotated copies into out/.
//   node examples/detect.js [model.onnx] [picture …]
const { mkdirSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const { drawDetections, VisionModel } = require('tensorrt-node');

const [model = path.join(__dirname, 'models', 'shelf.onnx'), ...given] = process.argv.slice(2);
const pictures = given.length > 0 ? given : [path.join(__dirname, 'images', 'shelf-01.jpg')];

async function main() {
  const detector = await VisionModel.load(model);
  console.log(`runs on ${detector.backend}: ${detector.reasons.join('; ')}`);

  mkdirSync('out', { recursive: true });
  const all = await detector.predict(pictures, { confidence: 0.4 });
  for (const [i, results] of all.entries()) {
    console.log(`${pictures[i]}: ${results.length} objects`);
    for (const { label, score, box } of results) {
      console.log(`  ${label} ${score.toFixed(2)} at ${box.map(Math.round).join(', ')}`);
    }
    const output = path.join('out', `${path.parse(pictures[i]).name}.jpg`);
    writeFileSync(output, await drawDetections(pictures[i], results));
  }
  await detector.dispose();
}

main().catch((error) => {
  console.error(`${error.code ?? 'error'}: ${error.message}`);
  process.exitCode = 1;
});
