import type { StoredBytes } from './byte-source';
import type { Int64 } from './proto-reader';

/**
 * The messages of ONNX (onnx.proto, IR version 14) as plain objects, and the tables that tie their keys to
 * field numbers. Absent fields are undefined or an empty array; fields that no table names are kept in
 * `unknown`, byte for byte.
 */

interface Message {
  /** Encoded fields that the table does not name, in the order of the file. */
  unknown?: Uint8Array[];
}

/** Data of a tensor in encoded form: in order, bytes in memory or bytes that still lie in a file. */
export type Bulk = (Uint8Array | StoredBytes)[];

export interface EntryProto extends Message {
  key: string | undefined;
  value: string | undefined;
}

export interface OperatorSetProto extends Message {
  domain: string | undefined;
  version: number | undefined;
}

export interface DimensionProto extends Message {
  value: number | undefined;
  param: string | undefined;
  denotation: string | undefined;
}

export interface ShapeProto extends Message {
  dims: DimensionProto[];
}

export interface TensorTypeProto extends Message {
  elementType: number | undefined;
  shape: ShapeProto | undefined;
}

export interface TypeProto extends Message {
  tensor: TensorTypeProto | undefined;
  sequence: { elementType: TypeProto | undefined; unknown?: Uint8Array[] } | undefined;
  map:
    | { keyType: number | undefined; valueType: TypeProto | undefined; unknown?: Uint8Array[] }
    | undefined;
  denotation: string | undefined;
  opaque: Uint8Array | undefined;
  sparseTensor: TensorTypeProto | undefined;
  optional: { elementType: TypeProto | undefined; unknown?: Uint8Array[] } | undefined;
}

export interface ValueInfoProto extends Message {
  name: string | undefined;
  type: TypeProto | undefined;
  docString: string | undefined;
  metadata: EntryProto[];
}

export interface TensorProto extends Message {
  dims: number[];
  /** TensorProto.DataType; see `dtypeFromOnnx`. */
  dataType: number | undefined;
  segment: Uint8Array | undefined;
  floatData: Bulk | undefined;
  int32Data: Bulk | undefined;
  stringData: Uint8Array[];
  int64Data: Bulk | undefined;
  name: string | undefined;
  rawData: Bulk | undefined;
  doubleData: Bulk | undefined;
  uint64Data: Bulk | undefined;
  docString: string | undefined;
  externalData: EntryProto[];
  /** 1: the data lies in another file, which `externalData` names. */
  dataLocation: number | undefined;
  metadata: EntryProto[];
}

export interface SparseTensorProto extends Message {
  values: TensorProto | undefined;
  indices: TensorProto | undefined;
  dims: number[];
}

export interface AttributeProto extends Message {
  name: string | undefined;
  f: number | undefined;
  i: Int64 | undefined;
  s: Uint8Array | undefined;
  t: TensorProto | undefined;
  g: GraphProto | undefined;
  floats: number[];
  ints: Int64[];
  strings: Uint8Array[];
  tensors: TensorProto[];
  graphs: GraphProto[];
  docString: string | undefined;
  tp: TypeProto | undefined;
  typeProtos: TypeProto[];
  /** AttributeProto.AttributeType; see {@link attributeTypes}. */
  type: number | undefined;
  refAttrName: string | undefined;
  sparseTensor: SparseTensorProto | undefined;
  sparseTensors: SparseTensorProto[];
}

export interface NodeProto extends Message {
  inputs: string[];
  outputs: string[];
  name: string | undefined;
  opType: string | undefined;
  attributes: AttributeProto[];
  docString: string | undefined;
  domain: string | undefined;
  overload: string | undefined;
  metadata: EntryProto[];
  deviceConfigurations: Uint8Array[];
}

export interface GraphProto extends Message {
  nodes: NodeProto[];
  name: string | undefined;
  initializers: TensorProto[];
  docString: string | undefined;
  inputs: ValueInfoProto[];
  outputs: ValueInfoProto[];
  valueInfos: ValueInfoProto[];
  quantizationAnnotations: Uint8Array[];
  sparseInitializers: SparseTensorProto[];
  metadata: EntryProto[];
}

export interface FunctionProto extends Message {
  name: string | undefined;
  inputs: string[];
  outputs: string[];
  attributes: string[];
  nodes: NodeProto[];
  docString: string | undefined;
  opsetImports: OperatorSetProto[];
  domain: string | undefined;
  attributeProtos: AttributeProto[];
  valueInfos: ValueInfoProto[];
  overload: string | undefined;
  metadata: EntryProto[];
}

export interface ModelProto extends Message {
  irVersion: Int64 | undefined;
  producerName: string | undefined;
  producerVersion: string | undefined;
  domain: string | undefined;
  modelVersion: Int64 | undefined;
  docString: string | undefined;
  graph: GraphProto | undefined;
  opsetImports: OperatorSetProto[];
  metadata: EntryProto[];
  /** Training information, kept as it is. */
  trainingInfo: Uint8Array[];
  functions: FunctionProto[];
  configurations: Uint8Array[];
}

export const attributeTypes = {
  FLOAT: 1,
  INT: 2,
  STRING: 3,
  TENSOR: 4,
  GRAPH: 5,
  FLOATS: 6,
  INTS: 7,
  STRINGS: 8,
  TENSORS: 9,
  GRAPHS: 10,
  SPARSE_TENSOR: 11,
  SPARSE_TENSORS: 12,
  TYPE_PROTO: 13,
  TYPE_PROTOS: 14,
} as const;

export type ScalarKind = 'integer' | 'int64' | 'float' | 'string' | 'bytes';

export interface FieldSpec {
  readonly key: string;
  /** `bulk` with the wire type of one element: large data that may stay in the file. */
  readonly kind: ScalarKind | { readonly bulk: 0 | 1 | 2 | 5 } | { readonly message: Schema };
  readonly repeated: boolean;
  /** Keys of the same `oneof`: setting one clears the others. */
  readonly oneof?: readonly string[];
}

/** Field number to field, in ascending order. */
export type Schema = Map<number, FieldSpec>;

/** Fills `schema` from rows of `number: [key, kind]`, a trailing `*` on the key for a repeated field. */
function define(
  schema: Schema,
  rows: Record<number, readonly [string, ScalarKind | Schema | 0 | 1 | 2 | 5]>,
  oneof: readonly string[] = [],
): void {
  for (const [number, [name, kind]] of Object.entries(rows)) {
    const key = name.replace('*', '');
    schema.set(Number(number), {
      key,
      kind:
        typeof kind === 'number' ? { bulk: kind } : kind instanceof Map ? { message: kind } : kind,
      repeated: name.endsWith('*'),
      ...(oneof.includes(key) ? { oneof: oneof.filter((other) => other !== key) } : {}),
    });
  }
}

const entry: Schema = new Map();
const operatorSet: Schema = new Map();
const dimension: Schema = new Map();
const shape: Schema = new Map();
const tensorType: Schema = new Map();
const sequenceType: Schema = new Map();
const mapType: Schema = new Map();
const type: Schema = new Map();
const valueInfo: Schema = new Map();
const tensor: Schema = new Map();
const sparseTensor: Schema = new Map();
const attribute: Schema = new Map();
const node: Schema = new Map();
const graph: Schema = new Map();
const func: Schema = new Map();
const model: Schema = new Map();

define(entry, { 1: ['key', 'string'], 2: ['value', 'string'] });
define(operatorSet, { 1: ['domain', 'string'], 2: ['version', 'integer'] });
define(
  dimension,
  { 1: ['value', 'integer'], 2: ['param', 'string'], 3: ['denotation', 'string'] },
  ['value', 'param'],
);
define(shape, { 1: ['dims*', dimension] });
define(tensorType, { 1: ['elementType', 'integer'], 2: ['shape', shape] });
define(sequenceType, { 1: ['elementType', type] });
define(mapType, { 1: ['keyType', 'integer'], 2: ['valueType', type] });
define(
  type,
  {
    1: ['tensor', tensorType],
    4: ['sequence', sequenceType],
    5: ['map', mapType],
    6: ['denotation', 'string'],
    7: ['opaque', 'bytes'],
    8: ['sparseTensor', tensorType],
    9: ['optional', sequenceType],
  },
  ['tensor', 'sequence', 'map', 'opaque', 'sparseTensor', 'optional'],
);
define(valueInfo, {
  1: ['name', 'string'],
  2: ['type', type],
  3: ['docString', 'string'],
  4: ['metadata*', entry],
});
define(tensor, {
  1: ['dims*', 'integer'],
  2: ['dataType', 'integer'],
  3: ['segment', 'bytes'],
  4: ['floatData', 5],
  5: ['int32Data', 0],
  6: ['stringData*', 'bytes'],
  7: ['int64Data', 0],
  8: ['name', 'string'],
  9: ['rawData', 2],
  10: ['doubleData', 1],
  11: ['uint64Data', 0],
  12: ['docString', 'string'],
  13: ['externalData*', entry],
  14: ['dataLocation', 'integer'],
  16: ['metadata*', entry],
});
define(sparseTensor, {
  1: ['values', tensor],
  2: ['indices', tensor],
  3: ['dims*', 'integer'],
});
define(attribute, {
  1: ['name', 'string'],
  2: ['f', 'float'],
  3: ['i', 'int64'],
  4: ['s', 'bytes'],
  5: ['t', tensor],
  6: ['g', graph],
  7: ['floats*', 'float'],
  8: ['ints*', 'int64'],
  9: ['strings*', 'bytes'],
  10: ['tensors*', tensor],
  11: ['graphs*', graph],
  13: ['docString', 'string'],
  14: ['tp', type],
  15: ['typeProtos*', type],
  20: ['type', 'integer'],
  21: ['refAttrName', 'string'],
  22: ['sparseTensor', sparseTensor],
  23: ['sparseTensors*', sparseTensor],
});
define(node, {
  1: ['inputs*', 'string'],
  2: ['outputs*', 'string'],
  3: ['name', 'string'],
  4: ['opType', 'string'],
  5: ['attributes*', attribute],
  6: ['docString', 'string'],
  7: ['domain', 'string'],
  8: ['overload', 'string'],
  9: ['metadata*', entry],
  10: ['deviceConfigurations*', 'bytes'],
});
define(graph, {
  1: ['nodes*', node],
  2: ['name', 'string'],
  5: ['initializers*', tensor],
  10: ['docString', 'string'],
  11: ['inputs*', valueInfo],
  12: ['outputs*', valueInfo],
  13: ['valueInfos*', valueInfo],
  14: ['quantizationAnnotations*', 'bytes'],
  15: ['sparseInitializers*', sparseTensor],
  16: ['metadata*', entry],
});
define(func, {
  1: ['name', 'string'],
  4: ['inputs*', 'string'],
  5: ['outputs*', 'string'],
  6: ['attributes*', 'string'],
  7: ['nodes*', node],
  8: ['docString', 'string'],
  9: ['opsetImports*', operatorSet],
  10: ['domain', 'string'],
  11: ['attributeProtos*', attribute],
  12: ['valueInfos*', valueInfo],
  13: ['overload', 'string'],
  14: ['metadata*', entry],
});
define(model, {
  1: ['irVersion', 'int64'],
  2: ['producerName', 'string'],
  3: ['producerVersion', 'string'],
  4: ['domain', 'string'],
  5: ['modelVersion', 'int64'],
  6: ['docString', 'string'],
  7: ['graph', graph],
  8: ['opsetImports*', operatorSet],
  14: ['metadata*', entry],
  20: ['trainingInfo*', 'bytes'],
  25: ['functions*', func],
  26: ['configurations*', 'bytes'],
});

export const schemas = {
  entry,
  operatorSet,
  dimension,
  shape,
  tensorType,
  type,
  valueInfo,
  tensor,
  sparseTensor,
  attribute,
  node,
  graph,
  function: func,
  model,
} as const;
