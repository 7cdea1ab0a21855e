import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { native } from '../../src/native/binding';
import type { LetterboxFormat } from '../../src/native/vision-contract';
import { planLetterbox } from '../../src/vision/letterbox';
import { dataPath, describeWithData } from '../helpers/data';

interface GoldenImage {
  orig_shape_hw: [number, number];
  input_shape: [number, number, number, number];
  input_f32_sha256: string;
  input_u8_sha256: string;
}

const sha256 = (bytes: ArrayBuffer): string =>
  createHash('sha256').update(new Uint8Array(bytes)).digest('hex');

async function letterbox(file: string, golden: GoldenImage, format: LetterboxFormat) {
  const { data, info } = await sharp(dataPath('images', file))
    .rotate()
    .toColourspace('srgb')
    .removeAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  expect([info.height, info.width]).toEqual(golden.orig_shape_hw);
  const [, , height, width] = golden.input_shape;
  const minimal = width !== 640 || height !== 640;
  const plan = planLetterbox(info, { width: 640, height: 640 }, { minimal });
  expect([plan.canvasHeight, plan.canvasWidth]).toEqual([height, width]);
  const bytes = 3 * width * height * (format.startsWith('f32') ? 4 : 1);
  const target = native().bufferAllocate(bytes);
  await native().letterbox(target, { width, height, format }, [
    { data, lent: true, ...plan, width: info.width, height: info.height },
  ]);
  return native().bufferRead(target);
}

describeWithData('letterbox against the reference checksums', () => {
  const goldens = readdirSync(dataPath('golden')).filter((name) =>
    /^yolov8p-dyn(\.rect)?\.json$/.test(name),
  );
  for (const name of goldens) {
    const { images } = JSON.parse(readFileSync(dataPath('golden', name), 'utf8')) as {
      images: Record<string, GoldenImage>;
    };
    it.each(Object.entries(images))(
      `gives the input bytes of ${name}: %s`,
      async (file, golden) => {
        expect(sha256(await letterbox(file, golden, 'u8-nchw'))).toBe(golden.input_u8_sha256);
        expect(sha256(await letterbox(file, golden, 'f32-nchw'))).toBe(golden.input_f32_sha256);
      },
    );
  }
});
