import type { ModelSource } from '../session/model-input';
import { type DType, dtypeFromOnnx } from '../tensor/dtype';
import { requireBoolean, requireKnownKeys } from '../validate';
import { ByteRange } from './byte-source';
import { checkStructure } from './check';
import {
  checkExternalData,
  type ExternalFile,
  type ExternalLocation,
  externalLocation,
} from './external-data';
import { type OnnxLimits, openOnnx } from './open';
import type {
  GraphProto,
  ModelProto,
  ShapeProto,
  TensorProto,
  TypeProto,
  ValueInfoProto,
} from './schema';
import { isExternal, storageOf, type TensorStorage, tensorByteLength } from './tensors';
import { allNodes, allTensors } from './walk';

export interface ReadOnnxOptions {
  /** Look for the files of external data and check their sizes (only for a model given by path). Default true. */
  checkExternalData?: boolean;
  /** Bounds on the memory that a hostile file can take. */
  limits?: Partial<OnnxLimits>;
}

/** A dimension: its size, the name of a symbolic size, or null for one that is unknown. */
export type OnnxDim = number | string | null;

/** An input or output of a graph. */
export interface OnnxValue {
  name: string;
  kind: 'tensor' | 'sparse-tensor' | 'sequence' | 'map' | 'optional' | 'opaque' | 'unknown';
  /** Element type of a tensor; undefined for other kinds and for types this package has no name for. */
  dtype: DType | undefined;
  /** Shape of a tensor; undefined where the model states none. */
  dims: OnnxDim[] | undefined;
}

/** A constant tensor of the main graph. */
export interface OnnxInitializer {
  name: string;
  dtype: DType | undefined;
  dims: number[];
  /** Bytes of the elements; 0 for strings. */
  byteLength: number;
  storage: TensorStorage;
  /** Where the elements lie in the ONNX file, for storage `raw`. */
  fileRange: { offset: number; length: number } | undefined;
  /** Where they lie outside of it, for storage `external`. */
  external: ExternalLocation | undefined;
}

/** What an ONNX file says of itself. */
export interface OnnxModelInfo {
  /** Size of the ONNX file in bytes, external data left out. */
  fileBytes: number;
  irVersion: number;
  producerName: string;
  producerVersion: string;
  domain: string;
  modelVersion: number;
  graphName: string;
  /** Operator sets by domain; `ai.onnx` is the default domain. */
  opsets: Record<string, number>;
  metadata: Record<string, string>;
  /** Inputs that must be fed: those without an initialiser. */
  inputs: OnnxValue[];
  outputs: OnnxValue[];
  /** Nodes, those of sub-graphs among them. */
  nodeCount: number;
  /** Number of nodes by operator (`domain.Operator` outside of the default domain), most frequent first. */
  operators: Record<string, number>;
  initializers: OnnxInitializer[];
  /** Bytes of all tensors: initialisers, and those in attributes and sub-graphs. */
  tensorBytes: number;
  /** Names of the functions that the model defines. */
  functions: string[];
  hasTrainingInfo: boolean;
  /** Files of external data; empty where they were not looked for. */
  externalFiles: ExternalFile[];
}

/**
 * Reads what an ONNX model is: inputs, outputs, operator sets, metadata, operators and tensors. The data of
 * tensors is not read, so a model of gigabytes takes a few megabytes of memory.
 *
 * The model passes the structural check of this package: lengths and shapes agree, external data is there and
 * lies within the model's folder. Whether a backend knows all operators only the backend can tell.
 *
 * @throws ERR_INVALID_MODEL for a file that is empty, truncated, corrupt, too large or not ONNX
 * @throws ERR_IO for a path that cannot be read
 */
export async function readOnnxModel(
  model: ModelSource,
  options: ReadOnnxOptions = {},
): Promise<OnnxModelInfo> {
  requireKnownKeys('options', options, ['checkExternalData', 'limits']);
  const check = requireBoolean('options.checkExternalData', options.checkExternalData ?? true);
  const opened = await openOnnx(model, options.limits);
  checkStructure(opened);
  const external = [...allTensors(opened.proto)].filter(isExternal);
  // Also without looking at files, the stated places must be sane.
  for (const tensor of external) externalLocation(tensor, opened.name);
  const externalFiles =
    check && opened.path !== undefined && external.length > 0
      ? await checkExternalData(external, opened.path, opened.name)
      : [];
  return { fileBytes: opened.fileBytes, ...summarize(opened.proto, opened.name), externalFiles };
}

function summarize(
  proto: ModelProto,
  name: string,
): Omit<OnnxModelInfo, 'fileBytes' | 'externalFiles'> {
  const graph = proto.graph!;
  let tensorBytes = 0;
  for (const tensor of allTensors(proto)) tensorBytes += tensorByteLength(tensor) ?? 0;
  const { nodeCount, operators } = countOperators(proto);
  return {
    irVersion: Number(proto.irVersion ?? 0),
    producerName: proto.producerName ?? '',
    producerVersion: proto.producerVersion ?? '',
    domain: proto.domain ?? '',
    modelVersion: Number(proto.modelVersion ?? 0),
    graphName: graph.name ?? '',
    opsets: dictionary(
      proto.opsetImports.map(({ domain, version }) => [domain || 'ai.onnx', version ?? 0]),
    ),
    metadata: metadataOf(proto),
    inputs: requiredInputs(graph).map(onnxValue),
    outputs: graph.outputs.map(onnxValue),
    nodeCount,
    operators,
    initializers: graph.initializers.map((tensor) => onnxInitializer(tensor, name)),
    tensorBytes,
    functions: proto.functions.map((func) => qualified(func.domain, func.name)),
    hasTrainingInfo: proto.trainingInfo.length > 0,
  };
}

/** The `metadata_props` of a model; of a key that is there twice the last value. */
/** Inputs that a caller must feed: those that no initialiser gives a default to. */
export function requiredInputs(graph: GraphProto): ValueInfoProto[] {
  const defaults = new Set(graph.initializers.map(({ name }) => name));
  return graph.inputs.filter(({ name }) => !defaults.has(name));
}

export function metadataOf(proto: ModelProto): Record<string, string> {
  return dictionary(proto.metadata.map(({ key, value }) => [key ?? '', value ?? '']));
}

function countOperators(proto: ModelProto): {
  nodeCount: number;
  operators: Record<string, number>;
} {
  const counts = new Map<string, number>();
  let nodeCount = 0;
  for (const node of allNodes(proto.graph!)) {
    const operator = qualified(node.domain, node.opType);
    counts.set(operator, (counts.get(operator) ?? 0) + 1);
    nodeCount++;
  }
  const sorted = [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return { nodeCount, operators: dictionary(sorted) };
}

function qualified(domain: string | undefined, name: string | undefined): string {
  return domain && domain !== 'ai.onnx' ? `${domain}.${name ?? ''}` : (name ?? '');
}

function onnxInitializer(tensor: TensorProto, modelName: string): OnnxInitializer {
  const raw = tensor.rawData?.[0];
  return {
    name: tensor.name ?? '',
    dtype: dtypeFromOnnx(tensor.dataType ?? 0),
    dims: tensor.dims,
    byteLength: tensorByteLength(tensor) ?? 0,
    storage: storageOf(tensor),
    fileRange: raw instanceof ByteRange ? { offset: raw.offset, length: raw.length } : undefined,
    external: isExternal(tensor) ? externalLocation(tensor, modelName) : undefined,
  };
}

/** An input or output as the model declares it. */
export function onnxValue(value: ValueInfoProto): OnnxValue {
  const { type } = value;
  const tensor = type?.tensor ?? type?.sparseTensor;
  return {
    name: value.name ?? '',
    kind: kindOf(type),
    dtype: dtypeFromOnnx(tensor?.elementType ?? 0),
    dims: tensor?.shape === undefined ? undefined : dimsOf(tensor.shape),
  };
}

function kindOf(type: TypeProto | undefined): OnnxValue['kind'] {
  if (type?.tensor) return 'tensor';
  if (type?.sparseTensor) return 'sparse-tensor';
  if (type?.sequence) return 'sequence';
  if (type?.map) return 'map';
  if (type?.optional) return 'optional';
  return type?.opaque ? 'opaque' : 'unknown';
}

function dimsOf(shape: ShapeProto): OnnxDim[] {
  return shape.dims.map(({ value, param }) => {
    // Some exporters write -1 for a size they do not know.
    if (value !== undefined) return value >= 0 ? value : null;
    return param || null;
  });
}

/** An object without a prototype: its keys come from a file. */
function dictionary<T>(entries: Iterable<readonly [string, T]>): Record<string, T> {
  const result = Object.create(null) as Record<string, T>;
  for (const [key, value] of entries) result[key] = value;
  return result;
}
