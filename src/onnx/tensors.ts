import { type DType, dtypeFromOnnx, dtypeTable } from '../tensor/dtype';
import type { Bulk, TensorProto } from './schema';

/** Where the elements of a tensor are stored. */
export type TensorStorage = 'raw' | 'typed' | 'external' | 'none';

/** Storage in bits of one element of the types that {@link dtypeTable} does not hold. */
const otherBits: Record<number, number> = { 24: 8, 25: 2, 26: 2, 27: 6, 28: 6 };

/** Storage in bits of one element, by TensorProto.DataType; undefined for strings and unknown types. */
export function elementBits(dataType: number): number | undefined {
  const dtype = dtypeFromOnnx(dataType);
  if (dtype === 'string') return undefined;
  return dtype === undefined ? otherBits[dataType] : dtypeTable[dtype].bits;
}

/** True for data in another file. */
export function isExternal(tensor: TensorProto): boolean {
  return tensor.dataLocation === 1;
}

export function storageOf(tensor: TensorProto): TensorStorage {
  if (isExternal(tensor)) return 'external';
  if (tensor.rawData !== undefined) return 'raw';
  return typedFields.some(({ key }) => tensor[key] !== undefined) || tensor.stringData.length > 0
    ? 'typed'
    : 'none';
}

/** The fields that hold elements as numbers, with the data types that each may hold. */
const typedFields = [
  { key: 'floatData', dataTypes: [1, 14] },
  {
    key: 'int32Data',
    dataTypes: [2, 3, 4, 5, 6, 9, 10, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26],
  },
  { key: 'int64Data', dataTypes: [7] },
  { key: 'doubleData', dataTypes: [11, 15] },
  { key: 'uint64Data', dataTypes: [12, 13] },
] as const;

export function bulkLength(bulk: Bulk): number {
  return bulk.reduce((total, part) => total + part.length, 0);
}

/** Product of the dims; undefined where a dim is negative or the product is beyond exact numbers. */
export function safeElementCount(dims: readonly number[]): number | undefined {
  let product = 1;
  for (const dim of dims) {
    if (!(dim >= 0)) return undefined;
    product *= dim;
    if (!Number.isSafeInteger(product)) return undefined;
  }
  return product;
}

/** Bytes that the elements take in raw form; undefined for strings, unknown types and impossible dims. */
export function tensorByteLength(tensor: TensorProto): number | undefined {
  const bits = elementBits(tensor.dataType ?? 0);
  const count = safeElementCount(tensor.dims);
  return bits === undefined || count === undefined ? undefined : Math.ceil((count * bits) / 8);
}

/**
 * What is wrong with a tensor's own statements, as a phrase that follows "but received"; undefined if
 * nothing is. Data outside of the file is not looked at (see `external-data.ts`).
 */
export function tensorProblem(tensor: TensorProto): string | undefined {
  const { dataType = 0, dims } = tensor;
  const shape = `[${dims.join(', ')}]`;
  const bits = elementBits(dataType);
  if (bits === undefined && dataType !== dtypeTable.string.onnx) {
    return `one of the unknown element type ${dataType}`;
  }
  const count = safeElementCount(dims);
  if (count === undefined) return `one of the impossible shape ${shape}`;
  if (isExternal(tensor)) return undefined;
  const filled = typedFields.filter(({ key }) => bulkLength(tensor[key] ?? []) > 0);
  const fields = filled.length + Number(bulkLength(tensor.rawData ?? []) > 0);
  if (bits === undefined) {
    return fields === 0 && tensor.stringData.length === count
      ? undefined
      : `one of shape ${shape} with ${tensor.stringData.length} strings`;
  }
  if (fields + Number(tensor.stringData.length > 0) > 1) return 'one whose data is there twice';
  const typed = filled[0];
  if (typed === undefined) {
    const expected = Math.ceil((count * bits) / 8);
    const length = bulkLength(tensor.rawData ?? []);
    return length === expected
      ? undefined
      : `one of shape ${shape} that needs ${expected} bytes and has ${length}`;
  }
  if (!(typed.dataTypes as readonly number[]).includes(dataType)) {
    return `one of element type ${dataType} whose data is in ${typed.key}`;
  }
  const values = typedCount(typed.key, tensor[typed.key]!);
  const expected = typedValues(dataType, count, bits);
  return values === undefined || values === expected
    ? undefined
    : `one of shape ${shape} that needs ${expected} values and has ${values}`;
}

/** Numbers in a typed field that `count` elements take: complex ones two, packed ones of 4 bits half. */
function typedValues(dataType: number, count: number, bits: number): number {
  if (dataType === 14 || dataType === 15) return 2 * count;
  return bits < 8 ? Math.ceil((count * bits) / 8) : count;
}

/** Numbers in a typed field; undefined where that would take reading the file. */
function typedCount(key: (typeof typedFields)[number]['key'], bulk: Bulk): number | undefined {
  if (key === 'floatData') return bulkLength(bulk) / 4;
  if (key === 'doubleData') return bulkLength(bulk) / 8;
  let count = 0;
  for (const part of bulk) {
    const bytes = part instanceof Uint8Array ? part : part.inMemory();
    if (bytes === undefined) return undefined;
    for (const byte of bytes) if (byte < 0x80) count++;
  }
  return count;
}

/** The encoded bytes of a bulk field; reads the file where they are not in memory. */
export async function loadBulk(bulk: Bulk): Promise<Uint8Array> {
  const only = bulk.length === 1 ? bulk[0]! : undefined;
  const view = only instanceof Uint8Array ? only : only?.inMemory();
  if (view !== undefined) return view;
  const result = new Uint8Array(bulkLength(bulk));
  let offset = 0;
  for (const part of bulk) {
    for await (const chunk of part instanceof Uint8Array ? [part] : part.read()) {
      result.set(chunk, offset);
      offset += chunk.length;
    }
  }
  return result;
}

/** The element type, or undefined where this package has no name for it. */
export function tensorDType(tensor: TensorProto): DType | undefined {
  return dtypeFromOnnx(tensor.dataType ?? 0);
}
