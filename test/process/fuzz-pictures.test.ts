import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runChild } from '../helpers/child';
import { tinyYolo } from '../helpers/tiny-yolo';

const count = Number(process.env.TENSORRT_NODE_FUZZ_PICTURES ?? 2000);

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tn-fuzz-'));
  writeFileSync(path.join(folder, 'model.onnx'), tinyYolo());
  const pixels = Buffer.from(
    Array.from({ length: 48 * 40 * 3 }, (_, i) => (i * i * 31 + (i >> 4)) & 255),
  );
  const image = () => sharp(pixels, { raw: { width: 48, height: 40, channels: 3 } });
  for (const format of ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const) {
    writeFileSync(path.join(folder, `seed.${format}`), await image().toFormat(format).toBuffer());
  }
  writeFileSync(
    path.join(folder, 'seed.progressive'),
    await image().jpeg({ progressive: true }).toBuffer(),
  );
  writeFileSync(
    path.join(folder, 'seed.exif'),
    await image().withMetadata({ orientation: 6 }).jpeg().toBuffer(),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs in a process of its own, whose survival is the point. */
const script = (where: string, mutations: number) => `
const fs = require('node:fs'), path = require('node:path');
const folder = ${JSON.stringify(where)};
const seeds = fs.readdirSync(folder).filter((n) => n.startsWith('seed.')).sort().map((n) => fs.readFileSync(path.join(folder, n)));
let state = 12345;
const random = (n) => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return Math.floor(state / 2 ** 32 * n); };
const mutate = (seed) => {
  let bytes = Buffer.from(seed);
  for (let k = 1 + random(6); k > 0; k--) {
    const at = random(bytes.length);
    switch (random(6)) {
      case 0: bytes[at] ^= 1 << random(8); break;
      case 1: bytes[at] = [0, 255, 127, 128][random(4)]; break;
      case 2: if (at + 4 <= bytes.length) bytes.writeUInt32BE(random(2 ** 32), at); break;
      case 3: bytes = bytes.subarray(0, Math.max(1, at)); break;
      case 4: bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(random(bytes.length))]); break;
      case 5: bytes = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(random(64), random(256)), bytes.subarray(at)]); break;
    }
  }
  return bytes;
};
(async () => {
  const model = await pkg.VisionModel.load(path.join(folder, 'model.onnx'));
  const outcomes = {};
  for (let i = 0; i < ${mutations}; i++) {
    const outcome = await model.predict(mutate(seeds[i % seeds.length]), { confidence: 0 }).then(() => 'decoded', (error) => error.code ?? String(error));
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  await model.dispose();
  console.log(JSON.stringify(outcomes));
})();`;

it(`${count} mutated pictures crash nothing and fail with typed errors alone`, {
  timeout: 180_000,
}, async () => {
  const outcomes = JSON.parse(await runChild(script(folder, count))) as Record<string, number>;
  console.log('mutated pictures:', outcomes);
  const { decoded = 0, ERR_INVALID_IMAGE: refused = 0, ...others } = outcomes;
  expect(others).toEqual({});
  expect(decoded + refused).toBe(count);
  expect(Math.min(decoded, refused)).toBeGreaterThan(count / 20);
});
