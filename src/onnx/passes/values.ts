import { TensorRTNodeError } from '../../errors';
import { type DType, dtypeFromOnnx } from '../../tensor/dtype';
import { type OnnxModel, uniqueName } from '../graph';
import type { NodeProto, TensorProto, ValueInfoProto } from '../schema';
import { makeTensor } from '../tensor-data';

/** Element types of networks that pictures can be fed to. */
export type FloatType = 'float32' | 'float16' | 'bfloat16';

export function isFloatType(dtype: DType | undefined): dtype is FloatType {
  return dtype === 'float32' || dtype === 'float16' || dtype === 'bfloat16';
}

/** What a graph declares of an input, output or inner value. */
export interface DeclaredValue {
  dtype: DType | undefined;
  /** A text is a symbolic size, null an unknown one; undefined where no shape is declared. */
  dims: (number | string | null)[] | undefined;
}

export function declaredValue(info: ValueInfoProto): DeclaredValue {
  const tensor = info.type?.tensor;
  return {
    dtype: tensor?.elementType === undefined ? undefined : dtypeFromOnnx(tensor.elementType),
    dims: tensor?.shape?.dims.map(({ value, param }) => value ?? param ?? null),
  };
}

/** `images float32 [batch, 3, 640, 640]`, for messages. */
export function declaredText(info: ValueInfoProto): string {
  const { dtype, dims } = declaredValue(info);
  const shape =
    dims === undefined ? 'of unknown shape' : `[${dims.map((dim) => dim ?? '?').join(', ')}]`;
  return `${info.name} ${dtype ?? 'of unknown type'} ${shape}`;
}

export function unsupported(message: string, details: readonly string[] = []): TensorRTNodeError {
  return new TensorRTNodeError('ERR_UNSUPPORTED_MODEL', message, { details });
}

/** Adds nodes and constants to a graph under names that are free. */
export class GraphWriter {
  readonly nodes: NodeProto[] = [];

  constructor(
    readonly model: OnnxModel,
    readonly prefix: string,
  ) {}

  /** A name that nothing has yet, `<prefix>/<wish>`. */
  name(wish: string): string {
    const taken = new Set(this.nodes.flatMap(({ outputs }) => outputs));
    let name = uniqueName(this.model.proto.graph, `${this.prefix}/${wish}`);
    while (taken.has(name)) name = `${name}_`;
    return name;
  }

  /** Adds `node`, whose output the caller has named, and gives the output's name. */
  add(node: NodeProto): string {
    node.name ||= `${this.prefix}/${node.opType}_${this.nodes.length}`;
    this.nodes.push(node);
    return node.outputs[0]!;
  }

  constant(
    wish: string,
    dtype: 'float32' | 'int64',
    dims: number[],
    data: ArrayBufferView,
  ): string {
    const tensor: TensorProto = makeTensor(this.name(wish), dtype, dims, data);
    this.model.proto.graph.initializers.push(tensor);
    return tensor.name!;
  }

  integers(wish: string, values: readonly number[]): string {
    return this.constant(wish, 'int64', [values.length], BigInt64Array.from(values, BigInt));
  }

  floats(wish: string, dims: number[], values: readonly number[]): string {
    return this.constant(wish, 'float32', dims, Float32Array.from(values));
  }
}
