import { describe, expect, it } from 'vitest';
import { checkTopK, defaultTopK, maxTopK, topKPass } from '../../../../src/onnx/passes/top-k-head';
import { halfFromNumber, numberFromHalf } from '../../../../src/tensor/half';
import { Tensor } from '../../../../src/tensor/tensor';
import { type Dim, onnxModel, type TestModel } from '../../../helpers/onnx-writer';
import { edit, pseudoRandom, runOnce } from '../../../helpers/passes';

const names = "{0: 'a', 1: 'b', 2: 'c'}";

/** A network that is fed its own raw output. */
function raw(
  dims: readonly Dim[],
  extra: Partial<TestModel> & { dtype?: 'float32' | 'float16' } = {},
): Uint8Array {
  const { dtype = 'float32', ...rest } = extra;
  return onnxModel({
    nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['output0'] }],
    inputs: [{ name: 'x', dtype, dims }],
    outputs: [{ name: 'output0', dtype, dims }],
    metadata: { names, task: 'detect' },
    ...rest,
  });
}

/** `count` anchors of one picture as rows of cx, cy, w, h (, objectness), scores (, coefficients). */
function randomRows(seed: number, count: number, columns: number): number[][] {
  const random = pseudoRandom(seed);
  const round = (value: number) => numberFromHalf(halfFromNumber(value));
  return Array.from({ length: count }, () =>
    Array.from({ length: columns }, (_, i) => round(i < 4 ? random() * 100 : random())),
  );
}

interface Best {
  box: number[];
  score: number;
  label: number;
  rest: number[];
}

/** The K best, computed plainly. */
function best(rows: number[][], k: number, classes: number, objectness: boolean): Best[] {
  const first = objectness ? 5 : 4;
  return rows
    .map((row) => {
      const scores = row
        .slice(first, first + classes)
        .map((score) => (objectness ? Math.fround(score * row[4]!) : score));
      const score = Math.max(...scores);
      const [cx, cy, w, h] = row as [number, number, number, number];
      const box = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2].map(Math.fround);
      return { box, score, label: scores.indexOf(score), rest: row.slice(first + classes) };
    })
    .sort((a, b) => b.score - a.score)
    .slice(0, k);
}

const transpose = (rows: number[][]): number[] =>
  rows[0]!.flatMap((_, i) => rows.map((row) => row[i]!));
const numbers = (tensor: Tensor | undefined) => Array.from(tensor!.data as Float32Array, Number);

describe('topKPass', () => {
  it.each([17, 18])(
    'decodes a YOLOv8 head as plain arithmetic does, operator set %i',
    async (opset) => {
      const pictures = [1, 2, 3].map((seed) => randomRows(seed, 50, 7));
      const { bytes, reports } = await edit(raw(['n', 7, 50], { opset }), [topKPass(8)]);
      const x = new Tensor('float32', Float32Array.from(pictures.flatMap(transpose)), [3, 7, 50]);
      const { boxes, scores, labels, ...rest } = await runOnce(bytes, { x });
      const wanted = pictures.flatMap((rows) => best(rows, 8, 3, false));
      expect(boxes!.dims).toEqual([3, 8, 4]);
      expect(numbers(boxes)).toEqual(wanted.flatMap(({ box }) => box));
      expect(scores!.dims).toEqual([3, 8]);
      expect(numbers(scores)).toEqual(wanted.map(({ score }) => score));
      expect([labels!.dtype, labels!.dims]).toEqual(['int32', [3, 8]]);
      expect(numbers(labels)).toEqual(wanted.map(({ label }) => label));
      expect(rest).toEqual({});
      expect(reports[0]!.facts).toEqual({
        layout: 'yolov8',
        k: 8,
        classes: 3,
        outputs: ['boxes', 'scores', 'labels'],
      });
    },
  );

  it('decodes a YOLOv5 head, whose scores are class times objectness', async () => {
    const rows = randomRows(4, 40, 8);
    const { bytes, reports } = await edit(raw([1, 40, 8]), [topKPass(40)]);
    const x = new Tensor('float32', Float32Array.from(rows.flat()), [1, 40, 8]);
    const { boxes, scores, labels } = await runOnce(bytes, { x });
    const wanted = best(rows, 40, 3, true);
    expect(numbers(scores)).toEqual(wanted.map(({ score }) => score));
    expect(numbers(labels)).toEqual(wanted.map(({ label }) => label));
    expect(numbers(boxes)).toEqual(wanted.flatMap(({ box }) => box));
    expect(reports[0]!.facts).toMatchObject({ layout: 'yolov5', k: 40 });
  });

  it('keeps mask coefficients with their anchors, and the prototypes', async () => {
    const rows = randomRows(5, 30, 4 + 3 + 2);
    const model = raw([1, 9, 30], {
      nodes: [
        { op: 'Identity', inputs: ['x'], outputs: ['output0'] },
        { op: 'Identity', inputs: ['p'], outputs: ['output1'] },
      ],
      inputs: [
        { name: 'x', dtype: 'float32', dims: [1, 9, 30] },
        { name: 'p', dtype: 'float32', dims: [1, 2, 4, 4] },
      ],
      outputs: [
        { name: 'output0', dtype: 'float32', dims: [1, 9, 30] },
        { name: 'output1', dtype: 'float32', dims: [1, 2, 4, 4] },
      ],
      metadata: { names, task: 'segment' },
    });
    const { bytes } = await edit(model, [topKPass(6)]);
    const found = await runOnce(bytes, {
      x: new Tensor('float32', Float32Array.from(transpose(rows)), [1, 9, 30]),
      p: new Tensor('float32', new Float32Array(32), [1, 2, 4, 4]),
    });
    expect(Object.keys(found).sort()).toEqual([
      'boxes',
      'labels',
      'mask_coefficients',
      'output1',
      'scores',
    ]);
    expect(found.mask_coefficients!.dims).toEqual([1, 6, 2]);
    expect(numbers(found.mask_coefficients)).toEqual(
      best(rows, 6, 3, false).flatMap(({ rest }) => rest),
    );
  });

  it('gives float32 for a head in half precision, corners computed in float32', async () => {
    const rows = randomRows(6, 20, 7);
    const { bytes } = await edit(raw([1, 7, 20], { dtype: 'float16' }), [topKPass(5)]);
    const x = new Tensor('float16', Uint16Array.from(transpose(rows), halfFromNumber), [1, 7, 20]);
    const { boxes, scores } = await runOnce(bytes, { x });
    expect([boxes!.dtype, scores!.dtype]).toEqual(['float32', 'float32']);
    const wanted = best(rows, 5, 3, false);
    expect(numbers(boxes)).toEqual(wanted.flatMap(({ box }) => box));
    expect(numbers(scores)).toEqual(wanted.map(({ score }) => score));
  });

  it('prefers the lower anchor and the lower class of equal scores', async () => {
    const rows = [
      [10, 10, 4, 4, 0.5, 0.5, 0.1],
      [20, 20, 4, 4, 0.1, 0.5, 0.5],
      [30, 30, 4, 4, 0.5, 0.2, 0.1],
    ];
    const { bytes } = await edit(raw([1, 7, 3], { metadata: { names } }), [topKPass(2)]);
    const x = new Tensor('float32', Float32Array.from(transpose(rows)), [1, 7, 3]);
    const { boxes, labels } = await runOnce(bytes, { x });
    expect(numbers(labels)).toEqual([0, 1]);
    expect(numbers(boxes)).toEqual([8, 8, 12, 12, 18, 18, 22, 22]);
  });

  it.each<[string, Uint8Array, number]>([
    ['all anchors of a small model', raw([1, 7, 50]), 50],
    ['the default', raw([1, 7, 8400]), defaultTopK],
    ['the default where anchors are free', raw(['n', 7, 'anchors']), defaultTopK],
    ['the default where channels are free too', raw(['n', 'c', 'anchors']), defaultTopK],
    ['the default without class names', raw([1, 84, 8400], { metadata: {} }), defaultTopK],
  ])('keeps %s when not told', async (_, model, k) => {
    const { reports } = await edit(model, [topKPass(true)]);
    expect(reports[0]!.facts).toMatchObject({ layout: 'yolov8', k });
  });

  it('says at run time that a picture has fewer anchors than K', async () => {
    const { bytes } = await edit(raw(['n', 7, 'anchors']), [topKPass(30)]);
    const x = new Tensor('float32', new Float32Array(7 * 20), [1, 7, 20]);
    await expect(runOnce(bytes, { x })).rejects.toMatchObject({ code: 'ERR_INFERENCE' });
  });

  it('refuses more than all anchors', async () => {
    await expect(edit(raw([1, 7, 50]), [topKPass(51)])).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: 'Expected at most 50, the anchors of the model, for topK but received 51',
    });
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['a classifier', raw([1, 10]), /output0 float32 \[1, 10\]/],
    ['another number of classes', raw([1, 9, 50]), /3 class names/],
    [
      'key points',
      raw([1, 56, 50], { metadata: { names: "{0: 'a'}", task: 'pose' } }),
      /task pose/,
    ],
    ['oriented boxes', raw([1, 8, 50], { metadata: { names, task: 'obb' } }), /task obb/],
    [
      'suppression inside',
      raw([1, 300, 6], { metadata: { names, task: 'detect', args: "{'nms': True}" } }),
      /selects its detections itself|3 class names/,
    ],
    ['decoded rows without names', raw([1, 300, 6], { metadata: {} }), /no class names/],
    [
      'masks without prototypes',
      raw([1, 39, 50], { metadata: { names, task: 'segment' } }),
      /without mask prototypes/,
    ],
    [
      'integers',
      onnxModel({
        nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
        inputs: [{ name: 'x', dtype: 'int32', dims: [1, 7, 50] }],
        outputs: [{ name: 'y', dtype: 'int32', dims: [1, 7, 50] }],
        metadata: { names },
      }),
      /y int32/,
    ],
    [
      'a value that has the name of an output',
      raw([1, 7, 50], {
        nodes: [
          { op: 'Identity', inputs: ['x'], outputs: ['scores'] },
          { op: 'Identity', inputs: ['scores'], outputs: ['output0'] },
        ],
      }),
      /no value named "scores"/,
    ],
    ['an old operator set', raw([1, 7, 50], { opset: 10, irVersion: 5 }), /operator set 11/],
  ])('refuses %s', async (_, model, message) => {
    await expect(edit(model, [topKPass(true)])).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED_MODEL',
      message: expect.stringMatching(message),
    });
  });
});

describe('checkTopK', () => {
  it('takes true and numbers', () => {
    expect([undefined, false, true, 1, maxTopK].map((value) => checkTopK('topK', value))).toEqual([
      undefined,
      undefined,
      true,
      1,
      maxTopK,
    ]);
  });

  it.each([0, -1, 1.5, maxTopK + 1, '300', null, {}])('refuses %s', (value) => {
    expect(() => checkTopK('topK', value)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }),
    );
  });
});
