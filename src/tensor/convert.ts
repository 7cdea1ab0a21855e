import { invalidArgument } from '../validate';
import { type DType, dtypeTable } from './dtype';
import { bfloat16FromNumber, halfFromNumber, numberFromBfloat16, numberFromHalf } from './half';

type Value = number | bigint | boolean | string;

/**
 * `values` in the JS array that holds elements of `dtype`.
 *
 * Numbers go into the half types by rounding, bigints and numbers into the 64-bit integers; for other types
 * of raw bits (float8, 4-bit) the values are taken as those bits. `source` tells what the values are when they
 * come from a tensor.
 * @throws ERR_INVALID_ARGUMENT for a value of a kind that does not convert
 */
export function convertValues(
  dtype: DType,
  values: ArrayLike<Value>,
  source?: DType,
): ArrayLike<Value> {
  if (dtype === 'string') {
    return Array.from(values, (value) => {
      if (typeof value !== 'string') throw invalidArgument('data', 'strings', value);
      return value;
    });
  }
  if (dtype === 'int64') return BigInt64Array.from(toArray(values), toBigInt);
  if (dtype === 'uint64') return BigUint64Array.from(toArray(values), toBigInt);
  const number = reader(source);
  const write = writer(dtype);
  const result = new dtypeTable[dtype].array!(values.length);
  for (let i = 0; i < values.length; i++) result[i] = write(number(values[i]!));
  return result as ArrayLike<Value>;
}

function toArray(values: ArrayLike<Value>): Value[] {
  return Array.from(values);
}

function toBigInt(value: Value): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  throw invalidArgument('data', 'bigints or safe integers', value);
}

function toNumber(value: Value): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean' || typeof value === 'bigint') return Number(value);
  throw invalidArgument('data', 'numbers', value);
}

function reader(source: DType | undefined): (value: Value) => number {
  if (source === 'float16') return (value) => numberFromHalf(value as number);
  if (source === 'bfloat16') return (value) => numberFromBfloat16(value as number);
  return toNumber;
}

function writer(dtype: DType): (value: number) => number {
  if (dtype === 'float16') return halfFromNumber;
  if (dtype === 'bfloat16') return bfloat16FromNumber;
  if (dtype === 'bool') return (value) => (value ? 1 : 0);
  return (value) => value;
}

const dtypeOfArray: Record<string, DType> = {
  Float32Array: 'float32',
  Float64Array: 'float64',
  Float16Array: 'float16',
  Int8Array: 'int8',
  Int16Array: 'int16',
  Int32Array: 'int32',
  BigInt64Array: 'int64',
  Uint8Array: 'uint8',
  Uint8ClampedArray: 'uint8',
  Uint16Array: 'uint16',
  Uint32Array: 'uint32',
  BigUint64Array: 'uint64',
};

/** Element type and shape of a typed array, a value, or (nested) arrays of values of one kind. */
export function inferDType(values: unknown): {
  dtype: DType;
  flat: ArrayLike<Value>;
  dims: number[];
} {
  if (ArrayBuffer.isView(values)) {
    const kind = (values as Uint8Array)[Symbol.toStringTag] as string;
    const dtype = dtypeOfArray[kind];
    if (dtype === undefined) throw invalidArgument('values', 'a typed array', values);
    const array = values as Uint8Array;
    const flat =
      kind === 'Uint8ClampedArray'
        ? new Uint8Array(array.buffer, array.byteOffset, array.length)
        : array;
    return { dtype, flat, dims: [flat.length] };
  }
  const dims: number[] = [];
  for (let inner: unknown = values; Array.isArray(inner); inner = inner[0]) {
    dims.push(inner.length);
  }
  const flat: Value[] = [];
  flatten(values, dims, 0, flat);
  return { dtype: dtypeOfValues(flat), flat, dims };
}

function flatten(values: unknown, dims: readonly number[], depth: number, out: Value[]): void {
  if (depth === dims.length) {
    out.push(values as Value);
    return;
  }
  if (!Array.isArray(values) || values.length !== dims[depth]) {
    throw invalidArgument('values', `arrays of equal length ${dims[depth]}`, values);
  }
  for (const value of values) flatten(value, dims, depth + 1, out);
}

function dtypeOfValues(values: readonly Value[]): DType {
  const kind = values.length === 0 ? 'number' : typeof values[0];
  for (const value of values) {
    const known = ['number', 'bigint', 'boolean', 'string'].includes(kind);
    if (!known || typeof value !== kind) {
      throw invalidArgument('values', 'numbers, bigints, booleans or strings of one kind', value);
    }
  }
  if (kind === 'bigint') return 'int64';
  if (kind === 'boolean') return 'bool';
  return kind === 'string' ? 'string' : 'float32';
}
