import {
  addOneModel,
  convModel,
  onnxModel,
  type TestModel,
  type TestNode,
} from '../helpers/onnx-writer';

/**
 * Small models that between them use every kind of attribute, tensor storage and type that the reader knows,
 * and operators whose shapes are worked out from data.
 */
export function onnxSeeds(): Uint8Array[] {
  return [
    addOneModel([1, 4], { metadata: { task: 'detect', names: "{0: 'a'}" } }),
    addOneModel(['n', 4], { irVersion: 10, opset: 21, opsets: { 'com.example': 1 } }),
    convModel({ channels: 2, size: 6 }),
    convModel({ batch: 'batch', channels: 1, size: 8 }),
    chain('Softmax', { axis: { i: -1 } }),
    chain('Transpose', { perm: { ints: [1, 0] } }),
    chain('LeakyRelu', { alpha: { f: 0.5 } }),
    withConstants(),
    withShapes(),
    withPooling(),
    withBranches(),
    withLoop(),
    withHalf(),
    withQuantization(),
    withExternalData(),
  ].map((bytes) => new Uint8Array(bytes));
}

const float = (name: string, dims: readonly (number | string)[]) =>
  ({ name, dtype: 'float32', dims }) as const;

function chain(op: string, attributes: NonNullable<TestNode['attributes']>): Uint8Array {
  return onnxModel({
    nodes: [
      { op, inputs: ['x'], outputs: ['m'], name: 'first', attributes },
      { op: 'Relu', inputs: ['m'], outputs: ['y'], name: 'last' },
    ],
    inputs: [float('x', [3, 3])],
    outputs: [float('y', [3, 3])],
  });
}

function withConstants(): Uint8Array {
  const names: TestNode[] = [
    {
      op: 'Constant',
      inputs: [],
      outputs: ['a'],
      attributes: { value: { t: { dtype: 'float32', dims: [2], data: [1, 2], typedField: true } } },
    },
    {
      op: 'Constant',
      inputs: [],
      outputs: ['b'],
      attributes: { value_floats: { floats: [1, 2] } },
    },
    { op: 'Constant', inputs: [], outputs: ['c'], attributes: { value_float: { f: 3 } } },
  ];
  return onnxModel({
    nodes: [
      ...names,
      { op: 'Add', inputs: ['a', 'b'], outputs: ['ab'] },
      { op: 'Mul', inputs: ['ab', 'c'], outputs: ['abc'] },
      { op: 'Sum', inputs: ['abc', 'x'], outputs: ['y'] },
    ],
    inputs: [float('x', [2])],
    outputs: [float('y', [2])],
    valueInfos: [float('ab', [2])],
  });
}

/** Reshape, Slice, Split, Concat, Gather, Resize: operators that take shapes and indices as data. */
function withShapes(): Uint8Array {
  const int = (name: string, data: number[]) =>
    ({ name, dtype: 'int64', dims: [data.length], data }) as const;
  return onnxModel({
    nodes: [
      { op: 'Reshape', inputs: ['x', 'shape'], outputs: ['r'] },
      { op: 'Slice', inputs: ['r', 'starts', 'ends', 'axes'], outputs: ['s'] },
      { op: 'Split', inputs: ['r', 'parts'], outputs: ['p', 'q'], attributes: { axis: { i: 1 } } },
      { op: 'Concat', inputs: ['s', 'p', 'q'], outputs: ['c'], attributes: { axis: { i: 1 } } },
      { op: 'Gather', inputs: ['c', 'index'], outputs: ['g'], attributes: { axis: { i: 1 } } },
      {
        op: 'Resize',
        inputs: ['g', '', 'scales'],
        outputs: ['y'],
        attributes: { mode: { s: 'nearest' }, nearest_mode: { s: 'floor' } },
      },
    ],
    initializers: [
      int('shape', [1, 4, 2, -1]),
      int('starts', [0]),
      int('ends', [2 ** 53 - 1]),
      int('axes', [3]),
      int('parts', [2, 2]),
      int('index', [0, 3]),
      { name: 'scales', dtype: 'float32', dims: [4], data: [1, 1, 2, 2] },
    ],
    inputs: [float('x', [1, 16])],
    outputs: [float('y', [1, 2, 4, 4])],
  });
}

function withPooling(): Uint8Array {
  return onnxModel({
    nodes: [
      {
        op: 'MaxPool',
        inputs: ['x'],
        outputs: ['m'],
        attributes: {
          kernel_shape: { ints: [2, 2] },
          strides: { ints: [2, 2] },
          pads: { ints: [0, 0, 1, 1] },
          auto_pad: { s: 'NOTSET' },
        },
      },
      { op: 'GlobalAveragePool', inputs: ['m'], outputs: ['g'] },
      { op: 'Flatten', inputs: ['g'], outputs: ['f'] },
      {
        op: 'Gemm',
        inputs: ['f', 'w', 'b'],
        outputs: ['y'],
        attributes: { transB: { i: 1 }, alpha: { f: 1 } },
      },
    ],
    initializers: [
      { name: 'w', dtype: 'float32', dims: [2, 1], data: [1, 2] },
      { name: 'b', dtype: 'float32', dims: [2], data: [0, 1] },
    ],
    inputs: [float('x', ['n', 1, 5, 5])],
    outputs: [float('y', ['n', 2])],
  });
}

function withBranches(): Uint8Array {
  const branch = (op: string): { g: TestModel } => ({
    g: { nodes: [{ op, inputs: ['x'], outputs: ['b'] }], outputs: [float('b', [2])] },
  });
  return onnxModel({
    nodes: [
      {
        op: 'If',
        inputs: ['flag'],
        outputs: ['y'],
        attributes: { then_branch: branch('Relu'), else_branch: branch('Neg') },
      },
    ],
    inputs: [{ name: 'flag', dtype: 'bool', dims: [] }, float('x', [2])],
    outputs: [float('y', [2])],
  });
}

function withLoop(): Uint8Array {
  return onnxModel({
    nodes: [
      {
        op: 'Loop',
        inputs: ['trips', '', 'x'],
        outputs: ['y'],
        attributes: {
          body: {
            g: {
              nodes: [
                { op: 'Identity', inputs: ['go'], outputs: ['on'] },
                { op: 'Add', inputs: ['v', 'v'], outputs: ['w'] },
              ],
              inputs: [
                { name: 'i', dtype: 'int64', dims: [] },
                { name: 'go', dtype: 'bool', dims: [] },
                float('v', [2]),
              ],
              outputs: [{ name: 'on', dtype: 'bool', dims: [] }, float('w', [2])],
            },
          },
        },
      },
    ],
    initializers: [{ name: 'trips', dtype: 'int64', dims: [], data: [3], typedField: true }],
    inputs: [float('x', [2])],
    outputs: [float('y', [2])],
  });
}

function withHalf(): Uint8Array {
  return onnxModel({
    nodes: [
      { op: 'Cast', inputs: ['x'], outputs: ['h'], attributes: { to: { i: 10 } } },
      { op: 'Mul', inputs: ['h', 'c'], outputs: ['m'] },
      { op: 'Cast', inputs: ['m'], outputs: ['y'], attributes: { to: { i: 1 } } },
    ],
    initializers: [{ name: 'c', dtype: 'float16', dims: [1], data: [0.5] }],
    inputs: [float('x', ['n', 2])],
    outputs: [float('y', ['n', 2])],
  });
}

function withQuantization(): Uint8Array {
  return onnxModel({
    nodes: [
      { op: 'QuantizeLinear', inputs: ['x', 's', 'z'], outputs: ['q'] },
      { op: 'DequantizeLinear', inputs: ['q', 's', 'z'], outputs: ['y'] },
    ],
    initializers: [
      { name: 's', dtype: 'float32', dims: [], data: [0.1] },
      { name: 'z', dtype: 'int8', dims: [], data: [0] },
    ],
    inputs: [float('x', [4])],
    outputs: [float('y', [4])],
  });
}

function withExternalData(): Uint8Array {
  const external = { location: 'weights.bin', offset: 0, length: 16 };
  return addOneModel([1, 4], {
    initializers: [{ name: 'one', dtype: 'float32', dims: [4], external }],
  });
}
