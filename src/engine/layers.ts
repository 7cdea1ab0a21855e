import { isObject } from './engine-facts';

/**
 * The layers of an engine in one shape, whatever told of them: the JSON of IEngineInspector in the form of
 * TensorRT 10.x (`Bindings`, `Format/Datatype`) or of 11.x (`I/O Tensors`, `Format` and `Datatype`), or the text
 * that the builder logs when an engine is built, which needs no device.
 */

/** A tensor that a layer reads or writes. Fields are undefined where the library does not tell. */
export interface EngineLayerTensor {
  name: string;
  /** A name of `DType`, or TensorRT's own where this package has none. */
  dtype: string | undefined;
  /** -1 where the dimension is free. */
  shape: number[] | undefined;
  /** Memory layout in TensorRT's words. */
  format: string | undefined;
}

export interface EngineLayer {
  name: string;
  /** TensorRT's name of the kind of layer, such as `CaskConvolution` or `kgen`. */
  type: string | undefined;
  /** What it computes in: the element type of its first input, or of its first output where it has none. */
  precision: string | undefined;
  inputs: EngineLayerTensor[];
  outputs: EngineLayerTensor[];
  /** Weights that TensorRT tells of. */
  constants: EngineLayerTensor[];
  /** The kernel or tactic that was chosen. */
  tactic: string | undefined;
  /** Index of the auxiliary stream; 0 is the caller's. */
  stream: number | undefined;
  /** ONNX nodes that went into it. */
  onnxNodes: string[];
}

/** An input or output of the engine, as the inspector tells of it. */
export interface EngineLayerIO {
  name: string;
  mode: 'input' | 'output' | undefined;
  dtype: string | undefined;
  shape: number[] | undefined;
  location: string | undefined;
  isShapeTensor: boolean | undefined;
  profiles: {
    min?: number[] | undefined;
    opt?: number[] | undefined;
    max?: number[] | undefined;
    format?: string | undefined;
  }[];
}

export interface EngineLayers {
  /** `names`: names alone (profilingVerbosity `layer-names`); `tensors`: with types of tensors; `detailed`: all. */
  detail: 'none' | 'names' | 'tensors' | 'detailed';
  layers: EngineLayer[];
  /** Empty where only names of them are known to be inputs or outputs (10.x: `Bindings`, then without a mode). */
  io: EngineLayerIO[];
}

const dtypeOf: Readonly<Record<string, string>> = {
  float: 'float32',
  fp32: 'float32',
  half: 'float16',
  fp16: 'float16',
  bfloat16: 'bfloat16',
  bf16: 'bfloat16',
  int8: 'int8',
  int32: 'int32',
  int64: 'int64',
  int4: 'int4',
  uint8: 'uint8',
  bool: 'bool',
  fp8: 'float8e4m3fn',
  fp4: 'float4e2m1',
  e8m0: 'float8e8m0',
};

/** TensorRT's name of an element type in ours. */
export function toDType(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  return dtypeOf[text.toLowerCase()] ?? text;
}

/** Which element type a description such as `Row major linear FP16 format` names. */
function dtypeInFormat(format: string): string | undefined {
  const found =
    /\b(FP32|FP16|BF16|BFloat16|FP8|FP4|INT64|INT32|INT8|INT4|UINT8|BOOL|Float|Half)\b/i.exec(
      format,
    );
  return toDType(found?.[1]);
}

export type Json = Record<string, unknown>;

const asText = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined;
const asList = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
export const asShape = (value: unknown): number[] | undefined =>
  Array.isArray(value) && value.every((dim) => typeof dim === 'number') ? value : undefined;

/** A format that says nothing: `N/A due to dynamic shapes`. */
const isFormat = (text: string | undefined): text is string =>
  text !== undefined && text !== '' && !text.startsWith('N/A');

function tensorOf(value: unknown): EngineLayerTensor {
  if (!isObject(value))
    return { name: asText(value) ?? '', dtype: undefined, shape: undefined, format: undefined };
  const combined = asText(value['Format/Datatype']);
  const format = asText(value.Format) ?? combined;
  const dtype = asText(value.Datatype) ?? asText(value.DataType) ?? asText(value.Type);
  return {
    name: asText(value.Name) ?? '',
    dtype: toDType(dtype) ?? (isFormat(format) ? dtypeInFormat(format) : undefined),
    shape: asShape(value.Dimensions),
    format: isFormat(format) ? format : undefined,
  };
}

export function layerOf(value: unknown): EngineLayer {
  const from = isObject(value) ? value : { Name: asText(value) };
  const inputs = asList(from.Inputs).map(tensorOf);
  const outputs = asList(from.Outputs).map(tensorOf);
  const constants = asList(from.Constants).map(tensorOf);
  // 10.x tells of a layer's own weights by type and count.
  for (const key of ['Weights', 'Bias'] as const) {
    const weights = from[key];
    if (!isObject(weights) || typeof weights.Count !== 'number' || weights.Count === 0) continue;
    constants.push({
      ...tensorOf({ ...weights, Name: key.toLowerCase() }),
      shape: [weights.Count],
    });
  }
  const tactic = asText(from.TacticName) || asText(from.TacticValue) || undefined;
  const stream = Number(from.StreamId);
  return {
    name: asText(from.Name) ?? '',
    type: asText(from.LayerType),
    precision: inputs[0]?.dtype ?? outputs[0]?.dtype,
    inputs,
    outputs,
    constants,
    tactic,
    stream: from.StreamId !== undefined && Number.isInteger(stream) ? stream : undefined,
    onnxNodes: onnxNodesOf(asText(from.Metadata) ?? ''),
  };
}

function onnxNodesOf(metadata: string): string[] {
  return [...metadata.matchAll(/\[ONNX Layer: ([^\]]*)\]/g)].map(([, name]) => name!);
}

export function ioOf(value: unknown): EngineLayerIO {
  if (!isObject(value)) {
    return {
      name: asText(value) ?? '',
      mode: undefined,
      dtype: undefined,
      shape: undefined,
      location: undefined,
      isShapeTensor: undefined,
      profiles: [],
    };
  }
  const mode = asText(value.IOMode)?.toLowerCase();
  const shapeTensor = value.IsShapeInferenceIO;
  return {
    name: asText(value.Name) ?? '',
    mode: mode === 'input' || mode === 'output' ? mode : undefined,
    dtype: toDType(asText(value.DataType) ?? asText(value.Datatype)),
    shape: asShape(value.Dimensions),
    location: asText(value.Location)?.toLowerCase(),
    isShapeTensor: typeof shapeTensor === 'boolean' ? shapeTensor : undefined,
    profiles: asList(value.ProfileInfo)
      .filter(isObject)
      .map((profile) => {
        const shapes = { min: profile.MinShape, opt: profile.OptShape, max: profile.MaxShape };
        const format = asText(profile.Format);
        return {
          ...Object.fromEntries(
            Object.entries(shapes).flatMap(([key, shape]) => {
              const dims = asShape(shape);
              return dims ? [[key, dims]] : [];
            }),
          ),
          ...(isFormat(format) ? { format } : {}),
        };
      }),
  };
}

/**
 * Reads what `IEngineInspector::getEngineInformation(kJSON)` answers, of 10.x or 11.x.
 * Text that is no JSON, or has no layers, gives `detail: 'none'`.
 */
export function parseInspectorJson(text: string): EngineLayers {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { detail: 'none', layers: [], io: [] };
  }
  const json = isObject(value) ? value : {};
  const layers = asList(json.Layers);
  const io = Array.isArray(json['I/O Tensors']) ? json['I/O Tensors'] : asList(json.Bindings);
  const isDetailed = layers.some((layer) => isObject(layer));
  return {
    detail: layers.length === 0 ? 'none' : isDetailed ? 'detailed' : 'names',
    layers: layers.map(layerOf),
    io: io.map(ioOf),
  };
}
