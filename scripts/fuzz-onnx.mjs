// Mutated ONNX models through the reader, ONNX Runtime and TensorRT's builder: `npm test` runs 2,000, this as
// many as asked for. With --keep, what crashes the build process is reduced and put with the fixtures.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const usage = `Usage: node scripts/fuzz-onnx.mjs [--count N] [--seed S] [--keep]

  --count N   mutated files for TensorRT, twice as many for the reader and ONNX Runtime (default 20000)
  --seed S    another series of files (default: the time)
  --keep      reduce files that crash the build process and keep one of each kind in test/fixtures/crashes`;

function wholeNumber(name, text) {
  if (!/^\d{1,9}$/.test(text)) {
    console.error(`Expected a whole number for --${name} but received ${text}\n\n${usage}`);
    process.exit(2);
  }
  return text;
}

let values;
try {
  ({ values } = parseArgs({
    options: {
      count: { type: 'string', default: '20000' },
      seed: { type: 'string', default: String(Math.floor(Date.now() / 1000) % 1_000_000) },
      keep: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  }));
} catch (error) {
  console.error(`${error.message}\n\n${usage}`);
  process.exit(2);
}
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const count = wholeNumber('count', values.count);
const seed = wholeNumber('seed', values.seed);
console.log(`seed ${seed}, ${count} files`);
const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const { status } = spawnSync('npx', ['vitest', 'run', 'test/process/fuzz-onnx.test.ts'], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    TENSORRT_NODE_FUZZ_ONNX: count,
    TENSORRT_NODE_FUZZ_SEED: seed,
    ...(values.keep ? { TENSORRT_NODE_FUZZ_KEEP: '1' } : {}),
  },
});
process.exit(status ?? 1);
