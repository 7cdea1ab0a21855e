import { TensorRTNodeError } from '../errors';
import { native } from '../native/binding';
import type { BufferHandle } from '../native/contract';
import { describe, invalidArgument, requireOneOf } from '../validate';
import { convertValues, inferDType } from './convert';
import {
  byteLengthOf,
  type DType,
  type DTypeArrays,
  dtypes,
  dtypeTable,
  elementCount,
} from './dtype';

/** What holds the elements of a tensor of element type `T`. */
export type TensorData<T extends DType = DType> = DTypeArrays[T];

/** What a tensor can be made of: its typed array, or plain values that are converted (and copied). */
export type TensorValues<T extends DType = DType> =
  | TensorData<T>
  | readonly (number | bigint | boolean | string)[];

/** Any object with the fields of a tensor, such as one of onnxruntime-common. */
export interface TensorLike {
  dtype?: DType;
  /** The name that onnxruntime-common has for `dtype`. */
  type?: string;
  data: unknown;
  dims: readonly number[];
}

class NativeMemory {
  readonly length = 0;
  constructor(readonly buffer: BufferHandle) {}
}

/**
 * A dense array with an element type and a shape, row-major.
 *
 * Typed arrays are kept, not copied: what is written into `data` later is what a later run sees. float16 and
 * bfloat16 are held as raw bits in a `Uint16Array` (a `Float16Array` is taken too, where Node has it), int64
 * as `BigInt64Array`, bool as `Uint8Array` of 0 and 1, 4-bit types packed two to a byte, complex ones as
 * pairs, strings as `string[]`.
 */
export class Tensor<T extends DType = DType> {
  readonly dtype: T;
  /** Empty for a scalar. Sizes may be 0. */
  readonly dims: readonly number[];
  /** Number of elements. */
  readonly size: number;
  #data: TensorData<T> | undefined;
  #native: BufferHandle | undefined;

  /**
   * @param dtype an ONNX element type, for example `'float32'`
   * @param data its typed array, or an array of values to convert
   * @param dims non-negative integers; default one dimension that fits `data`
   * @throws ERR_INVALID_ARGUMENT when these do not fit together, or the memory is shared or detached
   */
  constructor(dtype: T, data: TensorValues<T>, dims?: readonly number[]) {
    this.dtype = requireOneOf('dtype', dtype, dtypes) as T;
    const held = data instanceof NativeMemory ? data : holdValues(dtype, data);
    this.dims = requireDims('dims', dims ?? [naturalLength(dtype, held)]);
    this.size = elementCount(this.dims);
    if (held instanceof NativeMemory) {
      this.#native = held.buffer;
      return;
    }
    const expected = arrayLength(dtype, this.size);
    if (held.length !== expected) {
      throw new TensorRTNodeError(
        'ERR_INVALID_ARGUMENT',
        `Expected ${expected} values for data of dtype ${dtype} and dims [${this.dims}] but received ${held.length}`,
      );
    }
    this.#data = held;
  }

  /**
   * A tensor of the element type that fits `values`: that of a typed array (`Uint16Array` is uint16,
   * `Float16Array` float16), float32 for numbers, int64 for bigints, bool, string. Nested arrays give the
   * dims, a single value makes a scalar.
   */
  static from(values: unknown, dims?: readonly number[]): Tensor {
    const { dtype, flat, dims: inferred } = inferDType(values);
    return new Tensor(dtype, flat as TensorValues, dims ?? inferred);
  }

  /**
   * `value` itself when it is a tensor, else one over the same memory.
   * @param name goes into the error message
   */
  static of(name: string, value: unknown): Tensor {
    if (value instanceof Tensor) return value;
    const like = value as Partial<TensorLike> | null;
    const dtype = like?.dtype ?? like?.type;
    if (typeof like !== 'object' || typeof dtype !== 'string' || !Array.isArray(like?.dims)) {
      throw invalidArgument(name, 'a Tensor', value);
    }
    return new Tensor(dtype as DType, like.data as TensorValues, like.dims);
  }

  /** @internal Over memory that stays native until `data` is asked for, which releases the handle. */
  static fromNative(dtype: DType, dims: readonly number[], buffer: BufferHandle): Tensor {
    return new Tensor(dtype, new NativeMemory(buffer) as never, dims);
  }

  /** @internal The native memory of a tensor that fromNative() made, until `data` was read. */
  get nativeBuffer(): BufferHandle | undefined {
    return this.#native;
  }

  /** The same as `dtype`, by the name that onnxruntime-common has for it. */
  get type(): T {
    return this.dtype;
  }

  /** Bytes that the elements take; 0 for strings. */
  get byteLength(): number {
    return byteLengthOf(this.dtype, this.size);
  }

  /**
   * The elements. A result that is held natively is copied out at the first access.
   * @throws ERR_DISPOSED after dispose(), ERR_INVALID_ARGUMENT when the array was detached or resized
   */
  get data(): TensorData<T> {
    if (this.#data === undefined) {
      if (this.#native === undefined) {
        throw new TensorRTNodeError('ERR_DISPOSED', 'The tensor has been disposed');
      }
      const bytes = native().bufferRead(this.#native, 0, this.byteLength);
      this.#data = new dtypeTable[this.dtype].array!(bytes) as TensorData<T>;
      // From now on the caller may write into the copy, so it alone is the truth.
      native().bufferRelease(this.#native);
      this.#native = undefined;
    }
    const expected = arrayLength(this.dtype, this.size);
    if (this.#data.length !== expected) {
      throw new TensorRTNodeError(
        'ERR_INVALID_ARGUMENT',
        `Expected ${expected} values for ${this.dtype} of dims [${this.dims}] but received ` +
          `${describe(this.#data)} of length ${this.#data.length}; its memory was detached or resized`,
      );
    }
    return this.#data;
  }

  /** The elements as numbers in single precision: decodes float16 and bfloat16, converts the rest. */
  toFloat32(): Float32Array {
    return convertValues('float32', this.data, this.dtype) as Float32Array;
  }

  /** The same elements under other dims with the same number of elements; shares the memory. */
  reshape(dims: readonly number[]): Tensor<T> {
    return new Tensor<T>(this.dtype, this.data, dims);
  }

  /** Lets go of the memory now instead of at garbage collection. Safe to call twice. */
  dispose(): void {
    if (this.#native !== undefined) native().bufferRelease(this.#native);
    this.#native = undefined;
    this.#data = undefined;
  }
}

/** @internal A copy of `dims`, checked to be sizes whose product is a safe integer. */
export function requireDims(name: string, dims: unknown): number[] {
  if (!Array.isArray(dims)) throw invalidArgument(name, 'an array of non-negative integers', dims);
  for (const dim of dims) {
    if (!Number.isSafeInteger(dim) || dim < 0) {
      throw invalidArgument(name, 'an array of non-negative integers', dim);
    }
  }
  if (!Number.isSafeInteger(elementCount(dims) * 16)) {
    throw invalidArgument(name, 'dims with a sane product', `[${dims}]`);
  }
  return [...dims];
}

/** Items that the JS array of `size` elements has. */
function arrayLength(dtype: DType, size: number): number {
  const array = dtypeTable[dtype].array;
  return array === undefined ? size : byteLengthOf(dtype, size) / array.BYTES_PER_ELEMENT;
}

function naturalLength(dtype: DType, data: { length: number }): number {
  const array = dtypeTable[dtype].array;
  if (array === undefined) return data.length;
  return Math.floor((data.length * array.BYTES_PER_ELEMENT * 8) / dtypeTable[dtype].bits);
}

function holdValues<T extends DType>(dtype: T, data: TensorValues<T>): TensorData<T> {
  const array = dtypeTable[dtype].array;
  if (Array.isArray(data)) return convertValues(dtype, data) as TensorData<T>;
  const expected = array === undefined ? 'an array of strings' : `a ${array.name} or an array`;
  if (!ArrayBuffer.isView(data) || array === undefined) {
    throw invalidArgument('data', expected, data);
  }
  if (!(data.buffer instanceof ArrayBuffer) && !isForeignArrayBuffer(data.buffer)) {
    throw invalidArgument('data', 'unshared memory', data.buffer);
  }
  // Not by instanceof: the array may come from another realm, and Float16Array is not everywhere.
  const kind = (data as unknown as Float32Array)[Symbol.toStringTag] as string | undefined;
  if (kind === array.name) return data as unknown as TensorData<T>;
  if (kind === 'Float16Array' && dtype === 'float16') {
    const { buffer, byteOffset, byteLength } = data;
    return new Uint16Array(buffer, byteOffset, byteLength / 2) as TensorData<T>;
  }
  throw invalidArgument('data', expected, data);
}

function isForeignArrayBuffer(buffer: ArrayBufferLike): boolean {
  return Object.prototype.toString.call(buffer) === '[object ArrayBuffer]';
}
