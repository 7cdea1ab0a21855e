/**
 * Element types of tensors, by ONNX's TensorProto.DataType number.
 *
 * `bits` is the storage of one element; 4-bit types are packed two to a byte, low half first. `array` is the
 * typed array that holds the elements in JS; types that JS has no array for are held as raw bits of the
 * same width, complex ones as pairs of real and imaginary part.
 */
export const dtypeTable = {
  float32: { onnx: 1, bits: 32, array: Float32Array },
  uint8: { onnx: 2, bits: 8, array: Uint8Array },
  int8: { onnx: 3, bits: 8, array: Int8Array },
  uint16: { onnx: 4, bits: 16, array: Uint16Array },
  int16: { onnx: 5, bits: 16, array: Int16Array },
  int32: { onnx: 6, bits: 32, array: Int32Array },
  int64: { onnx: 7, bits: 64, array: BigInt64Array },
  string: { onnx: 8, bits: 0, array: undefined },
  bool: { onnx: 9, bits: 8, array: Uint8Array },
  float16: { onnx: 10, bits: 16, array: Uint16Array },
  float64: { onnx: 11, bits: 64, array: Float64Array },
  uint32: { onnx: 12, bits: 32, array: Uint32Array },
  uint64: { onnx: 13, bits: 64, array: BigUint64Array },
  complex64: { onnx: 14, bits: 64, array: Float32Array },
  complex128: { onnx: 15, bits: 128, array: Float64Array },
  bfloat16: { onnx: 16, bits: 16, array: Uint16Array },
  float8e4m3fn: { onnx: 17, bits: 8, array: Uint8Array },
  float8e4m3fnuz: { onnx: 18, bits: 8, array: Uint8Array },
  float8e5m2: { onnx: 19, bits: 8, array: Uint8Array },
  float8e5m2fnuz: { onnx: 20, bits: 8, array: Uint8Array },
  uint4: { onnx: 21, bits: 4, array: Uint8Array },
  int4: { onnx: 22, bits: 4, array: Uint8Array },
  float4e2m1: { onnx: 23, bits: 4, array: Uint8Array },
} as const;

export type DType = keyof typeof dtypeTable;

/** The JS arrays of the table, over memory of any kind. */
export interface DTypeArrays {
  float32: Float32Array;
  uint8: Uint8Array;
  int8: Int8Array;
  uint16: Uint16Array;
  int16: Int16Array;
  int32: Int32Array;
  int64: BigInt64Array;
  string: string[];
  bool: Uint8Array;
  float16: Uint16Array;
  float64: Float64Array;
  uint32: Uint32Array;
  uint64: BigUint64Array;
  complex64: Float32Array;
  complex128: Float64Array;
  bfloat16: Uint16Array;
  float8e4m3fn: Uint8Array;
  float8e4m3fnuz: Uint8Array;
  float8e5m2: Uint8Array;
  float8e5m2fnuz: Uint8Array;
  uint4: Uint8Array;
  int4: Uint8Array;
  float4e2m1: Uint8Array;
}

export const dtypes = Object.keys(dtypeTable) as DType[];

const byOnnxNumber = new Map<number, DType>(dtypes.map((dtype) => [dtypeTable[dtype].onnx, dtype]));

/** The element type with this TensorProto.DataType number, or undefined. */
export function dtypeFromOnnx(number: number): DType | undefined {
  return byOnnxNumber.get(number);
}

/** Bytes that `elements` elements of `dtype` take; 4-bit types round up to a whole byte. */
export function byteLengthOf(dtype: DType, elements: number): number {
  return Math.ceil((elements * dtypeTable[dtype].bits) / 8);
}

/** Number of elements of a shape; 1 for a scalar. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}
