import { byteLengthOf, dtypeFromOnnx, elementCount } from '../../tensor/dtype';
import { attributeInt, attributeInts } from '../graph';
import type { NodeProto, TensorProto } from '../schema';
import { readTensorData, type TensorOwner } from '../tensor-data';

/** An integer value of at most one dimension whose elements are known in part: undefined is unknown. */
export interface KnownValue {
  dtype: 'int32' | 'int64' | 'bool';
  dims: readonly number[];
  data: readonly (bigint | undefined)[];
}

type Known = ReadonlyMap<string, KnownValue>;
type Shapes = ReadonlyMap<string, readonly (number | undefined)[]>;

/** Shapes and indices are far shorter. */
const maxElements = 4096;

/** The content of a small integer tensor, else undefined. */
export async function readKnown(
  tensor: TensorProto,
  owner: TensorOwner,
): Promise<KnownValue | undefined> {
  const dtype = dtypeFromOnnx(tensor.dataType ?? 0);
  if (dtype !== 'int32' && dtype !== 'int64' && dtype !== 'bool') return undefined;
  if (tensor.dims.length > 1 || elementCount(tensor.dims) > maxElements) return undefined;
  const bytes = await readTensorData(tensor, owner);
  // Whoever loads the model refuses it.
  if (bytes.length !== byteLengthOf(dtype, elementCount(tensor.dims))) return undefined;
  const copy = new Uint8Array(bytes).buffer;
  const data =
    dtype === 'int64'
      ? [...new BigInt64Array(copy)]
      : Array.from(dtype === 'int32' ? new Int32Array(copy) : new Uint8Array(copy), BigInt);
  return { dtype, dims: tensor.dims, data };
}

/** What is known of a node's only output; undefined where nothing is. */
export function evaluate(node: NodeProto, known: Known, shapes: Shapes): KnownValue | undefined {
  if (node.opType === 'Shape') return evaluateShape(node, shapes);
  const inputs = node.inputs.map((input) => (input === '' ? null : known.get(input)));
  if (inputs.length === 0 || inputs.some((input) => input === undefined)) return undefined;
  const [first] = inputs;
  if (!first || first.dtype === 'bool') return undefined;
  const present = inputs as (KnownValue | null)[];
  const result = operators[node.opType ?? '']?.(node, first, present);
  return result !== undefined && result.data.length <= maxElements ? result : undefined;
}

function evaluateShape(node: NodeProto, shapes: Shapes): KnownValue | undefined {
  const shape = shapes.get(node.inputs[0] ?? '');
  if (shape === undefined) return undefined;
  const part = shape.slice(attributeInt(node, 'start', 0), attributeInt(node, 'end', shape.length));
  if (part.length > maxElements) return undefined;
  const data = part.map((dim) => (dim === undefined ? undefined : BigInt(dim)));
  return { dtype: 'int64', dims: [data.length], data };
}

type Operator = (
  node: NodeProto,
  first: KnownValue,
  inputs: readonly (KnownValue | null)[],
) => KnownValue | undefined;

/** The numbers of a value that are all known. */
function numbers(value: KnownValue | null | undefined): number[] | undefined {
  if (!value || value.data.some((item) => item === undefined)) return undefined;
  return value.data.map(Number);
}

const list = (like: KnownValue, data: readonly (bigint | undefined)[]): KnownValue => ({
  dtype: like.dtype,
  dims: [data.length],
  data,
});

const wrap = (dtype: KnownValue['dtype'], value: bigint): bigint =>
  BigInt.asIntN(dtype === 'int32' ? 32 : 64, value);

function arithmetic(compute: (a: bigint, b: bigint) => bigint | undefined): Operator {
  return (_, a, [, b]) => {
    if (!b || b.dtype !== a.dtype) return undefined;
    const [x, y] = [a.data.length, b.data.length];
    if (x !== y && x !== 1 && y !== 1) return undefined;
    const data = Array.from({ length: x === 1 ? y : x }, (_, i) => {
      const left = a.data[x === 1 ? 0 : i];
      const right = b.data[y === 1 ? 0 : i];
      const result = left === undefined || right === undefined ? undefined : compute(left, right);
      return result === undefined ? undefined : wrap(a.dtype, result);
    });
    const rank = Math.max(a.dims.length, b.dims.length);
    return { dtype: a.dtype, dims: rank === 0 ? [] : [data.length], data };
  };
}

const operators: Record<string, Operator> = {
  Add: arithmetic((a, b) => a + b),
  Sub: arithmetic((a, b) => a - b),
  Mul: arithmetic((a, b) => a * b),
  // Towards zero, as integers are divided in ONNX and by BigInt alike.
  Div: arithmetic((a, b) => (b === 0n ? undefined : a / b)),

  Gather(node, data, [, indices]) {
    const at = numbers(indices);
    if (at === undefined || data.dims.length !== 1 || attributeInt(node, 'axis', 0) > 0)
      return undefined;
    const size = data.data.length;
    if (at.some((index) => index < -size || index >= size)) return undefined;
    const picked = at.map((index) => data.data[index < 0 ? index + size : index]);
    return { dtype: data.dtype, dims: indices!.dims, data: picked };
  },

  Concat(_, first, inputs) {
    const isList = inputs.every((input) => input?.dims.length === 1 && input.dtype === first.dtype);
    // Before it is made: a file of few bytes can name one long value a million times.
    const length = inputs.reduce((sum, input) => sum + (input?.data.length ?? 0), 0);
    return isList && length <= maxElements
      ? list(
          first,
          inputs.flatMap((input) => [...input!.data]),
        )
      : undefined;
  },

  Unsqueeze(node, data, [, axes]) {
    const at = axes ? numbers(axes) : attributeInts(node, 'axes', []);
    const fits = data.dims.length === 0 && at?.length === 1 && (at[0] === 0 || at[0] === -1);
    return fits ? list(data, data.data) : undefined;
  },

  Squeeze(node, data, [, axes]) {
    const at = axes ? numbers(axes) : attributeInts(node, 'axes', [0]);
    const fits = data.dims.length === 1 && data.dims[0] === 1 && at?.length === 1;
    return fits ? { ...data, dims: [] } : undefined;
  },

  Slice(_, data, [, starts, ends, axes, steps]) {
    const [from] = numbers(starts) ?? [];
    const [to] = numbers(ends) ?? [];
    const axis = axes ? numbers(axes)?.[0] : 0;
    const step = steps ? numbers(steps)?.[0] : 1;
    if (data.dims.length !== 1 || from === undefined || to === undefined) return undefined;
    // Array.slice counts from the end and clamps as ONNX does, for steps of one.
    if ((axis !== 0 && axis !== -1) || step !== 1) return undefined;
    return list(data, data.data.slice(from, to));
  },

  Cast(node, data) {
    const to = dtypeFromOnnx(attributeInt(node, 'to', 0));
    if (to !== 'int32' && to !== 'int64') return undefined;
    const cast = data.data.map((item) => (item === undefined ? undefined : wrap(to, item)));
    return { dtype: to, dims: data.dims, data: cast };
  },
};
