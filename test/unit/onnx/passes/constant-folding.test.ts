import { describe, expect, it } from 'vitest';
import { makeNode } from '../../../../src/onnx/graph';
import { constantFoldingPass } from '../../../../src/onnx/passes/constant-folding';
import { deadNodesPass } from '../../../../src/onnx/passes/dead-nodes';
import { evaluate, type KnownValue } from '../../../../src/onnx/passes/known-values';
import { Tensor } from '../../../../src/tensor/tensor';
import { type Dim, onnxModel, type TestModel, type TestNode } from '../../../helpers/onnx-writer';
import { edit, runOnce } from '../../../helpers/passes';

const passes = [constantFoldingPass(), deadNodesPass()];

const int = (...data: number[]) => ({ t: { dtype: 'int64' as const, dims: [data.length], data } });
const scalar = (value: number) => ({ t: { dtype: 'int64' as const, dims: [], data: [value] } });
const constant = (
  name: string,
  value: ReturnType<typeof int> | ReturnType<typeof scalar>,
): TestNode => ({
  op: 'Constant',
  inputs: [],
  outputs: [name],
  attributes: { value },
});

/** x of `dims` is reshaped to what `nodes` compute as `shape`. */
function reshaping(
  dims: readonly Dim[],
  nodes: TestNode[],
  extra: Partial<TestModel> = {},
): Uint8Array {
  return onnxModel({
    nodes: [...nodes, { op: 'Reshape', inputs: ['x', 'shape'], outputs: ['y'] }],
    inputs: [{ name: 'x', dtype: 'float32', dims }],
    outputs: [{ name: 'y', dtype: 'float32', dims: [null, null] }],
    ...extra,
  });
}

/** Shape → Gather → arithmetic → Concat, as exporters write it. */
const chain: TestNode[] = [
  { op: 'Shape', inputs: ['x'], outputs: ['dims'] },
  constant('one', scalar(1)),
  constant('minus', int(-1)),
  constant('two', int(2)),
  { op: 'Gather', inputs: ['dims', 'one'], outputs: ['size'], attributes: { axis: { i: 0 } } },
  { op: 'Unsqueeze', inputs: ['size', 'zero'], outputs: ['list'] },
  constant('zero', int(0)),
  { op: 'Mul', inputs: ['list', 'two'], outputs: ['double'] },
  { op: 'Div', inputs: ['double', 'two'], outputs: ['half'] },
  { op: 'Cast', inputs: ['half'], outputs: ['narrow'], attributes: { to: { i: 6 } } },
  { op: 'Cast', inputs: ['narrow'], outputs: ['wide'], attributes: { to: { i: 7 } } },
  { op: 'Concat', inputs: ['minus', 'wide'], outputs: ['shape'], attributes: { axis: { i: 0 } } },
];

const run = async (model: Uint8Array, dims: number[]) => {
  const size = dims.reduce((a, b) => a * b, 1);
  const x = new Tensor(
    'float32',
    Float32Array.from({ length: size }, (_, i) => i),
    dims,
  );
  const { y } = await runOnce(model, { x });
  return { dims: y!.dims, data: [...(y!.data as Float32Array)] };
};

describe('constantFoldingPass and deadNodesPass', () => {
  it.each<[string, Dim[]]>([
    ['of a fixed input', [2, 6]],
    ['of the fixed sizes of an input with a free one', ['batch', 6]],
  ])('compute the arithmetic of shapes %s', async (_, dims) => {
    const before = reshaping(dims, chain);
    const { bytes, model, reports } = await edit(before, passes);
    expect(model.proto.graph.nodes.map(({ opType }) => opType)).toEqual(['Reshape']);
    expect(model.proto.graph.initializers.map(({ name }) => name)).toEqual(['shape']);
    expect(await run(bytes, [2, 6])).toEqual(await run(before, [2, 6]));
    expect(reports.map(({ nodesBefore, nodesAfter }) => [nodesBefore, nodesAfter])).toEqual([
      [13, dims[0] === 2 ? 1 : 2],
      [dims[0] === 2 ? 1 : 2, 1],
    ]);
  });

  it('leave what a run decides', async () => {
    const before = reshaping(['batch', 'size'], chain);
    const { bytes, model } = await edit(before, passes);
    // Only the constants go.
    expect(model.proto.graph.nodes.length).toBe(9);
    for (const dims of [
      [2, 6],
      [3, 1],
    ]) {
      expect(await run(bytes, dims)).toEqual(await run(before, dims));
    }
  });

  it('do not trust the shapes that a model notes beside inner values', async () => {
    const before = reshaping(
      ['batch', 6],
      [
        { op: 'Transpose', inputs: ['x'], outputs: ['t'], attributes: { perm: { ints: [1, 0] } } },
        { op: 'Shape', inputs: ['t'], outputs: ['shape'] },
      ],
      { valueInfos: [{ name: 't', dtype: 'float32', dims: [6, 'wrong'] }] },
    );
    const { bytes, model } = await edit(before, passes);
    expect(model.proto.graph.nodes.length).toBe(3);
    expect(await run(bytes, [2, 6])).toEqual(await run(before, [2, 6]));
  });

  it.each<[string, TestNode[], number[]]>([
    [
      'a slice from the end',
      [
        constant('a', int(9, 2, 6, 7)),
        constant('b', int(-3)),
        constant('e', int(-1)),
        { op: 'Slice', inputs: ['a', 'b', 'e'], outputs: ['shape'] },
      ],
      [2, 6],
    ],
    [
      'a slice past the end',
      [
        constant('a', int(9, 2, 6)),
        constant('b', int(1)),
        constant('e', int(2 ** 40)),
        { op: 'Slice', inputs: ['a', 'b', 'e'], outputs: ['shape'] },
      ],
      [2, 6],
    ],
    [
      'an index from the end',
      [
        constant('a', int(6, 2)),
        constant('i', int(-1, 0)),
        { op: 'Gather', inputs: ['a', 'i'], outputs: ['shape'] },
      ],
      [2, 6],
    ],
    [
      'a squeeze and the way back',
      [
        constant('a', int(12)),
        constant('z', int(0)),
        { op: 'Squeeze', inputs: ['a', 'z'], outputs: ['s'] },
        { op: 'Unsqueeze', inputs: ['s', 'z'], outputs: ['u'] },
        constant('o', int(1)),
        { op: 'Concat', inputs: ['u', 'o'], outputs: ['shape'], attributes: { axis: { i: 0 } } },
      ],
      [12, 1],
    ],
    [
      'division towards zero',
      [
        constant('a', int(-7, 13)),
        constant('b', int(4, 2)),
        { op: 'Div', inputs: ['a', 'b'], outputs: ['shape'] },
      ],
      [2, 6],
    ],
    [
      'subtraction and addition',
      [
        constant('a', int(3, 9)),
        constant('b', int(1)),
        { op: 'Sub', inputs: ['a', 'b'], outputs: ['s'] },
        constant('c', int(0, -2)),
        { op: 'Add', inputs: ['s', 'c'], outputs: ['shape'] },
      ],
      [2, 6],
    ],
    [
      'a list attribute',
      [
        {
          op: 'Constant',
          inputs: [],
          outputs: ['shape'],
          attributes: { value_ints: { ints: [2, 6] } },
        },
      ],
      [2, 6],
    ],
  ])('compute %s as ONNX Runtime does', async (what, nodes, wanted) => {
    const before = reshaping([2, 6], nodes);
    const { bytes, model } = await edit(before, passes);
    expect(model.proto.graph.nodes.length).toBe(1);
    const dims = what === 'division towards zero' ? [-1, 6] : wanted;
    const folded = model.proto.graph.initializers.find(({ name }) => name === 'shape')!;
    expect([...new BigInt64Array((folded.rawData![0] as Uint8Array).slice().buffer)]).toEqual(
      dims.map(BigInt),
    );
    const after = await run(bytes, [2, 6]);
    expect(after.dims).toEqual(wanted);
    expect(after).toEqual(await run(before, [2, 6]));
  });

  it('take out Identity and idle Dropout, and keep the outputs of the graph', async () => {
    const before = onnxModel({
      nodes: [
        { op: 'Identity', inputs: ['x'], outputs: ['a'] },
        { op: 'Dropout', inputs: ['a'], outputs: ['b'] },
        { op: 'Dropout', inputs: ['b', 'ratio', 'off'], outputs: ['c', ''] },
        { op: 'Relu', inputs: ['c'], outputs: ['d'] },
        { op: 'Identity', inputs: ['d'], outputs: ['y'] },
        { op: 'Neg', inputs: ['d'], outputs: ['unused'] },
      ],
      initializers: [
        { name: 'ratio', dtype: 'float32', dims: [], data: [0.5] },
        { name: 'off', dtype: 'bool', dims: [], data: [0] },
      ],
      inputs: [{ name: 'x', dtype: 'float32', dims: [2, 2] }],
      outputs: [{ name: 'y', dtype: 'float32', dims: [2, 2] }],
    });
    const { bytes, model, reports } = await edit(before, passes);
    expect(model.proto.graph.nodes.map(({ opType }) => opType)).toEqual(['Relu', 'Identity']);
    expect(model.proto.graph.initializers).toEqual([]);
    expect(await run(bytes, [2, 2])).toEqual(await run(before, [2, 2]));
    expect(reports.map(({ facts }) => facts)).toEqual([
      { nodes: 3 },
      { nodes: 1, initializers: 2 },
    ]);
  });

  it('keep Dropout that works or whose mask is used, and defaults that callers may override', async () => {
    const model = onnxModel({
      nodes: [
        { op: 'Dropout', inputs: ['x', 'ratio', 'on'], outputs: ['a'] },
        { op: 'Dropout', inputs: ['a'], outputs: ['b', 'mask'] },
        { op: 'Add', inputs: ['size', 'size'], outputs: ['twice'] },
        { op: 'Identity', inputs: ['b'], outputs: ['y'] },
        { op: 'Identity', inputs: ['mask'], outputs: ['m'] },
        { op: 'Identity', inputs: ['twice'], outputs: ['t'] },
      ],
      initializers: [
        { name: 'ratio', dtype: 'float32', dims: [], data: [0.5] },
        { name: 'on', dtype: 'bool', dims: [], data: [1] },
        { name: 'size', dtype: 'int64', dims: [1], data: [3] },
      ],
      inputs: [
        { name: 'x', dtype: 'float32', dims: [2, 2] },
        { name: 'size', dtype: 'int64', dims: [1] },
      ],
      outputs: [
        { name: 'y', dtype: 'float32', dims: [2, 2] },
        { name: 'm', dtype: 'bool', dims: [2, 2] },
        { name: 't', dtype: 'int64', dims: [1] },
      ],
    });
    const { reports } = await edit(model, passes);
    expect(reports.map(({ nodesAfter }) => nodesAfter)).toEqual([6, 6]);
  });

  it('put nodes into order, and leave a cycle to whoever loads it', async () => {
    const relu = (from: string, to: string): TestNode => ({
      op: 'Relu',
      inputs: [from],
      outputs: [to],
    });
    const model = (nodes: TestNode[]) =>
      onnxModel({
        nodes,
        inputs: [{ name: 'x', dtype: 'float32', dims: [2, 2] }],
        outputs: [{ name: 'y', dtype: 'float32', dims: [2, 2] }],
      });
    const sorted = await edit(model([relu('b', 'y'), relu('a', 'b'), relu('x', 'a')]), passes);
    expect(sorted.model.proto.graph.nodes.map(({ outputs }) => outputs[0])).toEqual([
      'a',
      'b',
      'y',
    ]);
    const cycle = await edit(model([relu('b', 'a'), relu('a', 'b'), relu('b', 'y')]), passes);
    expect(cycle.model.proto.graph.nodes.length).toBe(3);
  });

  it('feed the branches of sub-graphs', async () => {
    const branch = (op: string) => ({
      g: {
        nodes: [{ op, inputs: ['a', 'two'], outputs: ['z'] }],
        outputs: [{ name: 'z', dtype: 'float32', dims: [2, 2] }],
      } as const,
    });
    const before = onnxModel({
      nodes: [
        { op: 'Identity', inputs: ['x'], outputs: ['a'] },
        { op: 'Constant', inputs: [], outputs: ['two'], attributes: { value_float: { f: 2 } } },
        {
          op: 'If',
          inputs: ['flag'],
          outputs: ['y'],
          attributes: { then_branch: branch('Mul'), else_branch: branch('Add') },
        },
      ],
      initializers: [{ name: 'flag', dtype: 'bool', dims: [], data: [1] }],
      inputs: [{ name: 'x', dtype: 'float32', dims: [2, 2] }],
      outputs: [{ name: 'y', dtype: 'float32', dims: [2, 2] }],
    });
    const { bytes } = await edit(before, passes);
    expect((await run(bytes, [2, 2])).data).toEqual([0, 2, 4, 6]);
  });
});

describe('constants of hostile size', () => {
  it('are not joined where the list would be too long', () => {
    const data = Array.from({ length: 4096 }, () => 1n);
    Object.defineProperty(data, Symbol.iterator, {
      value: () => {
        throw new Error('an element of it was read');
      },
    });
    const known = new Map<string, KnownValue>([['long', { dtype: 'int64', dims: [4096], data }]]);
    const node = makeNode('Concat', Array(1000).fill('long'), ['y'], {
      attributes: { axis: { i: 0 } },
    });
    expect(evaluate(node, known, new Map())).toBeUndefined();
    const dims = Array.from({ length: 5000 }, () => 1);
    expect(
      evaluate(makeNode('Shape', ['x'], ['y']), known, new Map([['x', dims]])),
    ).toBeUndefined();
  });

  it('are computed up to a limit in all', async () => {
    const count = 400;
    const { reports } = await edit(
      onnxModel({
        nodes: Array.from({ length: count }, (_, i) => ({
          op: 'Add',
          inputs: [i === 0 ? 'long' : `v${i - 1}`, 'long'],
          outputs: [i === count - 1 ? 'y' : `v${i}`],
        })),
        initializers: [{ name: 'long', dtype: 'int64', dims: [4096], data: Array(4096).fill(1) }],
        inputs: [],
        outputs: [{ name: 'y', dtype: 'int64', dims: [4096] }],
      }),
      [constantFoldingPass()],
    );
    expect(reports[0]!.facts.nodes).toBe(256);
  });
});
