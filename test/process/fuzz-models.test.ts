import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runChild } from '../helpers/child';
import { addOneModel, convModel } from '../helpers/onnx-writer';
import { tinyYolo } from '../helpers/tiny-yolo';

const count = Number(process.env.TENSORRT_NODE_FUZZ_MODELS ?? 2000);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fuzz-models-'));
  writeFileSync(path.join(folder, 'seed.add'), addOneModel(['n', 4]));
  writeFileSync(path.join(folder, 'seed.conv'), convModel({ batch: 'n', channels: 2, size: 8 }));
  writeFileSync(path.join(folder, 'seed.yolo'), tinyYolo());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Loads and runs in a process of its own, whose survival is the point. The last model is kept in a file. */
const script = (where: string, mutations: number) => `
const fs = require('node:fs'), path = require('node:path');
const folder = ${JSON.stringify(where)};
const seeds = fs.readdirSync(folder).filter((n) => n.startsWith('seed.')).sort()
  .map((n) => fs.readFileSync(path.join(folder, n)));
let state = 4711;
const random = (n) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor(state / 2 ** 32 * n);
};
const mutate = (seed) => {
  let bytes = Buffer.from(seed);
  for (let k = 1 + random(5); k > 0; k--) {
    const at = random(bytes.length);
    switch (random(6)) {
      case 0: bytes[at] ^= 1 << random(8); break;
      case 1: bytes[at] = [0, 255, 127, 128][random(4)]; break;
      case 2: bytes[at] = random(64); break;
      case 3: bytes = bytes.subarray(0, Math.max(1, at)); break;
      case 4: bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(random(bytes.length))]); break;
      case 5: bytes = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(random(16), random(256)), bytes.subarray(at)]); break;
    }
  }
  return bytes.length > 0 ? bytes : Buffer.of(0);
};
const sizes = { float32: Float32Array, float16: Uint16Array, int32: Int32Array, uint8: Uint8Array };
async function attempt(bytes) {
  const session = await pkg.Session.create(bytes, { backend: 'cpu', cpu: { intraOpThreads: 1 } });
  try {
    const feeds = {};
    for (const { name, dtype, dims } of session.inputs) {
      const fixed = dims.map((dim) => (typeof dim === 'number' ? dim : 1));
      const size = fixed.reduce((a, b) => a * b, 1);
      if (!(dtype in sizes) || size > 1e6) return 'loaded';
      feeds[name] = new pkg.Tensor(dtype, new sizes[dtype](size), fixed);
    }
    await session.run(feeds);
    return 'ran';
  } finally {
    await session.dispose();
  }
}
(async () => {
  const outcomes = {};
  for (let i = 0; i < ${mutations}; i++) {
    const bytes = mutate(seeds[i % seeds.length]);
    fs.writeFileSync(path.join(folder, 'last.onnx'), bytes);
    const outcome = await attempt(bytes).catch((error) => error.code ?? String(error));
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  console.log(JSON.stringify(outcomes));
})();`;

it(`${count} mutated models crash nothing and fail with codes of the table`, async () => {
  const outcomes = JSON.parse(await runChild(script(folder, count))) as Record<string, number>;
  console.log(`mutated models: ${JSON.stringify(outcomes)}`);
  expect(Object.values(outcomes).reduce((a, b) => a + b, 0)).toBe(count);
  const expected = [
    'loaded',
    'ran',
    'ERR_INVALID_MODEL',
    'ERR_UNSUPPORTED_MODEL',
    'ERR_SHAPE_MISMATCH',
    'ERR_INFERENCE',
    'ERR_OUT_OF_MEMORY',
  ];
  expect(Object.keys(outcomes).filter((outcome) => !expected.includes(outcome))).toEqual([]);
  expect(outcomes.ran).toBeGreaterThan(0);
  expect(outcomes.ERR_INVALID_MODEL).toBeGreaterThan(0);
});
