import { describe, expect, it } from 'vitest';
import { checkImageInput, imageInputPass } from '../../../../src/onnx/passes/image-input';
import { halfFromNumber } from '../../../../src/tensor/half';
import { Tensor } from '../../../../src/tensor/tensor';
import { onnxModel, type TestModel, type TestValue } from '../../../helpers/onnx-writer';
import { edit, runOnce } from '../../../helpers/passes';

/** Gives back what it is fed, so that tests see what a network would read. */
function echo(
  dims: TestValue['dims'] = [1, 3, 16, 16],
  dtype: TestValue['dtype'] = 'float32',
  extra: Partial<TestModel> = {},
): Uint8Array {
  return onnxModel({
    nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
    inputs: [{ name: 'x', dtype, dims }],
    outputs: [{ name: 'y', dtype, dims }],
    ...extra,
  });
}

const pass = (options: unknown = true) => imageInputPass(checkImageInput('imageInput', options)!);

/** Every sample value in each channel, each channel in another order. */
const samples = Uint8Array.from(
  { length: 3 * 256 },
  (_, i) => (Math.floor(i / 3) * ((i % 3) * 2 + 1)) % 256,
);
const pictures = new Tensor('uint8', samples, [1, 16, 16, 3]);

/** What the network must read, in NCHW order. */
const expected = (compute: (sample: number, channel: number) => number, order = [0, 1, 2]) =>
  order.flatMap((from, channel) =>
    Array.from({ length: 256 }, (_, i) => compute(samples[3 * i + from]!, channel)),
  );
const f32 = Math.fround;

describe('imageInputPass', () => {
  it('gives the network bit for bit what the host path does, in float32', async () => {
    const { bytes, reports } = await edit(echo(), [pass()]);
    const { y } = await runOnce(bytes, { x: pictures });
    expect(y!.dims).toEqual([1, 3, 16, 16]);
    expect([...(y!.data as Float32Array)]).toEqual(expected((sample) => f32(sample / 255)));
    expect(reports[0]).toMatchObject({
      name: 'image-input',
      nodesBefore: 1,
      nodesAfter: 4,
      facts: { input: 'x', dims: [1, 16, 16, 3] },
    });
  });

  it('and in float16, rounded from float32', async () => {
    const { bytes } = await edit(echo([1, 3, 16, 16], 'float16'), [pass()]);
    const { y } = await runOnce(bytes, { x: pictures });
    expect(y!.dtype).toBe('float16');
    expect([...(y!.data as Uint16Array)]).toEqual(
      expected((sample) => halfFromNumber(f32(sample / 255))),
    );
  });

  it.each<[string, object, number[]]>([
    ['a scale', { scale: 0.5 }, expected((sample) => sample * 0.5)],
    ['raw samples', { scale: 1 }, expected((sample) => sample)],
    ['another order of channels', { scale: 1, channelOrder: 'bgr' }, expected((s) => s, [2, 1, 0])],
    [
      'mean and deviation by channel',
      { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
      expected((sample, channel) =>
        f32(
          f32(f32(sample / 255) - f32([0.485, 0.456, 0.406][channel]!)) /
            f32([0.229, 0.224, 0.225][channel]!),
        ),
      ),
    ],
    [
      'one mean and deviation for all',
      { scale: 1, mean: 128, std: 64, channelOrder: 'bgr' },
      expected((sample) => (sample - 128) / 64, [2, 1, 0]),
    ],
  ])('takes %s', async (_, options, wanted) => {
    const { bytes } = await edit(echo(), [pass(options)]);
    const { y } = await runOnce(bytes, { x: pictures });
    expect([...(y!.data as Float32Array)]).toEqual(wanted);
  });

  it('leaves free what was free', async () => {
    const { model, bytes } = await edit(echo(['batch', 3, 'height', null]), [pass()]);
    const dims = model.proto.graph.inputs[0]!.type!.tensor!.shape!.dims;
    expect(dims.map(({ value, param }) => value ?? param)).toEqual([
      'batch',
      'height',
      undefined,
      3,
    ]);
    const { y } = await runOnce(bytes, {
      x: new Tensor('uint8', new Uint8Array(24), [2, 1, 4, 3]),
    });
    expect(y!.dims).toEqual([2, 3, 1, 4]);
  });

  it('feeds every use, those of sub-graphs among them, and takes no name twice', async () => {
    const inner = (op: string) => ({
      g: {
        nodes: [{ op, inputs: ['x'], outputs: ['z'] }],
        outputs: [{ name: 'z', dtype: 'float32', dims: [1, 3, 16, 16] }],
      } as const,
    });
    const model = echo(undefined, undefined, {
      nodes: [
        {
          op: 'If',
          inputs: ['flag'],
          outputs: ['image_input/div'],
          attributes: { then_branch: inner('Neg'), else_branch: inner('Abs') },
        },
        { op: 'Add', inputs: ['image_input/div', 'x'], outputs: ['y'] },
      ],
      initializers: [{ name: 'flag', dtype: 'bool', dims: [], data: [1] }],
    });
    const { bytes } = await edit(model, [pass()]);
    const { y } = await runOnce(bytes, { x: pictures });
    expect([...(y!.data as Float32Array)]).toEqual(new Array(768).fill(0));
  });

  it('takes the input it is told', async () => {
    const two = echo(undefined, undefined, {
      nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }],
      inputs: ['x', 'w'].map((name) => ({ name, dtype: 'float32', dims: [1, 3, 16, 16] })),
    });
    const { model } = await edit(two, [pass({ name: 'w' })]);
    expect(model.proto.graph.inputs.map(({ type }) => type!.tensor!.elementType)).toEqual([1, 2]);
    await expect(edit(two, [pass()])).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED_MODEL',
      message: expect.stringMatching(/^Expected one image input but .+imageInput\.name$/),
    });
    await expect(edit(two, [pass({ name: 'v' })])).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('x float32 [1, 3, 16, 16]; w float32 [1, 3, 16, 16]'),
    });
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['of another rank', echo([1, 3]), /x float32 \[1, 3\]/],
    ['of one channel', echo([1, 1, 8, 8]), /x float32 \[1, 1, 8, 8\]/],
    ['of channels last', echo([1, 8, 8, 3]), /x float32 \[1, 8, 8, 3\]/],
    ['that is one already', echo([1, 8, 8, 3], 'uint8'), /x uint8 \[1, 8, 8, 3\]/],
    ['of integers', echo([1, 3, 8, 8], 'int32'), /x int32 \[1, 3, 8, 8\]/],
    [
      'of no shape',
      onnxModel({
        nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
        inputs: [{ name: 'x', dtype: 'float32' }],
        outputs: [{ name: 'y', dtype: 'float32' }],
      }),
      /x float32 of unknown shape/,
    ],
    [
      'that is an output too',
      echo(undefined, undefined, {
        outputs: [{ name: 'x', dtype: 'float32', dims: [1, 3, 16, 16] }],
      }),
      /"x" of the model buffer is both/,
    ],
    [
      'of an old operator set',
      echo(undefined, undefined, { opset: 8, irVersion: 3 }),
      /operator set 9/,
    ],
  ])('refuses an input %s', async (_, model, message) => {
    await expect(edit(model, [pass()])).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED_MODEL',
      message: expect.stringMatching(message),
    });
  });
});

describe('checkImageInput', () => {
  it('drops what says nothing', () => {
    expect(checkImageInput('o', undefined)).toBeUndefined();
    expect(checkImageInput('o', false)).toBeUndefined();
    expect(checkImageInput('o', { mean: 0, std: [1, 1, 1], channelOrder: 'rgb' })).toEqual({});
  });

  it.each([
    ['a number', 1],
    ['null', null],
    ['an unknown key', { means: [0, 0, 0] }],
    ['two means', { mean: [0, 0] }],
    ['a deviation of 0', { std: 0 }],
    ['a text as mean', { mean: ['0', 0, 0] }],
    ['a scale of 0', { scale: 0 }],
    ['NaN', { mean: Number.NaN }],
    ['another order', { channelOrder: 'gbr' }],
    ['an empty name', { name: '' }],
  ])('refuses %s', (_, value) => {
    expect(() => checkImageInput('imageInput', value)).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARGUMENT',
        message: expect.stringContaining('imageInput'),
      }),
    );
  });
});
