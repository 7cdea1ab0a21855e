import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { setLogSink } from '../../src/log';
import { transformModel } from '../../src/onnx/transform';
import type { GraphTransforms } from '../../src/onnx/transforms';
import { Session } from '../../src/session/session';
import { Tensor } from '../../src/tensor/tensor';
import { VisionModel } from '../../src/vision/model';
import type { Results } from '../../src/vision/results';
import { dataPath, describeWithData } from '../helpers/data';
import { compareDetections, readGolden, type Tolerance } from '../helpers/parity';
import { tinyYolo } from '../helpers/tiny-yolo';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-fused-'));
  setLogSink(() => {});
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fusion = { imageInput: true, topK: true } as const;

/** `results` in the form of a reference. */
const asReference = (results: Results) =>
  [...results].map((found) => ({ cls: found.class, conf: found.score, xyxy: found.box }));

const content = ({ boxes, scores, classes }: Results) => ({ boxes, scores, classes });

/**
 * ONNX Runtime leaves out pairs of casts to half precision and back, others with fusion than without. Scores that
 * were equal in half precision then differ, and of two boxes that overlap the other one may stay.
 */
const half: Tolerance = { iou: 0.95, score: 0.01, floor: 0.3 };

interface Case {
  name: string;
  transforms: GraphTransforms;
  batchSize?: number;
  /** Left out: bit for bit the same detections as the model without fusion. */
  tolerance?: Tolerance;
  /** What fusion adds to, so that the precision itself is no part of the comparison. */
  base?: GraphTransforms;
  /** Pictures; default all. */
  some?: number;
}

describeWithData.each<Case>([
  { name: 'yolov8n', transforms: fusion },
  { name: 'yolov8n', transforms: { ...fusion, simplify: true, topK: 900 }, some: 6 },
  { name: 'yolov8n', transforms: { imageInput: true }, some: 6 },
  { name: 'yolov8p-dyn', transforms: fusion, batchSize: 3 },
  { name: 'yolov8p-fp16', transforms: fusion },
  { name: 'yolov8p-fp16io', transforms: fusion, tolerance: half },
  {
    name: 'yolov8n',
    transforms: { ...fusion, precision: 'fp16' },
    base: { precision: 'fp16' },
    tolerance: half,
  },
])(
  '$name with $transforms, batch $batchSize',
  ({ name, transforms, batchSize, tolerance, base, some }) => {
    const pictures = Object.keys(readGolden(name))
      .slice(0, some)
      .map((file) => dataPath('images', file));
    let before: Results[];
    let after: Results[];
    let inputs: Session['inputs'];
    beforeAll(async () => {
      const options = {
        backend: 'cpu',
        ...(batchSize === undefined ? {} : { batchSize }),
      } as const;
      const source = dataPath('models', `${name}.onnx`);
      const output = path.join(folder, 'fused.onnx');
      const report = await transformModel(source, { ...transforms, output });
      console.log(
        `${name} ${JSON.stringify(transforms)}: ${report.nodesBefore} nodes before, ${report.nodesAfter} after`,
      );
      const plain = base ? (await transformModel(source, base)).bytes! : source;
      await using model = await VisionModel.load(plain, options);
      before = await model.predict(pictures);
      await using fused = await VisionModel.load(output, options);
      inputs = fused.session.inputs;
      after = await fused.predict(pictures);
    });

    it('takes uint8 pictures in NHWC order', () => {
      const size = name.includes('dyn') ? ['height', 'width'] : [640, 640];
      const batch = name.includes('dyn') ? 'batch' : 1;
      expect(inputs).toEqual([{ name: 'images', dtype: 'uint8', dims: [batch, ...size, 3] }]);
    });

    it('detects on real pictures what it did before', () => {
      expect(before.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(250);
      for (const [i, results] of after.entries()) {
        if (tolerance === undefined) expect(content(results)).toEqual(content(before[i]!));
        else expect(compareDetections(asReference(before[i]!), results, tolerance)).toEqual([]);
      }
    });
  },
);

describeWithData('a top-K head', () => {
  it('makes the anchor model of YOLOv5 one that VisionModel runs', async () => {
    const golden = readGolden('yolov5p-anchor');
    const { bytes } = await transformModel(dataPath('models', 'yolov5p-anchor.onnx'), fusion);
    await using model = await VisionModel.load(bytes!, { backend: 'cpu' });
    for (const [file, { detections }] of Object.entries(golden)) {
      const results = await model.predict(dataPath('images', file), { iou: 0.45 });
      const ours = [...results];
      for (const { cls, conf, xyxy } of detections) {
        // That package scales boxes back by one factor for both axes: up to a pixel of difference.
        const equal = ours.some(
          ({ class: label, score, box }) =>
            label === cls &&
            Math.abs(score - conf) < 0.005 &&
            box.every((side, i) => Math.abs(side - xyxy[i]!) < 2),
        );
        expect([file, cls, conf, equal]).toEqual([file, cls, conf, true]);
      }
      expect([file, ours.length]).toEqual([file, detections.length]);
    }
  });

  it('gathers the mask coefficients of the anchors that it keeps', async () => {
    const source = dataPath('models', 'yolov8p-seg-dyn.onnx');
    const { bytes } = await transformModel(source, { topK: 50 });
    const dims = [2, 3, 160, 160];
    const data = Float32Array.from(
      { length: 2 * 3 * 160 * 160 },
      (_, i) => ((i * 7919) % 1009) / 1009,
    );
    const feeds = { images: new Tensor('float32', data, dims) };
    await using plain = await Session.create(source, { backend: 'cpu' });
    await using fused = await Session.create(bytes!, { backend: 'cpu' });
    const { output0, output1 } = await plain.run(feeds);
    const found = await fused.run(feeds);
    expect(found.mask_coefficients!.dims).toEqual([2, 50, 32]);
    expect(found.output1!.data).toEqual(output1!.data);
    const raw = output0!.data as Float32Array;
    const [, channels, anchors] = output0!.dims as [number, number, number];
    for (let picture = 0; picture < 2; picture++) {
      const at = (channel: number, anchor: number) =>
        raw[(picture * channels + channel) * anchors + anchor]!;
      const best = Array.from({ length: anchors }, (_, anchor) => ({
        anchor,
        score: Math.max(...[4, 5, 6, 7, 8].map((channel) => at(channel, anchor))),
      }))
        .sort((a, b) => b.score - a.score || a.anchor - b.anchor)
        .slice(0, 50);
      const part = (name: string, size: number) =>
        [...(found[name]!.data as Float32Array)].slice(
          picture * 50 * size,
          (picture + 1) * 50 * size,
        );
      expect(part('scores', 1)).toEqual(best.map(({ score }) => score));
      expect(part('mask_coefficients', 32)).toEqual(
        best.flatMap(({ anchor }) => Array.from({ length: 32 }, (_, i) => at(9 + i, anchor))),
      );
    }
  });
});

describe('fusion of a small model', () => {
  const pixels = Uint8Array.from({ length: 40 * 24 * 3 }, (_, i) => (i * 31) % 256);
  const picture = { data: pixels, width: 40, height: 24 };

  it('keeps detections, batches that are not full and class filters', async () => {
    const source = tinyYolo({ batch: 4 });
    const { bytes, passes } = await transformModel(source, { ...fusion, simplify: true });
    expect(passes.map(({ name }) => name)).toEqual([
      'constant-folding',
      'dead-nodes',
      'image-input',
      'top-k',
      'dead-nodes',
    ]);
    await using plain = await VisionModel.load(source, { backend: 'cpu' });
    await using fused = await VisionModel.load(bytes!, { backend: 'cpu' });
    expect([fused.imageSize, fused.batchSize]).toEqual([plain.imageSize, 4]);
    const pictures = [picture, picture, picture, picture, picture];
    for (const options of [
      { confidence: 0.01 },
      { confidence: 0.01, classes: [1] },
      { confidence: 0.01, agnostic: true },
    ]) {
      const before = await plain.predict(pictures, options);
      expect(before[4]!.length).toBeGreaterThan(0);
      expect((await fused.predict(pictures, options)).map(content)).toEqual(before.map(content));
    }
  });

  it('is refused where K is larger than the model', async () => {
    await expect(transformModel(tinyYolo(), { topK: 17 })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: 'Expected at most 16, the anchors of the model, for topK but received 17',
    });
  });

  it('cannot be had twice', async () => {
    const { bytes } = await transformModel(tinyYolo(), fusion);
    for (const again of [{ imageInput: true }, { topK: true }]) {
      await expect(transformModel(bytes!, again)).rejects.toMatchObject({
        code: 'ERR_UNSUPPORTED_MODEL',
        message: expect.stringMatching(/images uint8 \[1, 32, 32, 3\]|boxes float32 \[1, 16, 4\]/),
      });
    }
  });

  it.each([{ topK: 3841 }, { topK: 'all' }, { imageInput: { scale: '1' } }, { simplify: 1 }])(
    'refuses %j',
    async (options) => {
      await expect(transformModel(tinyYolo(), options as never)).rejects.toMatchObject({
        code: 'ERR_INVALID_ARGUMENT',
        message: expect.stringContaining('options.'),
      });
    },
  );
});
