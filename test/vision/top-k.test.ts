import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LogRecord, setLogSink } from '../../src/log';
import { native } from '../../src/native/binding';
import type { TopKDecodeOptions } from '../../src/native/vision-contract';
import { chooseHead } from '../../src/vision/heads/choose';
import type { OutputInfo } from '../../src/vision/heads/head';
import { pseudoRandom } from '../helpers/passes';

const mapping = { padX: 0, padY: 0, gainX: 1, gainY: 1, width: 1000, height: 1000 };
const badArgument = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' });
const options = (changes: Partial<TopKDecodeOptions> = {}): TopKDecodeOptions => ({
  count: 3,
  labelType: 'int32',
  confidence: 0.25,
  iou: 0.7,
  maxDetections: 300,
  images: [mapping],
  ...changes,
});
/** Two boxes of one class that overlap, and one below the confidence. */
const three = () => ({
  boxes: Float32Array.of(10, 10, 50, 50, 11, 10, 51, 50, 0, 0, 9, 9),
  scores: Float32Array.of(0.9, 0.8, 0.2),
  labels: Int32Array.of(1, 1, 0),
});

describe('decodeTopK', () => {
  it('suppresses within a class, maps boxes back and tells rows', async () => {
    const half = { padX: 10, padY: 0, gainX: 0.5, gainY: 2, width: 60, height: 1000 };
    const [found] = await native().decodeTopK(three(), options({ images: [half] }));
    expect(found).toEqual({
      boxes: Float32Array.of(0, 5, 60, 25),
      scores: Float32Array.of(0.9),
      classes: Int32Array.of(1),
      anchors: Int32Array.of(0),
      candidates: 2,
      truncated: false,
      nativeMs: expect.any(Number),
    });
  });

  it('keeps classes apart unless told otherwise, and takes int64 labels', async () => {
    const outputs = { ...three(), labels: BigInt64Array.of(1n, 0n, 0n) };
    const kept = async (changes: Partial<TopKDecodeOptions>) => {
      const [found] = await native().decodeTopK(
        outputs,
        options({ labelType: 'int64', ...changes }),
      );
      return [...found!.classes];
    };
    expect(await kept({})).toEqual([1, 0]);
    expect(await kept({ agnostic: true })).toEqual([1]);
    expect(await kept({ classes: [0] })).toEqual([0]);
    expect(await kept({ classes: [7] })).toEqual([]);
    expect(await kept({ classes: [] })).toEqual([]);
    expect(await kept({ maxDetections: 1 })).toEqual([1]);
  });

  it('gives what decodeYolov8 gives for the same anchors, in any order of the rows', async () => {
    const random = pseudoRandom(11);
    const [anchors, classes] = [400, 3];
    const raw = new Float32Array((4 + classes) * anchors);
    for (let a = 0; a < anchors; a++) {
      // In clusters, so that many overlap; sizes that halves are exact in.
      raw[a] = Math.floor(random() * 6) * 100 + Math.floor(random() * 16);
      raw[anchors + a] = Math.floor(random() * 6) * 100 + Math.floor(random() * 16);
      raw[2 * anchors + a] = 20 + Math.floor(random() * 64);
      raw[3 * anchors + a] = 20 + Math.floor(random() * 64);
      for (let c = 0; c < classes; c++) raw[(4 + c) * anchors + a] = random();
    }
    const boxes = new Float32Array(anchors * 4);
    const scores = new Float32Array(anchors);
    const labels = new Int32Array(anchors);
    for (let a = 0; a < anchors; a++) {
      const at = (channel: number) => raw[channel * anchors + a]!;
      const [halfWidth, halfHeight] = [at(2) / 2, at(3) / 2];
      boxes.set(
        [at(0) - halfWidth, at(1) - halfHeight, at(0) + halfWidth, at(1) + halfHeight],
        a * 4,
      );
      for (let c = 0; c < classes; c++) {
        if (at(4 + c) > scores[a]!) [scores[a], labels[a]] = [at(4 + c), c];
      }
    }
    const shared = { confidence: 0.25, iou: 0.5, maxDetections: 300, images: [mapping] };
    for (const agnostic of [false, true]) {
      const [wanted] = await native().decodeYolov8(raw, {
        ...shared,
        agnostic,
        dtype: 'float32',
        channels: 4 + classes,
        anchors,
        classCount: classes,
      });
      const [found] = await native().decodeTopK(
        { boxes, scores, labels },
        options({ ...shared, agnostic, count: anchors }),
      );
      expect(wanted!.scores.length).toBeGreaterThan(50);
      expect({ ...found, nativeMs: 0 }).toEqual({ ...wanted, nativeMs: 0 });
    }
  });

  it('decodes each picture of a batch, from buffers too', async () => {
    const addon = native();
    const outputs = {
      boxes: Float32Array.of(...three().boxes, ...three().boxes),
      scores: Float32Array.of(...three().scores, 0.1, 0.8, 0.7),
      labels: Int32Array.of(1, 1, 0, 1, 1, 1),
    };
    const buffers = Object.fromEntries(
      Object.entries(outputs).map(([name, data]) => {
        const buffer = addon.bufferAllocate(data.byteLength);
        addon.bufferWrite(buffer, data, 0);
        return [name, buffer];
      }),
    ) as unknown as typeof outputs;
    for (const given of [outputs, buffers]) {
      const found = await addon.decodeTopK(given, options({ images: [mapping, mapping] }));
      expect(found.map(({ anchors }) => [...anchors])).toEqual([[0], [1, 2]]);
    }
  });

  it('drops rows that are no numbers or of no class', async () => {
    const outputs = {
      boxes: Float32Array.of(0, 0, 9, Number.NaN, 20, 0, 29, 9, 40, 0, 49, 9, 60, 0, 69, 9),
      scores: Float32Array.of(0.9, Number.POSITIVE_INFINITY, 0.8, 0.7),
      labels: Int32Array.of(0, 0, -1, 2 ** 20 + 1),
    };
    const [found] = await native().decodeTopK(outputs, options({ count: 4 }));
    expect(found).toMatchObject({ candidates: 0, scores: new Float32Array(0) });
  });

  it('tells when even the last row is above the confidence', async () => {
    const truncated = async (confidence: number, count = 3) => {
      const [found] = await native().decodeTopK(three(), options({ confidence, count }));
      return found!.truncated;
    };
    expect(await truncated(0.1)).toBe(true);
    expect(await truncated(0.2)).toBe(false);
    expect(await truncated(0.25)).toBe(false);
    expect(await truncated(0.25, 0)).toBe(false);
  });

  it.each<[string, Partial<TopKDecodeOptions>, object?]>([
    ['too few boxes', { count: 4 }],
    ['too few scores', {}, { scores: Float32Array.of(1, 1) }],
    ['too few labels', { labelType: 'int64' }],
    ['more images than data', { images: [mapping, mapping] }],
    ['a huge count', { count: Number.MAX_SAFE_INTEGER }],
    ['a count whose bytes overflow', { count: 2 ** 60 }],
    ['unaligned boxes', {}, { boxes: new Uint8Array(new ArrayBuffer(64), 1, 48) }],
    ['no scores', {}, { scores: undefined }],
    ['another type of labels', { labelType: 'uint8' as never }],
    ['a negative class', { classes: [-1] }],
    ['a huge class', { classes: [2 ** 30] }],
    ['a confidence above 1', { confidence: 1.1 }],
    ['no images', { images: undefined as never }],
  ])('refuses %s', (name, changes, outputs = {}) => {
    const call = () =>
      native().decodeTopK(
        { ...three(), ...outputs },
        // Only lent views are read where they lie.
        options({ ...changes, lent: name.startsWith('unaligned') }),
      );
    expect(call).toThrow(badArgument);
  });
});

describe('the head of top-K models', () => {
  const output = (
    name: string,
    dims: (number | null)[],
    dtype: OutputInfo['dtype'] = 'float32',
  ) => ({
    name,
    dims,
    dtype,
  });
  const outputs = [
    output('boxes', [null, 3, 4]),
    output('scores', [null, 3]),
    output('labels', [null, 3], 'int32'),
  ];
  const detection = { confidence: 0.25, iou: 0.7, maxDetections: 300 };
  const data = (batch: number) => [
    { dims: [batch, 3, 4], data: three().boxes },
    { dims: [batch, 3], data: three().scores },
    { dims: [batch, 3], data: three().labels },
  ];
  let records: LogRecord[] = [];
  beforeEach(() => {
    records = [];
    setLogSink((record) => records.push(record));
  });
  afterEach(() => setLogSink(() => {}));

  it('is recognised by names, types and ranks, in any order', async () => {
    const head = chooseHead({ outputs: outputs.toReversed(), task: 'detect', classCount: 2 });
    expect(head).toMatchObject({ layout: 'top-k', outputNames: ['boxes', 'scores', 'labels'] });
    const [found] = await head.decode(data(1), [mapping], detection);
    expect([...found!.anchors]).toEqual([0]);
    expect(records).toEqual([]);
  });

  it.each([
    ['another name', [outputs[0]!, outputs[1]!, output('classes', [1, 3], 'int32')]],
    ['halves', [output('boxes', [1, 3, 4], 'float16'), outputs[1]!, outputs[2]!]],
    ['float labels', [outputs[0]!, outputs[1]!, output('labels', [1, 3])]],
    ['boxes of five numbers', [output('boxes', [1, 3, 5]), outputs[1]!, outputs[2]!]],
    ['flat scores', [outputs[0]!, output('scores', [3]), outputs[2]!]],
    ['one output more', [...outputs, output('mask_coefficients', [1, 3, 32])]],
  ])('is not seen in %s', (_, given) => {
    expect(() => chooseHead({ outputs: given })).toThrow(
      expect.objectContaining({
        code: 'ERR_UNSUPPORTED_MODEL',
        message: expect.stringContaining('top-k: outputs boxes [N, K, 4]'),
      }),
    );
  });

  it('refuses a run of other shapes than declared', async () => {
    const head = chooseHead({ outputs });
    const [boxes, scores, labels] = data(1);
    for (const given of [
      [boxes!, scores!, { ...labels!, dims: [1, 2] }],
      [{ ...boxes!, dims: [1, 4, 3] }, scores!, labels!],
      [boxes!, { ...scores!, dims: [3] }, labels!],
      [boxes!, scores!],
      data(0),
    ]) {
      await expect(head.decode(given, [mapping], detection)).rejects.toMatchObject({
        code: 'ERR_UNSUPPORTED_MODEL',
        message: expect.stringMatching(/^Expected boxes \[N, K, 4\]/),
      });
    }
  });

  it('warns once when K may be too small', async () => {
    const head = chooseHead({ outputs });
    for (let i = 0; i < 2; i++)
      await head.decode(data(1), [mapping], { ...detection, confidence: 0.1 });
    expect(records).toEqual([
      {
        level: 'warn',
        source: 'vision',
        message: expect.stringMatching(/^All 3 anchors .+ above 0\.1: .+ larger topK$/),
      },
    ]);
  });
});
