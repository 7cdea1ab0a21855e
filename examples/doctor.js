// What TensorRT makes of a model, and of which kernels its engine consists: no GPU is needed.
//
//   node examples/doctor.js [model.onnx]
const path = require('node:path');
const { diagnoseModel, Engine } = require('tensorrt-node');

async function main(model) {
  const { verdict, parsers, findings } = await diagnoseModel(model);
  console.log(`${path.basename(model)}: ${verdict}`);
  for (const { flavor, version, verdict: said, problems, reason } of parsers) {
    console.log(`  ${flavor} ${version}: ${said}${reason ? `, ${reason}` : ''}`);
    for (const problem of problems) console.log(`    ${problem.operator}: ${problem.reason}`);
  }
  for (const { severity, message } of findings) console.log(`  ${severity}: ${message}`);
  if (verdict !== 'supported') return;

  const engine = await Engine.build(model, {
    profilingVerbosity: 'detailed',
    shapes: { images: [1, 3, 416, 416] },
  });
  const { layers } = engine.inspect().layers;
  const kinds = new Map();
  for (const { type, precision = 'no data' } of layers) {
    const kind = `${type} in ${precision}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  console.log(`${layers.length} kernels and signals:`);
  for (const [kind, count] of kinds) console.log(`  ${count} ${kind}`);
}

main(process.argv[2] ?? path.join(__dirname, 'models', 'shelf.onnx')).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
