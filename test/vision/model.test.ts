import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Limiter } from '../../src/vision/limiter';
import { VisionModel } from '../../src/vision/model';
import { projectRoot } from '../helpers/data';
import { addOneModel, onnxModel } from '../helpers/onnx-writer';
import { tinyYolo } from '../helpers/tiny-yolo';

const shelf = path.join(projectRoot, 'examples', 'models', 'shelf.onnx');
const folder = path.join(projectRoot, 'examples', 'images');
const pictures = readdirSync(folder)
  .sort()
  .map((name) => path.join(folder, name));
const bad = (pattern: RegExp) =>
  expect.objectContaining({
    code: 'ERR_INVALID_ARGUMENT',
    message: expect.stringMatching(pattern),
  });

describe('the sample model', () => {
  let model: VisionModel;
  beforeAll(async () => {
    model = await VisionModel.load(shelf);
  });
  afterAll(() => model.dispose());

  it('says what it is and where it runs', () => {
    expect(model.names).toEqual(['can', 'bottle', 'box', 'jar', 'pouch', 'empty']);
    expect(model.imageSize).toEqual({ width: 416, height: 416 });
    expect(['cpu', 'tensorrt']).toContain(model.backend);
    expect(model.reasons.length).toBeGreaterThan(0);
  });

  it('finds the products and the empty places on every sample picture', async () => {
    const results = await model.predict(pictures, { confidence: 0.4 });
    expect(results.map(({ image }) => image)).toEqual(pictures);
    for (const result of results) {
      expect(result.length).toBeGreaterThan(15);
      expect(result.counts().empty).toBeGreaterThan(0);
      for (const { box, score } of result) {
        expect(score).toBeGreaterThan(0.4);
        expect(box[0]).toBeGreaterThanOrEqual(0);
        expect(box[2]).toBeLessThanOrEqual(result.width);
        expect(box[3]).toBeLessThanOrEqual(result.height);
        expect(box[2]).toBeGreaterThan(box[0]);
      }
    }
  });

  it('finds the same in a path, in bytes and in raw pixels', async () => {
    const [file] = pictures;
    const { data, info } = await sharp(file).raw().toBuffer({ resolveWithObject: true });
    const raw = { data, width: info.width, height: info.height };
    const [a, b, c] = await model.predict([
      file!,
      await sharp(data, { raw: info }).png().toBuffer(),
      raw,
    ]);
    expect(a!.length).toBeGreaterThan(10);
    for (const other of [b!, c!]) {
      expect(other.boxes).toEqual(a!.boxes);
      expect(other.image).toBeUndefined();
    }
  });

  it('calls a picture that is given by URL by its path', async () => {
    const target = path.join(mkdtempSync(path.join(tmpdir(), 'tn-url-')), 'a b%é.jpg');
    copyFileSync(pictures[0]!, target);
    try {
      const results = await model.predict(pathToFileURL(target));
      expect(results.image).toBe(target);
    } finally {
      rmSync(path.dirname(target), { recursive: true });
    }
  });

  it('finds the same in batches as one by one', async () => {
    const single = await model.predict(pictures);
    await using batched = await VisionModel.load(shelf, { batchSize: 4 });
    const together = await batched.predict(pictures);
    for (const [i, result] of together.entries()) {
      expect(result.classes).toEqual(single[i]!.classes);
      for (const [j, side] of result.boxes.entries())
        expect(side).toBeCloseTo(single[i]!.boxes[j]!, 1);
    }
  });

  it('obeys its options', async () => {
    const [file] = pictures as [string];
    const all = await model.predict(file);
    const best = await model.predict(file, { maxDetections: 3 });
    expect(best.boxes).toEqual(all.boxes.subarray(0, 12));
    const cans = await model.predict(file, { classes: [0] });
    expect(cans.counts()).toEqual({ can: all.counts().can });
    expect((await model.predict(file, { confidence: 1 })).length).toBe(0);
    const loose = await model.predict(file, { iou: 1, confidence: 0.05, maxDetections: 1000 });
    expect(loose.length).toBeGreaterThan(all.length);
    const agnostic = await model.predict(file, { agnostic: true, iou: 0.1 });
    expect(agnostic.length).toBeLessThanOrEqual(all.length);
  });

  it('refuses options that make no sense', async () => {
    const [file] = pictures as [string];
    for (const [options, pattern] of [
      [{ confidence: 2 }, /confidence/],
      [{ confidence: '0.5' }, /confidence/],
      [{ iou: Number.NaN }, /iou/],
      [{ maxDetections: 0 }, /maxDetections/],
      [{ classes: [-1] }, /classes/],
      [{ classes: 3 }, /classes/],
      [{ conf: 0.5 }, /"conf"/],
    ] as const) {
      await expect(model.predict(file, options as never)).rejects.toEqual(bad(pattern));
    }
  });

  it('names the picture that fails among several, and goes on afterwards', async () => {
    const broken = Buffer.from('no picture');
    await expect(model.predict([pictures[0]!, broken])).rejects.toMatchObject({
      code: 'ERR_INVALID_IMAGE',
      message: expect.stringContaining('images[1]'),
    });
    await expect(model.predict(['none.jpg', pictures[0]!])).rejects.toThrow(
      /none\.jpg does not exist/,
    );
    await expect(model.predict([])).resolves.toEqual([]);
    expect((await model.predict(pictures[0]!)).length).toBeGreaterThan(10);
  });
});

describe('loading a vision model', () => {
  it('refuses models that take no picture or answer in no known layout', async () => {
    const unsupported = (pattern: RegExp) =>
      expect.objectContaining({
        code: 'ERR_UNSUPPORTED_MODEL',
        message: expect.stringMatching(pattern),
      });
    await expect(VisionModel.load(addOneModel())).rejects.toEqual(unsupported(/one image input/));
    const passthrough = onnxModel({
      nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
      inputs: [{ name: 'x', dtype: 'float32', dims: [1, 3, 32, 32] }],
      outputs: [{ name: 'y', dtype: 'float32', dims: [1, 3, 32, 32] }],
    });
    await expect(VisionModel.load(passthrough)).rejects.toEqual(
      unsupported(/y \[1, 3, 32, 32\].*yolov8/),
    );
  });

  it('refuses options that do not fit the model', async () => {
    const model = tinyYolo();
    await expect(VisionModel.load(model, { imageSize: 64 })).rejects.toEqual(
      bad(/imageSize.*32x32|32x32.*imageSize/),
    );
    await expect(VisionModel.load(model, { batchSize: 2 })).rejects.toEqual(bad(/batchSize/));
    await expect(VisionModel.load(model, { names: [] })).rejects.toEqual(bad(/names/));
    await expect(VisionModel.load(model, { maxPixels: 0 })).rejects.toEqual(bad(/maxPixels/));
    await expect(VisionModel.load(model, { foo: 1 } as never)).rejects.toEqual(bad(/"foo"/));
    await expect(VisionModel.load(model, null as never)).rejects.toEqual(bad(/options/));
  });

  it('fills the places of a fixed batch that have no picture', async () => {
    await using model = await VisionModel.load(tinyYolo({ batch: 4 }));
    const image = { data: new Uint8Array(32 * 32 * 3).fill(200), width: 32, height: 32 };
    await using single = await VisionModel.load(tinyYolo());
    const expected = await single.predict(image, { confidence: 0 });
    const results = await model.predict(Array(6).fill(image), { confidence: 0 });
    expect(results).toHaveLength(6);
    for (const result of results) expect(result.boxes).toEqual(expected.boxes);
  });

  it('waits for predictions in flight when disposed, and refuses new ones', async () => {
    const model = await VisionModel.load(tinyYolo());
    const image = { data: new Uint8Array(64 * 48 * 3), width: 64, height: 48 };
    const running = model.predict(Array(20).fill(image));
    const disposal = model.dispose();
    await expect(model.predict(image)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    expect(await running).toHaveLength(20);
    await disposal;
    await model.dispose();
  });
});

describe('the limiter', () => {
  it('lets no more than its limit run, in order, and survives failures', async () => {
    const limiter = new Limiter(2);
    let running = 0;
    let most = 0;
    const begun: number[] = [];
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) =>
        limiter.run(async () => {
          begun.push(i);
          most = Math.max(most, ++running);
          await new Promise((resolve) => setTimeout(resolve, 2));
          running--;
          if (i % 3 === 0) throw new Error('no');
        }),
      ),
    );
    expect(most).toBe(2);
    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(4);
  });
});
