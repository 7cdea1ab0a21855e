import { describe, expect, it } from 'vitest';
import { Tensor } from '../../../src/tensor/tensor';
import { castModel, conv, expectSameOnCpu, image, node, weight } from '../../helpers/half';
import type { TestModel, TestNode } from '../../helpers/onnx-writer';

const picture = (): Tensor =>
  new Tensor(
    'float32',
    Float32Array.from({ length: 32 }, (_, i) => Math.cos(i) * 2),
    [1, 2, 4, 4],
  );

const scalar = (name: string, value: number) =>
  ({ name, dtype: 'float32', dims: [], data: [value] }) as const;

describe('operators with rules of their own', () => {
  it('Cast: from bytes to 16 bits, from wider integers to float32', async () => {
    const to = (type: number) => ({ attributes: { to: { i: type } } });
    const model: TestModel = {
      nodes: [
        node('Cast', 'u', 'a', to(1)),
        node('Cast', 'i', 'b', to(1)),
        node('Mul', 'a,k', 'c'),
        node('Relu', 'c', 'd'),
        node('Add', 'd,b', 'e'),
        node('Sigmoid', 'e', 'y'),
      ],
      initializers: [scalar('k', 1 / 255)],
      inputs: [
        { name: 'u', dtype: 'uint8', dims: [4] },
        { name: 'i', dtype: 'int64', dims: [4] },
      ],
      outputs: [{ name: 'y', dtype: 'float32', dims: [4] }],
    };
    const cast = await castModel(model);
    expect(['a', 'b', 'c', 'e'].map(cast.typeOf)).toEqual(['fp16', 'fp32', 'fp16', 'fp16']);
    expect(cast.nodes[0]).toBe('Cast to fp16 u > a');
    await expectSameOnCpu(model, cast, {
      u: new Tensor('uint8', Uint8Array.of(0, 7, 128, 255), [4]),
      i: new Tensor('int64', BigInt64Array.of(1n, -2n, 0n, 3n), [4]),
    });
  });

  it('Cast: a value that was 16 bits wide already is used as it was', async () => {
    const to = (type: number) => ({ attributes: { to: { i: type } } });
    const model: TestModel = {
      nodes: [node('Cast', 'h', 'f', to(1)), conv('f', 'a'), node('Relu', 'a', 'y')],
      initializers: [weight()],
      inputs: [{ name: 'h', dtype: 'float16', dims: [1, 2, 4, 4] }],
      outputs: [image('y')],
    };
    const cast = await castModel(model);
    expect(cast.nodes).toEqual(['Conv h,w > a', 'Relu a > y_fp16', 'Cast to fp32 y_fp16 > y']);
  });

  it('Resize: scales stay float32', async () => {
    const model: TestModel = {
      nodes: [conv('x', 'a'), node('Resize', 'a,,scales', 'b'), node('Relu', 'b', 'y')],
      initializers: [weight(), { name: 'scales', dtype: 'float32', dims: [4], data: [1, 1, 2, 2] }],
      inputs: [image('x')],
      outputs: [{ name: 'y', dtype: 'float32', dims: [1, 2, 8, 8] }],
    };
    const cast = await castModel(model);
    expect(['scales', 'b'].map(cast.typeOf)).toEqual(['fp32', 'fp16']);
    await expectSameOnCpu(model, cast, { x: picture() });
  });

  it('arithmetic on shapes stays float32, with no cast at all', async () => {
    const to = (type: number) => ({ attributes: { to: { i: type } } });
    const model: TestModel = {
      nodes: [
        conv('x', 'a'),
        node('Shape', 'a', 's'),
        node('Cast', 's', 'sf', to(1)),
        node('Mul', 'sf,factors', 'sm'),
        node('Cast', 'sm', 'si', to(7)),
        node('Expand', 'a,si', 'b'),
        node('Relu', 'b', 'y'),
      ],
      initializers: [
        weight(),
        { name: 'factors', dtype: 'float32', dims: [4], data: [3, 1, 1, 1] },
      ],
      inputs: [image('x')],
      outputs: [{ name: 'y', dtype: 'float32', dims: [3, 2, 4, 4] }],
    };
    const cast = await castModel(model);
    expect(['sf', 'sm', 'factors', 'b'].map(cast.typeOf)).toEqual(['fp32', 'fp32', 'fp32', 'fp16']);
    expect(cast.facts.castsInserted).toBe(2);
    await expectSameOnCpu(model, cast, { x: picture() });
  });

  it('weights that are passed on or transposed before their use are no arithmetic', async () => {
    const model: TestModel = {
      nodes: [
        node('Identity', 'w', 'same'),
        node('Transpose', 'w', 'turned', { attributes: { perm: { ints: [1, 0, 2, 3] } } }),
        node('Mul', 'w,w', 'squared'),
        conv('x', 'a', 'same'),
        conv('a', 'b', 'turned'),
        conv('b', 'c', 'squared'),
        node('Relu', 'c', 'y'),
      ],
      initializers: [weight()],
      inputs: [image('x')],
      outputs: [image('y')],
    };
    const cast = await castModel(model);
    expect(['same', 'turned', 'squared', 'w', 'w_fp16'].map(cast.typeOf)).toEqual([
      'fp16',
      'fp16',
      'fp32',
      'fp32',
      'fp16',
    ]);
    // x, squared and y.
    expect(cast.facts.castsInserted).toBe(3);
    await expectSameOnCpu(model, cast, { x: picture() });
  });

  it('ConvTranspose stays float32 in bf16, which TensorRT-RTX cannot build it in', async () => {
    const model: TestModel = {
      nodes: [conv('x', 'a'), node('ConvTranspose', 'a,w', 'b'), node('Relu', 'b', 'y')],
      initializers: [weight()],
      inputs: [image('x')],
      outputs: [image('y')],
    };
    expect((await castModel(model, { type: 'bf16' })).typeOf('b')).toBe('fp32');
    expect((await castModel(model)).typeOf('b')).toBe('fp16');
  });

  it('If: branches stay float32, with what they take from outside', async () => {
    const branch = (nodes: TestNode[], name: string) => ({
      g: { nodes, outputs: [image(name)] },
    });
    const model: TestModel = {
      nodes: [
        conv('x', 'a'),
        conv('a', 'b'),
        {
          op: 'If',
          inputs: ['flag'],
          outputs: ['c'],
          name: 'if',
          attributes: {
            then_branch: branch([node('Mul', 'a,k', 'then')], 'then'),
            else_branch: branch([node('Add', 'b,k', 'else')], 'else'),
          },
        },
        node('Mul', 'b,k', 'd'),
        conv('c', 'e'),
        node('Sum', 'd,e', 'f'),
        node('Relu', 'f', 'y'),
      ],
      initializers: [weight(), scalar('k', 2)],
      inputs: [image('x'), { name: 'flag', dtype: 'bool', dims: [] }],
      outputs: [image('y')],
    };
    const cast = await castModel(model);
    expect(['a', 'c', 'e', 'k', 'k_fp16'].map(cast.typeOf)).toEqual([
      'fp16',
      'fp32',
      'fp16',
      'fp32',
      'fp16',
    ]);
    const inner = cast.graph.nodes
      .find(({ opType }) => opType === 'If')!
      .attributes.map(({ g }) => g!.nodes[0]!.inputs);
    expect(inner).toEqual([
      ['a_fp32', 'k'],
      ['b_fp32', 'k'],
    ]);
    expect(cast.facts.keptOperators).toEqual({ If: 1 });
    for (const flag of [0, 1]) {
      const feeds = { x: picture(), flag: new Tensor('bool', Uint8Array.of(flag), []) };
      await expectSameOnCpu(model, cast, feeds);
    }
  });

  it('Loop: bodies stay float32', async () => {
    const model: TestModel = {
      nodes: [
        conv('x', 'a'),
        {
          op: 'Loop',
          inputs: ['trips', '', 'a'],
          outputs: ['b'],
          name: 'loop',
          attributes: {
            body: {
              g: {
                nodes: [node('Identity', 'go', 'go_on'), node('Add', 'state,a', 'next')],
                inputs: [
                  { name: 'i', dtype: 'int64', dims: [] },
                  { name: 'go', dtype: 'bool', dims: [] },
                  image('state'),
                ],
                outputs: [{ name: 'go_on', dtype: 'bool', dims: [] }, image('next')],
              },
            },
          },
        },
        conv('b', 'c'),
        node('Relu', 'c', 'y'),
      ],
      initializers: [weight(), { name: 'trips', dtype: 'int64', dims: [], data: [3n] }],
      inputs: [image('x')],
      outputs: [image('y')],
    };
    const cast = await castModel(model);
    expect(['a', 'b', 'c'].map(cast.typeOf)).toEqual(['fp16', 'fp32', 'fp16']);
    await expectSameOnCpu(model, cast, { x: picture() });
  });

  it('operators of other domains stay float32, and so does what depends on undeclared values', async () => {
    const model: TestModel = {
      nodes: [
        conv('x', 'a'),
        node('Odd', 'a', 'b', { domain: 'my.domain' }),
        conv('b', 'c'),
        node('Relu', 'c', 'y'),
      ],
      opsets: { 'my.domain': 1 },
      initializers: [weight()],
      inputs: [image('x')],
      outputs: [image('y')],
    };
    const cast = await castModel(model);
    expect(cast.nodes.slice(-3)).toEqual(['Odd a_fp32 > b', 'Conv b,w > c', 'Relu c > y']);
    expect(['w', 'w_fp16'].map(cast.typeOf)).toEqual(['fp32', 'fp16']);
    expect(cast.facts.keptOperators).toEqual({ 'my.domain.Odd': 1, Conv: 1, Relu: 1 });
    expect(cast.messages.join()).toContain('node "Odd_b" has values of unknown type');
    const declared = await castModel({ ...model, valueInfos: [image('b')] });
    expect(declared.typeOf('c')).toBe('fp16');
  });

  it('a NonMaxSuppression gets float32 boxes and scores', async () => {
    const model: TestModel = {
      nodes: [
        node('Sigmoid', 'boxes', 'b'),
        node('Sigmoid', 'scores', 's'),
        node('NonMaxSuppression', 'b,s,most', 'y'),
      ],
      initializers: [{ name: 'most', dtype: 'int64', dims: [1], data: [2n] }],
      inputs: [
        { name: 'boxes', dtype: 'float32', dims: [1, 3, 4] },
        { name: 'scores', dtype: 'float32', dims: [1, 1, 3] },
      ],
      outputs: [{ name: 'y', dtype: 'int64', dims: [null, 3] }],
    };
    const cast = await castModel(model);
    expect(cast.nodes.at(-1)).toBe('NonMaxSuppression b_fp32,s_fp32,most > y');
    await expectSameOnCpu(model, cast, {
      boxes: new Tensor(
        'float32',
        Float32Array.of(0, 0, 1, 1, -3, -3, 2, 2, 0, 0, 3, 3),
        [1, 3, 4],
      ),
      scores: new Tensor('float32', Float32Array.of(1, 2, 3), [1, 1, 3]),
    });
  });
});

describe('graphs of older and careless tools', () => {
  it('puts nodes in order that are not', async () => {
    const model: TestModel = {
      nodes: [conv('b', 'y', 'w'), node('Relu', 'a', 'b'), conv('x', 'a')],
      initializers: [weight()],
      inputs: [image('x')],
      outputs: [image('y')],
    };
    const cast = await castModel(model);
    expect(cast.nodes.map((text) => text.split(' ')[0])).toEqual([
      'Cast',
      'Conv',
      'Relu',
      'Conv',
      'Cast',
    ]);
  });

  it.each([
    ['a circle', [node('Add', 'x,b', 'a'), node('Relu', 'a', 'b'), node('Relu', 'b', 'y')]],
    ['a value that nobody makes', [node('Add', 'x,absent', 'y')]],
  ])('refuses %s', async (_, nodes) => {
    const model: TestModel = { nodes, inputs: [image('x')], outputs: [image('y')] };
    await expect(castModel(model)).rejects.toMatchObject({
      code: 'ERR_INVALID_MODEL',
      message: expect.stringContaining('which uses one that is not'),
    });
  });

  it('declares initialisers as inputs where the format demands it', async () => {
    const model: TestModel = {
      irVersion: 3,
      opset: 9,
      nodes: [
        conv('x', 'a'),
        node('Mul', 'a,k', 'b'),
        node('Softmax', 'b', 's'),
        node('Pow', 's,k', 'p'),
        node('Relu', 'p', 'y'),
      ],
      initializers: [weight(), scalar('k', 2)],
      inputs: [
        image('x'),
        { name: 'w', dtype: 'float32', dims: [2, 2, 1, 1] },
        { name: 'k', dtype: 'float32', dims: [] },
      ],
      outputs: [image('y')],
    };
    const cast = await castModel(model);
    const inputs = cast.graph.inputs.map((input) => [input.name, input.type!.tensor!.elementType]);
    expect(inputs).toEqual([
      ['x', 1],
      ['w', 10],
      ['k', 1],
      ['k_fp16', 10],
    ]);
    await expectSameOnCpu(model, cast, { x: picture() });
  });

  it('finds names that are free', async () => {
    const model: TestModel = {
      nodes: [conv('x', 'x_fp16'), node('Relu', 'x_fp16', 'y_fp16'), conv('y_fp16', 'y')],
      initializers: [weight()],
      inputs: [image('x')],
      outputs: [image('y')],
    };
    const cast = await castModel(model);
    expect(cast.nodes[0]).toBe('Cast to fp16 x > x_fp16_1');
    expect(cast.nodes.at(-1)).toBe('Cast to fp32 y_fp16_1 > y');
    await expectSameOnCpu(model, cast, { x: picture() });
  });
});

describe('quantised graphs', () => {
  const quantized = (opset: number, scale = 0.05): TestModel => ({
    opset,
    irVersion: 9,
    nodes: [
      node('QuantizeLinear', 'x,sx', 'q'),
      node('DequantizeLinear', 'q,sx', 'd'),
      node('DequantizeLinear', 'wq,sw', 'w'),
      conv('d', 'a'),
      node('Relu', 'a', 'y'),
    ],
    initializers: [
      scalar('sx', scale),
      scalar('sw', 0.01),
      { name: 'wq', dtype: 'int8', dims: [2, 2, 1, 1], data: [50, -25, 12, 100] },
    ],
    inputs: [image('x')],
    outputs: [image('y')],
  });

  it('take scales of 16 bits from operator set 19 on', async () => {
    const cast = await castModel(quantized(19));
    expect(['sx', 'sw', 'd', 'w', 'a'].map(cast.typeOf)).toEqual(Array(5).fill('fp16'));
    expect(cast.nodes).toContain('Conv d,w > a');
    expect(cast.messages).toContain('3 Q/DQ nodes have fp16 scales now');
  });

  it('are refused before that, unless their nodes stay float32', async () => {
    await expect(castModel(quantized(17))).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED_MODEL',
      message: expect.stringMatching(/operator set 19 .* has 17.*keepFloatOperators/),
    });
    const model = quantized(17);
    const cast = await castModel(model, {
      keepFloatOperators: ['QuantizeLinear', 'DequantizeLinear'],
    });
    expect(['sx', 'd', 'w', 'a'].map(cast.typeOf)).toEqual(['fp32', 'fp32', 'fp32', 'fp16']);
    // The grid is 0.05 wide: one value that rounds the other way would show.
    await expectSameOnCpu(model, cast, { x: picture() });
  });

  it('are refused with a scale that the type cannot hold', async () => {
    await expect(castModel(quantized(19, 1e-7))).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED_MODEL',
      message: expect.stringMatching(
        /fp16 can hold for node "QuantizeLinear_q".*1\.0*\d*e-7.*"sx"/,
      ),
    });
    expect((await castModel(quantized(19, 1e-7), { type: 'bf16' })).typeOf('sx')).toBe('bf16');
  });
});

describe('what cannot be', () => {
  const model = (extra: Partial<TestModel>): TestModel => ({
    nodes: [conv('x', 'y')],
    initializers: [weight()],
    inputs: [image('x')],
    outputs: [image('y')],
    ...extra,
  });

  it('is bfloat16 before operator set 13', async () => {
    await expect(castModel(model({ opset: 12 }), { type: 'bf16' })).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED_MODEL',
      message: expect.stringMatching(/operator set 13 or later for bfloat16 .* has 12/),
    });
    expect((await castModel(model({ opset: 13 }), { type: 'bf16' })).messages.at(-1)).toContain(
      'from operator set 22 on, this graph has 13',
    );
  });

  it('is a node that is not there', async () => {
    await expect(castModel(model({}), { keepFloatNodes: ['nowhere'] })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('but received "nowhere"'),
    });
  });

  it.each([
    ['fp8', /"fp16", "bf16".*precision/],
    [{ type: 'fp16', keepFloat: [] }, /keepFloatOperators.*"keepFloat"/],
    [{ type: 'fp16', keepFloatNodes: 'a' }, /an array of names for precision.keepFloatNodes/],
    [{ type: 'fp16', keepFloatOperators: [''] }, /non-empty string/],
    [{ type: 'fp16', keepIoFloat: 1 }, /boolean for precision.keepIoFloat/],
    [{}, /precision.type/],
  ])('are the options %o', async (options, message) => {
    const { checkPrecision } = await import('../../../src/onnx/passes/precision-options');
    expect(() => checkPrecision('precision', options)).toThrow(message);
  });

  it('is nothing to cast: the graph stays as it is and the report says so', async () => {
    const integers = { name: 'x', dtype: 'int64', dims: [2] } as const;
    const cast = await castModel({
      nodes: [node('Add', 'x,x', 'y')],
      inputs: [integers],
      outputs: [{ ...integers, name: 'y' }],
    });
    expect(cast.nodes).toEqual(['Add x,x > y']);
    expect(cast.messages).toContain('nothing in this graph is float32 and may be cast');
  });
});
