import { ProtoWriter } from '../../src/onnx/proto-writer';
import { type DType, dtypeTable } from '../../src/tensor/dtype';

/** Writes small ONNX models for tests, without any reader or checker in between: bad models can be made too. */

export type Dim = number | string | null;

export interface TestTensor {
  name?: string;
  dtype: DType;
  dims: readonly number[];
  /** Numbers are converted to `dtype`; a Uint8Array for a dtype other than uint8 is taken as raw bytes. */
  data?: readonly (number | bigint)[] | ArrayBufferView;
  /** Data in another file; `offset` and `length` in bytes. */
  external?: { location: string; offset?: number; length?: number };
  /** Store float32/int64/int32 data in the typed field instead of `raw_data`. */
  typedField?: boolean;
}

export interface TestValue {
  name: string;
  dtype: DType;
  /** A string is a symbolic name, null an unnamed unknown size; left out: no shape at all. */
  dims?: readonly Dim[];
}

export type TestAttribute =
  | { i: number | bigint }
  | { f: number }
  | { s: string }
  | { t: TestTensor }
  | { g: TestGraph }
  | { ints: readonly (number | bigint)[] }
  | { floats: readonly number[] }
  | { strings: readonly string[] };

export interface TestNode {
  op: string;
  inputs: readonly string[];
  outputs: readonly string[];
  name?: string;
  domain?: string;
  attributes?: Record<string, TestAttribute>;
}

export interface TestGraph {
  name?: string;
  nodes: readonly TestNode[];
  initializers?: readonly TestTensor[];
  inputs?: readonly TestValue[];
  outputs?: readonly TestValue[];
  valueInfos?: readonly TestValue[];
}

export interface TestModel extends TestGraph {
  /** Default 8. */
  irVersion?: number;
  /** Version of the default domain; default 17. */
  opset?: number;
  /** Further operator sets: domain to version. */
  opsets?: Record<string, number>;
  producer?: string;
  metadata?: Record<string, string>;
  /** Already encoded fields, appended to the ModelProto. */
  extraFields?: Uint8Array;
}

const attributeType = { f: 1, i: 2, s: 3, t: 4, g: 5, floats: 6, ints: 7, strings: 8 } as const;

/** The bytes of an ONNX file. */
export function onnxModel(model: TestModel): Uint8Array {
  const writer = new ProtoWriter()
    .varint(1, model.irVersion ?? 8)
    .string(2, model.producer ?? 'tensorrt-node tests')
    .message(7, graph(model));
  const opsets = { '': model.opset ?? 17, ...model.opsets };
  for (const [domain, version] of Object.entries(opsets)) {
    writer.message(8, new ProtoWriter().string(1, domain).varint(2, version));
  }
  for (const [key, value] of Object.entries(model.metadata ?? {})) {
    writer.message(14, new ProtoWriter().string(1, key).string(2, value));
  }
  if (model.extraFields) writer.raw(model.extraFields);
  return writer.toUint8Array();
}

/** Raw little-endian bytes of a tensor's data. */
export function tensorBytes(tensor: TestTensor): Uint8Array {
  const { data, dtype } = tensor;
  if (data === undefined) return new Uint8Array(0);
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  if (dtype === 'float16') return bytesOf(Uint16Array.from(data.map((v) => toHalf(Number(v)))));
  if (dtype === 'bfloat16') {
    return bytesOf(Uint16Array.from(data.map((v) => floatBits(Number(v)) >>> 16)));
  }
  if (dtype === 'int64') return bytesOf(BigInt64Array.from(data.map((v) => BigInt(v))));
  if (dtype === 'uint64') return bytesOf(BigUint64Array.from(data.map((v) => BigInt(v))));
  const { array } = dtypeTable[dtype];
  if (array === undefined) throw new Error(`no way to write ${dtype} from numbers`);
  return bytesOf((array as Float32ArrayConstructor).from(data.map(Number)));
}

/** The nearest half-precision number's bits, ties to even. */
export function toHalf(value: number): number {
  const bits = floatBits(value);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  if (magnitude < 0x38800000) {
    const scaled = Math.abs(value) * 2 ** 24;
    const floor = Math.floor(scaled);
    const rest = scaled - floor;
    return sign | (floor + (rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? 1 : 0));
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}

/** y = x + 1 for a float32 input of any dims; the smallest model that every backend runs. */
export function addOneModel(
  dims: readonly Dim[] = [1, 4],
  extra: Partial<TestModel> = {},
): Uint8Array {
  return onnxModel({
    nodes: [{ op: 'Add', inputs: ['x', 'one'], outputs: ['y'], name: 'add' }],
    initializers: [{ name: 'one', dtype: 'float32', dims: [1], data: [1] }],
    inputs: [{ name: 'x', dtype: 'float32', dims }],
    outputs: [{ name: 'y', dtype: 'float32', dims }],
    ...extra,
  });
}

/** x of [batch, channels, size, size] through Conv 3x3 (all weights 1/9), Relu and a 1x1 Conv to `channels`. */
export function convModel(
  options: { batch?: Dim; channels?: number; size?: Dim; extra?: Partial<TestModel> } = {},
): Uint8Array {
  const { batch = 1, channels = 3, size = 16 } = options;
  const dims: Dim[] = [batch, channels, size, size];
  const count = channels * channels;
  return onnxModel({
    nodes: [
      {
        op: 'Conv',
        inputs: ['x', 'w1'],
        outputs: ['c1'],
        name: 'conv1',
        attributes: { kernel_shape: { ints: [3, 3] }, pads: { ints: [1, 1, 1, 1] } },
      },
      { op: 'Relu', inputs: ['c1'], outputs: ['r1'], name: 'relu1' },
      {
        op: 'Conv',
        inputs: ['r1', 'w2'],
        outputs: ['y'],
        name: 'conv2',
        attributes: { kernel_shape: { ints: [1, 1] } },
      },
    ],
    initializers: [
      {
        name: 'w1',
        dtype: 'float32',
        dims: [channels, channels, 3, 3],
        data: new Float32Array(count * 9).fill(1 / 9),
      },
      {
        name: 'w2',
        dtype: 'float32',
        dims: [channels, channels, 1, 1],
        data: new Float32Array(count).fill(1),
      },
    ],
    inputs: [{ name: 'x', dtype: 'float32', dims }],
    outputs: [{ name: 'y', dtype: 'float32', dims }],
    ...options.extra,
  });
}

function graph(value: TestGraph): ProtoWriter {
  const writer = new ProtoWriter();
  for (const item of value.nodes) writer.message(1, node(item));
  writer.string(2, value.name ?? 'graph');
  for (const item of value.initializers ?? []) writer.message(5, tensor(item));
  for (const item of value.inputs ?? []) writer.message(11, valueInfo(item));
  for (const item of value.outputs ?? []) writer.message(12, valueInfo(item));
  for (const item of value.valueInfos ?? []) writer.message(13, valueInfo(item));
  return writer;
}

function node(value: TestNode): ProtoWriter {
  const writer = new ProtoWriter();
  for (const input of value.inputs) writer.string(1, input);
  for (const output of value.outputs) writer.string(2, output);
  if (value.name !== undefined) writer.string(3, value.name);
  writer.string(4, value.op);
  for (const [name, item] of Object.entries(value.attributes ?? {})) {
    writer.message(5, attribute(name, item));
  }
  if (value.domain !== undefined) writer.string(7, value.domain);
  return writer;
}

function attribute(name: string, value: TestAttribute): ProtoWriter {
  const writer = new ProtoWriter().string(1, name);
  if ('f' in value) writer.float(2, value.f);
  else if ('i' in value) writer.varint(3, value.i);
  else if ('s' in value) writer.string(4, value.s);
  else if ('t' in value) writer.message(5, tensor(value.t));
  else if ('g' in value) writer.message(6, graph(value.g));
  else if ('floats' in value) for (const item of value.floats) writer.float(7, item);
  else if ('ints' in value) for (const item of value.ints) writer.varint(8, item);
  else for (const item of value.strings) writer.string(9, item);
  const kind = Object.keys(value)[0] as keyof typeof attributeType;
  return writer.varint(20, attributeType[kind]);
}

function tensor(value: TestTensor): ProtoWriter {
  const writer = new ProtoWriter();
  for (const dim of value.dims) writer.varint(1, dim);
  writer.varint(2, dtypeTable[value.dtype].onnx);
  const raw = tensorBytes(value);
  if (value.typedField && value.dtype === 'float32') writer.bytes(4, raw);
  else if (value.typedField && (value.dtype === 'int64' || value.dtype === 'int32')) {
    const packed = new ProtoWriter();
    for (const item of value.data as Iterable<number | bigint>) packed.rawVarint(item);
    writer.bytes(value.dtype === 'int64' ? 7 : 5, packed.toUint8Array());
  }
  if (value.name !== undefined) writer.string(8, value.name);
  if (value.external) {
    for (const [key, entry] of Object.entries(value.external)) {
      writer.message(13, new ProtoWriter().string(1, key).string(2, String(entry)));
    }
    writer.varint(14, 1);
  } else if (!value.typedField) writer.bytes(9, raw);
  return writer;
}

function valueInfo(value: TestValue): ProtoWriter {
  const type = new ProtoWriter().varint(1, dtypeTable[value.dtype].onnx);
  if (value.dims) {
    const shape = new ProtoWriter();
    for (const dim of value.dims) {
      const item = new ProtoWriter();
      if (typeof dim === 'number') item.varint(1, dim);
      else if (dim !== null) item.string(2, dim);
      shape.message(1, item);
    }
    type.message(2, shape);
  }
  return new ProtoWriter().string(1, value.name).message(2, new ProtoWriter().message(1, type));
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function floatBits(value: number): number {
  return new Uint32Array(new Float32Array([value]).buffer)[0]!;
}
