/** What the .node file exports for checking models and for engines on a device; see contract.ts. Internal. */

import type { BufferHandle } from './contract';
import type { TrtParserError, TrtTensor } from './trt-contract';

/** What the ONNX parser of one flavour says of a model. */
export interface TrtParserReport {
  supported: boolean;
  errors: TrtParserError[];
  /** Runs of nodes that the parser took, by index in the graph; nodes in none of them it did not take. */
  subgraphs: { supported: boolean; nodes: number[] }[];
  /** By operator name: whether the parser knows it at all. */
  operators: Record<string, boolean>;
  /** Layers of the network as far as the parser came. */
  layers: number;
  inputs: TrtTensor[];
  outputs: TrtTensor[];
}

/** What TensorRT says of an engine that it has loaded. Shapes hold -1 where a dimension is free. */
export interface TrtEngineReport {
  name: string;
  layers: number;
  profiles: number;
  auxStreams: number;
  isRefittable: boolean;
  capability: 'standard' | 'safety' | 'dla-standalone' | 'unknown';
  hardwareCompatibility: 'none' | 'ampere+' | 'same-compute-capability' | 'unknown';
  profilingVerbosity: 'none' | 'layer-names' | 'detailed' | 'unknown';
  /** Memory of one execution context. */
  deviceMemoryBytes: number;
  deviceMemoryBytesByProfile: number[];
  /** 0 unless the engine was built for weight streaming. */
  streamableWeightsBytes: number;
  /** TensorRT 10.14 and later. */
  weightsBytes?: number;
  strippedWeightsBytes?: number;
  tensors: TrtEngineTensor[];
  /** IEngineInspector's JSON text; its form differs between 10.x and 11.x. */
  inspector: string;
}

export interface TrtEngineTensor extends TrtTensor {
  mode: 'input' | 'output';
  location: 'device' | 'host';
  isShapeTensor: boolean;
  /** For each profile; the shapes are those of inputs. */
  profiles: { min?: number[]; opt?: number[]; max?: number[]; format: string }[];
}

export interface TrtWeightsReport {
  weights: { name: string; dtype: string; count: number }[];
  /** Weights that the plan lacks and a refit has to bring. */
  missing: string[];
}

/** `report` is JSON of the type that the function names. */
export interface TrtToolResult {
  report: string;
  warnings: string[];
  errors: string[];
}

export interface TrtPlanRequest {
  libraryPath: string;
  /** May be empty where only named weights are refitted, or nothing is. */
  parserPath: string;
  planPath: string;
  /** Where the plan begins in the file. */
  planOffset: number;
  /** Lets a version-compatible engine bring its own runtime, which is code that runs on the host. */
  allowHostCode: boolean;
}

export interface TrtRefitRequest extends TrtPlanRequest {
  /** An ONNX file; empty for `weights`. */
  modelPath: string;
  /** Holds the values of all `weights`; empty when there are none. */
  weightsPath: string;
  /** `offset` in bytes, `count` in elements. */
  weights: { name: string; dtype: string; offset: number; count: number }[];
  /** A stripped engine stays refittable once its weights are in. TensorRT 10.14 and later. */
  keepRefittable: boolean;
}

/** All are meant for a process of their own: a fault in the library ends it. */
export interface TrtToolContract {
  /**
   * [async] {@link TrtParserReport}. Needs a device, but with rtx1. Each node that the parser comes to is
   * announced on stderr. Rejects with ERR_IO, ERR_NO_DEVICE, ERR_TENSORRT_UNAVAILABLE, ERR_TENSORRT_VERSION.
   */
  trtCheckModel(request: {
    libraryPath: string;
    parserPath: string;
    modelPath: string;
    operators: string[];
  }): Promise<TrtToolResult>;
  /**
   * [async] {@link TrtEngineReport}. Rejects with ERR_NO_DEVICE before TensorRT is opened,
   * ERR_ENGINE_DESERIALIZE, ERR_IO, ERR_TENSORRT_UNAVAILABLE, ERR_TENSORRT_VERSION.
   */
  trtInspectEngine(request: TrtPlanRequest): Promise<TrtToolResult>;
  /** [async] {@link TrtWeightsReport}. As trtInspectEngine; ERR_INVALID_ARGUMENT for an engine not made for it. */
  trtEngineWeights(request: TrtPlanRequest): Promise<TrtToolResult>;
  /** [async] The refitted plan. As trtEngineWeights; ERR_ENGINE_BUILD with TensorRT's reasons. */
  trtRefit(
    request: TrtRefitRequest,
  ): Promise<{ plan: BufferHandle; byteLength: number; warnings: string[] }>;
}
