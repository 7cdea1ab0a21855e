import type { DType } from '../../tensor/dtype';
import { emptyMessage } from '../codec';
import { findAttribute } from '../graph';
import { type NodeProto, schemas, type TensorProto } from '../schema';
import { makeTensor } from '../tensor-data';

/** A copy of what a Constant node holds, as a tensor; undefined for texts, sparse tensors and other nodes. */
export function constantTensor(node: NodeProto): TensorProto | undefined {
  if (node.opType !== 'Constant') return undefined;
  const value = findAttribute(node, 'value')?.t;
  if (value !== undefined) return Object.assign(emptyMessage<TensorProto>(schemas.tensor), value);
  const make = (dtype: Exclude<DType, 'string'>, dims: number[], data: ArrayBufferView) =>
    makeTensor('', dtype, dims, data);
  const float = findAttribute(node, 'value_float')?.f;
  if (float !== undefined) return make('float32', [], Float32Array.of(float));
  const integer = findAttribute(node, 'value_int')?.i;
  if (integer !== undefined) return make('int64', [], BigInt64Array.of(BigInt(integer)));
  const floats = findAttribute(node, 'value_floats')?.floats;
  if (floats !== undefined) return make('float32', [floats.length], Float32Array.from(floats));
  const integers = findAttribute(node, 'value_ints')?.ints;
  if (integers !== undefined)
    return make('int64', [integers.length], BigInt64Array.from(integers, BigInt));
  return undefined;
}
