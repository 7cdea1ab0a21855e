import { describe, expect, it } from 'vitest';
import { type DType, dtypes, Session, Tensor, type TensorValues } from '../../src';
import { native } from '../../src/native/binding';
import { dtypeTable } from '../../src/tensor/dtype';
import { type Dim, onnxModel } from '../helpers/onnx-writer';

/** y = x through one operator that ONNX Runtime keeps. */
function passModel(dtype: DType, dims: readonly Dim[], op = 'Identity'): Uint8Array {
  return onnxModel({
    opset: 19,
    irVersion: 9,
    nodes: [{ op, inputs: ['x'], outputs: ['y'], name: 'pass' }],
    inputs: [{ name: 'x', dtype, dims }],
    outputs: [{ name: 'y', dtype, dims }],
  });
}

const cpu = { backend: 'cpu' } as const;

const samples: [DType, TensorValues][] = [
  ['float32', Float32Array.of(0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 3e-45)],
  ['float64', Float64Array.of(0.1, -1e300, 5e-324)],
  ['float16', Uint16Array.of(0x3c00, 0xfc00, 0x0001, 0x7e00)],
  ['bfloat16', Uint16Array.of(0x3f80, 0xff80, 0x0001)],
  ['int8', Int8Array.of(-128, 127, 0)],
  ['uint8', Uint8Array.of(0, 255, 7)],
  ['int16', Int16Array.of(-32768, 32767)],
  ['uint16', Uint16Array.of(0, 65535)],
  ['int32', Int32Array.of(-(2 ** 31), 2 ** 31 - 1)],
  ['uint32', Uint32Array.of(0, 2 ** 32 - 1)],
  ['int64', BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n)],
  ['uint64', BigUint64Array.of(0n, 2n ** 64n - 1n)],
  ['bool', Uint8Array.of(1, 0, 1)],
  ['string', ['', 'Ä 模 😀', 'a\0b', 'x'.repeat(5000)]],
  ['float8e4m3fn', Uint8Array.of(0x38, 0xff, 0x01)],
  ['float8e5m2', Uint8Array.of(0x3c, 0x7c, 0x01)],
];

describe('each element type comes back as it went in', () => {
  for (const [dtype, values] of samples) {
    it(dtype, async () => {
      const fed = new Tensor(dtype, values);
      await using session = await Session.create(passModel(dtype, ['n']), cpu);
      expect(session.inputs).toEqual([{ name: 'x', dtype, dims: ['n'] }]);
      for (const nativeOutputs of [false, true]) {
        const { y } = await session.run({ x: fed }, { nativeOutputs });
        expect(y!.dtype).toBe(dtype);
        expect(y!.dims).toEqual(fed.dims);
        expect(bitsOf(y!)).toEqual(bitsOf(fed));
      }
    });
  }

  it('4-bit types, which are packed two to a byte, the low half first', async () => {
    for (const [dtype, bytes, values] of [
      ['uint4', [0x21, 0x0f], [1, 2, 15]],
      ['int4', [0x2f, 0x08], [-1, 2, -8]],
    ] as const) {
      const model = onnxModel({
        opset: 21,
        irVersion: 10,
        nodes: [{ op: 'DequantizeLinear', inputs: ['x', 's'], outputs: ['y'], name: 'dq' }],
        initializers: [{ name: 's', dtype: 'float32', dims: [], data: [1] }],
        inputs: [{ name: 'x', dtype, dims: [3] }],
        outputs: [
          { name: 'y', dtype: 'float32', dims: [3] },
          { name: 'x', dtype, dims: [3] },
        ],
      });
      await using session = await Session.create(model, cpu);
      const fed = new Tensor(dtype, Uint8Array.from(bytes), [3]);
      const { x, y } = await session.run({ x: fed });
      expect([...y!.toFloat32()]).toEqual(values);
      expect([...(x!.data as Uint8Array)]).toEqual(bytes);
    }
  });

  it('complex numbers, which ONNX Runtime has not, are refused with a code', async () => {
    await expect(Session.create(passModel('complex64', ['n']), cpu)).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_(INVALID|UNSUPPORTED)_MODEL$/),
    });
  });

  it('a bool that is neither 0 nor 1 counts as true', async () => {
    await using session = await Session.create(passModel('bool', ['n'], 'Not'), cpu);
    const { y } = await session.run({ x: new Tensor('bool', Uint8Array.of(7, 0, 255)) });
    expect([...(y!.data as Uint8Array)]).toEqual([0, 1, 0]);
  });

  it('a Float16Array is taken where Node has it', async () => {
    const Half = (globalThis as { Float16Array?: new (values: number[]) => ArrayBufferView })
      .Float16Array;
    await using session = await Session.create(passModel('float16', ['n']), cpu);
    const values = Half ? new Half([1, -2, 0.5]) : [1, -2, 0.5];
    const { y } = await session.run({ x: new Tensor('float16', values as Uint16Array) });
    expect([...(y!.data as Uint16Array)]).toEqual([0x3c00, 0xc000, 0x3800]);
    expect([...y!.toFloat32()]).toEqual([1, -2, 0.5]);
  });
});

describe('shapes', () => {
  it('scalars, empty dims and rank 8', async () => {
    for (const dims of [[], [0], [3, 0, 2], [1, 1, 2, 1, 1, 1, 1, 1]]) {
      await using session = await Session.create(passModel('float32', dims), cpu);
      const fed = new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)), dims);
      for (const nativeOutputs of [false, true]) {
        const { y } = await session.run({ x: fed }, { nativeOutputs });
        expect(y!.dims).toEqual(dims);
        expect(y!.data.length).toBe(fed.size);
      }
    }
  });

  it('free sizes change from run to run', async () => {
    await using session = await Session.create(passModel('int32', ['batch', null, 2]), cpu);
    expect(session.inputs[0]!.dims).toEqual(['batch', '?', 2]);
    for (const [batch, length] of [
      [1, 3],
      [5, 1],
      [0, 4],
      [2, 7],
    ] as const) {
      const data = Int32Array.from({ length: batch * length * 2 }, (_, i) => i);
      const { y } = await session.run({ x: new Tensor('int32', data, [batch, length, 2]) });
      expect(y!.dims).toEqual([batch, length, 2]);
      expect(y!.data).toEqual(data);
    }
  });

  it('a model that hands its input through gives memory of its own', async () => {
    const model = onnxModel({
      nodes: [{ op: 'Add', inputs: ['x', 'x'], outputs: ['double'], name: 'add' }],
      inputs: [{ name: 'x', dtype: 'float32', dims: [4096] }],
      outputs: [
        { name: 'double', dtype: 'float32', dims: [4096] },
        { name: 'x', dtype: 'float32', dims: [4096] },
      ],
    });
    await using session = await Session.create(model, cpu);
    const one = () => new Tensor('float32', new Float32Array(4096).fill(1));
    const two = () => new Tensor('float32', new Float32Array(4096).fill(2));
    const first = await session.run({ x: one() }, { nativeOutputs: true });
    await session.run({ x: two() });
    await session.run({ x: two() });
    expect((first.x!.data as Float32Array).every((value) => value === 1)).toBe(true);
    expect((first.double!.data as Float32Array).every((value) => value === 2)).toBe(true);
  });

  it('a constant output and any native output outlive the session', async () => {
    const model = onnxModel({
      nodes: [{ op: 'Neg', inputs: ['x'], outputs: ['y'], name: 'neg' }],
      initializers: [{ name: 'c', dtype: 'float32', dims: [3], data: [1, 2, 3] }],
      inputs: [{ name: 'x', dtype: 'float32', dims: [3] }],
      outputs: [
        { name: 'y', dtype: 'float32', dims: [3] },
        { name: 'c', dtype: 'float32', dims: [3] },
      ],
    });
    const session = await Session.create(model, cpu);
    const { y, c } = await session.run({ x: Tensor.from([1, 2, 3]) }, { nativeOutputs: true });
    await session.dispose();
    await (await Session.create(model, cpu)).dispose();
    expect([...(c!.data as Float32Array)]).toEqual([1, 2, 3]);
    expect([...(y!.data as Float32Array)]).toEqual([-1, -2, -3]);
  });
});

describe('tensors in native memory', () => {
  it('are fed without passing through JS, also when the buffer is longer than the tensor', async () => {
    const addon = native();
    const buffer = addon.bufferAllocate(64);
    addon.bufferWrite(buffer, Float32Array.of(1, 2, 3, 4));
    await using session = await Session.create(passModel('float32', ['n'], 'Neg'), cpu);
    const run = session.run({ x: Tensor.fromNative('float32', [3], buffer) });
    addon.bufferRelease(buffer);
    expect([...((await run).y!.data as Float32Array)]).toEqual([-1, -2, -3]);
  });

  it('that are shorter than their dims say are refused', async () => {
    const buffer = native().bufferAllocate(8);
    await using session = await Session.create(passModel('float32', ['n']), cpu);
    await expect(
      session.run({ x: Tensor.fromNative('float32', [3], buffer) }),
    ).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: 'Expected at least 12 bytes for dims [3] for data of x but received 8 bytes',
    });
  });

  it('results go from one session into the next', async () => {
    await using session = await Session.create(passModel('float32', ['n'], 'Neg'), cpu);
    const { y } = await session.run({ x: Tensor.from([1, 2]) }, { nativeOutputs: true });
    expect(y!.nativeBuffer).toBeDefined();
    const back = await session.run({ x: y! });
    expect([...(back.y!.data as Float32Array)]).toEqual([1, 2]);
    y!.dispose();
    y!.dispose();
    expect(() => y!.data).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
  });
});

describe('fetches', () => {
  const model = onnxModel({
    nodes: [
      { op: 'Neg', inputs: ['x'], outputs: ['a'], name: 'neg' },
      { op: 'Abs', inputs: ['x'], outputs: ['b'], name: 'abs' },
    ],
    inputs: [{ name: 'x', dtype: 'float32', dims: [2] }],
    outputs: [
      { name: 'a', dtype: 'float32', dims: [2] },
      { name: 'b', dtype: 'float32', dims: [2] },
    ],
  });

  it('pick outputs by name, in any order, and fill tensors that are given', async () => {
    await using session = await Session.create(model, cpu);
    const x = Tensor.from([-1, 2]);
    expect(Object.keys(await session.run({ x }, ['b']))).toEqual(['b']);
    const target = new Tensor('float32', new Float32Array(2));
    const results = await session.run({ x }, { b: null, a: target });
    expect(results.a).toBe(target);
    expect([...target.data]).toEqual([1, -2]);
    expect([...(results.b!.data as Float32Array)]).toEqual([1, 2]);
  });

  it('take tensors of the shape that onnxruntime-common has', async () => {
    await using session = await Session.create(model, cpu);
    const x = { type: 'float32', data: Float32Array.of(3, -4), dims: [2] };
    const { a } = await session.run({ x }, ['a']);
    expect([...(a!.data as Float32Array)]).toEqual([-3, 4]);
  });
});

it('no element type is forgotten here', () => {
  const absent: DType[] = [
    'complex64',
    'complex128',
    'float8e4m3fnuz',
    'float8e5m2fnuz',
    'float4e2m1',
  ];
  const covered = new Set<DType>([...samples.map(([dtype]) => dtype), 'uint4', 'int4', ...absent]);
  expect(dtypes.filter((dtype) => !covered.has(dtype))).toEqual([]);
});

function bitsOf(tensor: Tensor): unknown {
  const { data } = tensor;
  if (dtypeTable[tensor.dtype].array === undefined) return data;
  const { buffer, byteOffset, byteLength } = data as Uint8Array;
  return [...new Uint8Array(buffer, byteOffset, byteLength)];
}
