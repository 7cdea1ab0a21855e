import { describe, expect, it } from 'vitest';
import { readTensorData } from '../../../src/onnx/tensor-data';
import { Tensor } from '../../../src/tensor/tensor';
import { castModel, conv, expectSameOnCpu, image, node, weight } from '../../helpers/half';
import { onnxModel, type TestModel } from '../../helpers/onnx-writer';

const picture = (): Tensor =>
  new Tensor(
    'float32',
    Float32Array.from({ length: 32 }, (_, i) => Math.sin(i) * 3),
    [1, 2, 4, 4],
  );

const chain: TestModel = {
  nodes: [conv('x', 'a'), node('Relu', 'a', 'b'), conv('b', 'y', 'w2')],
  initializers: [weight(), weight('w2')],
  inputs: [image('x')],
  outputs: [image('y')],
  valueInfos: [image('a'), image('b')],
};

describe('the cast to 16 bits', () => {
  it.each(['fp16', 'bf16'] as const)('to %s casts inputs and outputs once', async (type) => {
    const cast = await castModel(chain, { type });
    expect(cast.nodes).toEqual([
      `Cast to ${type} x > x_${type}`,
      `Conv x_${type},w > a`,
      'Relu a > b',
      `Conv b,w2 > y_${type}`,
      `Cast to fp32 y_${type} > y`,
    ]);
    expect(['x', 'a', 'b', 'w', 'w2', 'y'].map(cast.typeOf)).toEqual([
      'fp32',
      type,
      type,
      type,
      type,
      'fp32',
    ]);
    const declared = cast.graph.valueInfos.map(({ type: t }) => t!.tensor!.elementType);
    expect(declared).toEqual(type === 'fp16' ? [10, 10] : [16, 16]);
    expect(cast.facts).toMatchObject({
      type,
      halfNodes: 3,
      floatNodes: 0,
      castsInserted: 2,
      constants: 2,
      constantBytes: 32,
      clamped: [],
      flushed: [],
    });
    // ONNX Runtime has no bfloat16 convolution on the CPU.
    if (type === 'fp16') await expectSameOnCpu(chain, cast, { x: picture() });
  });

  it('takes a Buffer for what it holds, and not for the memory that it lies in', async () => {
    const bytes = onnxModel(chain);
    const pooled = Buffer.from(bytes);
    expect(pooled.buffer.byteLength).toBeGreaterThan(pooled.length);
    expect((await castModel(pooled)).bytes).toEqual((await castModel(bytes)).bytes);
  });

  it('casts inputs and outputs themselves where that is asked for', async () => {
    const cast = await castModel(chain, { keepIoFloat: false });
    expect(cast.nodes).toEqual(['Conv x,w > a', 'Relu a > b', 'Conv b,w2 > y']);
    expect(['x', 'y'].map(cast.typeOf)).toEqual(['fp16', 'fp16']);
    expect(cast.graph.inputs[0]!.type!.tensor!.elementType).toBe(10);
    expect(cast.graph.outputs[0]!.type!.tensor!.elementType).toBe(10);
  });

  it.each([
    ['operators', { keepFloatOperators: ['Relu'] }],
    ['nodes', { keepFloatNodes: ['Relu_b'] }],
  ])('keeps named %s in float32, with a cast on each side', async (_, options) => {
    const cast = await castModel(chain, options);
    expect(cast.nodes).toEqual([
      'Cast to fp16 x > x_fp16',
      'Conv x_fp16,w > a',
      'Cast to fp32 a > a_fp32',
      'Relu a_fp32 > b',
      'Cast to fp16 b > b_fp16',
      'Conv b_fp16,w2 > y_fp16',
      'Cast to fp32 y_fp16 > y',
    ]);
    expect(cast.facts.keptOperators).toEqual({ Relu: 1 });
    expect(cast.messages).toContain('kept in float32: Relu 1');
    await expectSameOnCpu(chain, cast, { x: picture() });
  });

  it('makes one cast for all who need it', async () => {
    const model: TestModel = {
      nodes: [
        conv('x', 'a'),
        conv('x', 'b', 'w2'),
        node('Pow', 'a,two', 'p'),
        node('Pow', 'a,two', 'q'),
        conv('p', 'c'),
        conv('p', 'd', 'w2'),
        node('Sum', 'b,c,d', 's'),
        conv('q', 'e'),
        node('Relu', 's', 'y'),
        node('Relu', 'e', 'z'),
      ],
      initializers: [
        weight(),
        weight('w2'),
        { name: 'two', dtype: 'float32', dims: [], data: [2] },
      ],
      inputs: [image('x')],
      outputs: [image('y'), image('z')],
    };
    const cast = await castModel(model);
    // x and p and q to fp16; a, y and z to fp32.
    expect(cast.nodes.filter((text) => text.startsWith('Cast'))).toEqual([
      'Cast to fp16 x > x_fp16',
      'Cast to fp32 a > a_fp32',
      'Cast to fp16 p > p_fp16',
      'Cast to fp16 q > q_fp16',
      'Cast to fp32 y_fp16 > y',
      'Cast to fp32 z_fp16 > z',
    ]);
    await expectSameOnCpu(model, cast, { x: picture() });
  });

  it('lets what stands between float32 nodes be float32, instead of a cast to and fro', async () => {
    const model: TestModel = {
      nodes: [
        conv('x', 'a'),
        node('Pow', 'a,two', 'p'),
        node('Transpose', 'p', 't'),
        node('ReduceMean', 't', 'm'),
        node('CumSum', 'm,axis', 'c'),
        node('Relu', 'c', 'y'),
      ],
      initializers: [
        weight(),
        { name: 'two', dtype: 'float32', dims: [], data: [2] },
        { name: 'axis', dtype: 'int64', dims: [], data: [0n] },
      ],
      inputs: [image('x')],
      outputs: [{ name: 'y', dtype: 'float32', dims: [1, 1, 1, 1] }],
    };
    const cast = await castModel(model);
    expect(['a', 'p', 't', 'm', 'c'].map(cast.typeOf)).toEqual([
      'fp16',
      'fp32',
      'fp32',
      'fp32',
      'fp32',
    ]);
    expect(cast.facts).toMatchObject({ halfNodes: 2, floatNodes: 4 });
  });

  it('gives a constant that both sides use in both types', async () => {
    const model: TestModel = {
      nodes: [
        conv('x', 'a'),
        node('Mul', 'a,k', 'b'),
        node('Softmax', 'b', 's'),
        node('Pow', 's,k', 'p'),
        node('Relu', 'p', 'y'),
      ],
      initializers: [weight(), { name: 'k', dtype: 'float32', dims: [], data: [1.5] }],
      inputs: [image('x')],
      outputs: [image('y')],
    };
    const cast = await castModel(model);
    expect(cast.nodes).toContain('Mul a,k_fp16 > b');
    expect(cast.nodes).toContain('Pow s_fp32,k > p');
    expect(['k', 'k_fp16'].map(cast.typeOf)).toEqual(['fp32', 'fp16']);
    await expectSameOnCpu(model, cast, { x: picture() });
  });

  it('converts Constant nodes of each form, beside their own where both types are needed', async () => {
    const constant = (
      output: string,
      attributes: NonNullable<(typeof chain.nodes)[0]['attributes']>,
    ) => ({
      op: 'Constant',
      inputs: [],
      outputs: [output],
      name: `c_${output}`,
      attributes,
    });
    const model: TestModel = {
      nodes: [
        constant('w', { value: { t: { ...weight() } } }),
        constant('k', { value_float: { f: 1.5 } }),
        constant('l', { value_floats: { floats: [0.5, 2, 1, 4] } }),
        conv('x', 'a'),
        node('Mul', 'a,k', 'b'),
        node('Add', 'b,l', 'c'),
        node('Softmax', 'c', 's'),
        node('Pow', 's,k', 'p'),
        node('Relu', 'p', 'y'),
      ],
      inputs: [image('x')],
      outputs: [image('y')],
    };
    const cast = await castModel(model);
    expect(['w', 'k', 'k_fp16', 'l'].map(cast.typeOf)).toEqual(['fp16', 'fp32', 'fp16', 'fp16']);
    expect(cast.nodes.filter((text) => text.startsWith('Constant'))).toHaveLength(4);
    expect(cast.facts.constants).toBe(3);
    await expectSameOnCpu(model, cast, { x: picture() });
  });

  it('says what it clamped and what became zero, with names and counts', async () => {
    const model: TestModel = {
      ...chain,
      initializers: [
        weight('w', [1e6, -70000, 1, 1e-9]),
        weight('w2', [Number.NEGATIVE_INFINITY, 65504, -1e-10, 1e-10]),
      ],
    };
    const cast = await castModel(model);
    expect(cast.facts.clamped).toEqual([{ name: 'w', clamped: 2, largest: 1e6, flushed: 1 }]);
    expect(cast.facts.flushed).toEqual([
      { name: 'w', clamped: 2, largest: 1e6, flushed: 1 },
      { name: 'w2', clamped: 0, largest: 0, flushed: 2 },
    ]);
    expect(cast.messages[0]).toBe(
      'clamped to ±65504 what is beyond the range of fp16: "w" (2 values up to 1.000e+6)',
    );
    expect(cast.messages[1]).toBe(
      'values too small for fp16 became zero: "w" (1 values), "w2" (2 values)',
    );
    const halves = await Promise.all(
      cast.graph.initializers.map(async (tensor) => [
        ...new Uint16Array(
          (await readTensorData(tensor, { path: undefined, name: '' })).slice().buffer,
        ),
      ]),
    );
    expect(halves).toEqual([
      [0x7bff, 0xfbff, 0x3c00, 0],
      [0xfc00, 0x7bff, 0x8000, 0],
    ]);
  });

  it('keeps the arithmetic before an output in float32, unless that is asked for', async () => {
    const model: TestModel = {
      nodes: [
        conv('x', 'a'),
        node('Sigmoid', 'a', 'g'),
        node('Add', 'a,offset', 'b'),
        node('Mul', 'b,stride', 'c'),
        node('Concat', 'c,g', 'y', { attributes: { axis: { i: 1 } } }),
      ],
      initializers: [
        weight(),
        { name: 'offset', dtype: 'float32', dims: [], data: [79.5] },
        { name: 'stride', dtype: 'float32', dims: [], data: [8] },
      ],
      inputs: [image('x')],
      outputs: [{ name: 'y', dtype: 'float32', dims: [1, 4, 4, 4] }],
    };
    const kept = await castModel(model);
    expect(kept.nodes).toEqual([
      'Cast to fp16 x > x_fp16',
      'Conv x_fp16,w > a',
      'Sigmoid a > g',
      'Cast to fp32 a > a_fp32',
      'Add a_fp32,offset > b',
      'Mul b,stride > c',
      'Cast to fp32 g > g_fp32',
      'Concat c,g_fp32 > y',
    ]);
    await expectSameOnCpu(model, kept, { x: picture() }, 2e-4);
    const all = await castModel(model, { keepTailFloat: false });
    expect(all.facts).toMatchObject({ halfNodes: 5, floatNodes: 0, castsInserted: 2 });
  });

  it('takes x · sigmoid(x) at an output for an activation and no arithmetic', async () => {
    const model: TestModel = {
      nodes: [conv('x', 'a'), node('Sigmoid', 'a', 's'), node('Mul', 'a,s', 'y')],
      initializers: [weight()],
      inputs: [image('x')],
      outputs: [image('y')],
    };
    expect((await castModel(model)).facts).toMatchObject({ halfNodes: 3, floatNodes: 0 });
  });

  it('casts a value that is an output and feeds the graph too', async () => {
    const model: TestModel = {
      ...chain,
      outputs: [image('y'), image('b')],
      valueInfos: [],
    };
    const cast = await castModel(model);
    expect(cast.nodes).toContain('Relu a > b_fp16');
    expect(cast.nodes).toContain('Cast to fp32 b_fp16 > b');
    expect(cast.nodes).toContain('Conv b_fp16,w2 > y_fp16');
    await expectSameOnCpu(model, cast, { x: picture() });
  });
});
