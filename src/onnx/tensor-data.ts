import path from 'node:path';
import { TensorRTNodeError } from '../errors';
import { byteLengthOf, type DType, dtypeTable, elementCount } from '../tensor/dtype';
import { invalidArgument } from '../validate';
import { ByteRange, ByteSource } from './byte-source';
import { emptyMessage } from './codec';
import { checkExternalData, externalLocation } from './external-data';
import type { OpenedModel } from './open';
import { ProtoReader } from './proto-reader';
import { type Bulk, schemas, type TensorProto } from './schema';
import { bulkLength, elementBits, isExternal, loadBulk } from './tensors';

/** The model that tensors belong to, as far as their external data needs it. */
export type TensorOwner = Pick<OpenedModel, 'path' | 'name'>;

/** A new tensor. `data` holds the elements in raw little-endian form; it is kept, not copied. */
export function makeTensor(
  name: string,
  dtype: Exclude<DType, 'string'>,
  dims: readonly number[],
  data: ArrayBufferView,
): TensorProto {
  const expected = byteLengthOf(dtype, elementCount(dims));
  if (data.byteLength !== expected) {
    throw invalidArgument('data', `${expected} bytes for ${dtype} [${dims}]`, data.byteLength);
  }
  return Object.assign(emptyMessage<TensorProto>(schemas.tensor), {
    name,
    dataType: dtypeTable[dtype].onnx,
    dims: [...dims],
    rawData: [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
  });
}

/**
 * The elements of a tensor in raw little-endian form, wherever they are stored. May be a view of the model:
 * do not change it. Strings have no such form: ERR_INVALID_ARGUMENT.
 */
export async function readTensorData(tensor: TensorProto, owner: TensorOwner): Promise<Uint8Array> {
  const bits = elementBits(tensor.dataType ?? 0);
  if (bits === undefined) throw invalidArgument('tensor', 'numbers', tensor.dataType);
  if (isExternal(tensor)) return loadBulk([await externalRange(tensor, owner)]);
  if (tensor.int32Data && bulkLength(tensor.int32Data) > 0) {
    const values = varints(await loadBulk(tensor.int32Data), Number);
    if (bits === 32) return bytesOf(Int32Array.from(values));
    return bits === 16 ? bytesOf(Uint16Array.from(values)) : Uint8Array.from(values);
  }
  if (tensor.int64Data && bulkLength(tensor.int64Data) > 0) {
    return bytesOf(BigInt64Array.from(varints(await loadBulk(tensor.int64Data), BigInt)));
  }
  if (tensor.uint64Data && bulkLength(tensor.uint64Data) > 0) {
    const bytes = await loadBulk(tensor.uint64Data);
    return bits === 32
      ? bytesOf(Uint32Array.from(varints(bytes, Number)))
      : bytesOf(BigUint64Array.from(varints(bytes, (value) => BigInt.asUintN(64, BigInt(value)))));
  }
  for (const bulk of [tensor.floatData, tensor.doubleData]) {
    if (bulk && bulkLength(bulk) > 0) return loadBulk(bulk);
  }
  return loadBulk(tensor.rawData ?? []);
}

/** Stores elements in raw form and drops every other storage. */
export function setTensorData(tensor: TensorProto, data: Bulk): void {
  Object.assign(tensor, {
    rawData: data,
    floatData: undefined,
    int32Data: undefined,
    int64Data: undefined,
    doubleData: undefined,
    uint64Data: undefined,
    externalData: [],
    dataLocation: undefined,
  });
}

/** Where a tensor's external data lies; checked anew, since files move. */
export async function externalRange(tensor: TensorProto, owner: TensorOwner): Promise<ByteRange> {
  const { location, offset, length } = externalLocation(tensor, owner.name);
  if (owner.path === undefined) {
    throw new TensorRTNodeError(
      'ERR_INVALID_MODEL',
      `Expected all data inside of ${owner.name} but received external data in "${location}"; give the model by path`,
    );
  }
  const [file] = await checkExternalData([tensor], owner.path, owner.name);
  const source = new ByteSource([], file!.fileBytes, {
    path: path.resolve(file!.path),
    modifiedMs: file!.modifiedMs,
  });
  return new ByteRange(source, offset, length ?? file!.fileBytes - offset);
}

function varints<T>(bytes: Uint8Array, convert: (value: number | bigint) => T): T[] {
  const reader = new ProtoReader(ByteSource.of(bytes), 0, bytes.length);
  const result: T[] = [];
  while (!reader.done) result.push(convert(reader.int64()));
  return result;
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
