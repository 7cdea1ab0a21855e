/** The TensorRT part of what the .node file exports; see contract.ts for the conventions. Internal. */

import type { BufferHandle } from './contract';

export const flavors = ['rtx1', 'trt10', 'trt11'] as const;
/** `rtx1` is TensorRT-RTX 1.x, `trt10` and `trt11` are TensorRT 10.x and 11.x. */
export type Flavor = (typeof flavors)[number];

export interface TrtVersion {
  major: number;
  minor: number;
  patch: number;
  build: number;
  /** `10.3.0.26` */
  text: string;
}

export interface TrtLibraryInfo {
  flavor: Flavor;
  version: TrtVersion;
  /** The file that the loader mapped. */
  path: string;
  /** Why this version must not build engines, though it may run them. Absent when it may. */
  buildRefusal?: string;
}

export interface TrtFlavors {
  /** Flavours that this binary speaks, each with the version of the headers it was compiled with. */
  compiled: Partial<Record<Flavor, TrtVersion>>;
  /** Flavours whose headers were not there when the binary was compiled. */
  absent: Flavor[];
}

export interface TrtTensor {
  name: string;
  /** A name of {@link DType}, or `float8e8m0`. */
  dtype: string;
  /** -1 where the dimension is free. */
  shape: number[];
}

export interface TrtShapeRange {
  input: string;
  min: number[];
  opt: number[];
  max: number[];
}

export interface TrtBuildRequest {
  libraryPath: string;
  parserPath: string;
  /** An ONNX file; external data lies beside it. */
  modelPath: string;
  profiles: TrtShapeRange[][];
  /** 89 for 8.9; empty: the GPU of this machine. */
  computeCapabilities: number[];
  settings: { name: string; value: number | boolean | string }[];
  /** Quietest log lines wanted: 1 errors, 2 warnings, 3 info, 4 verbose. */
  maxSeverity: number;
}

/** One complaint of TensorRT's ONNX parser. `node` is -1 when it is about no node. */
export interface TrtParserError {
  code: string;
  reason: string;
  node: number;
  nodeName: string;
  operator: string;
  function: string;
}

export type TrtBuildEvent =
  | { type: 'log'; level: 'verbose' | 'info' | 'warn' | 'error'; message: string }
  | { type: 'stage'; stage: 'start' | 'load' | 'parse' | 'build' | 'write' }
  | { type: 'phase-start'; phase: string; parent?: string; steps: number }
  | { type: 'step'; phase: string; step: number }
  | { type: 'phase-finish'; phase: string }
  | ({ type: 'parser-error' } & TrtParserError);

export interface TrtBuildResult {
  inputs: TrtTensor[];
  outputs: TrtTensor[];
  /** The library's own text of the engine's layers; absent where it told nothing. */
  layers?: string;
  byteLength: number;
  /** The plan in TensorRT's own memory. */
  plan: BufferHandle;
  stats: TrtBuildStats;
}

export interface TrtBuildStats {
  /** Opening the libraries, set-up and parser, builder; in milliseconds. */
  loadMs: number;
  parseMs: number;
  buildMs: number;
  /** Log lines of warning severity. */
  warnings: number;
  /** Size of the process in RAM when the libraries were open, and its peak when the plan was there; 0: unknown. */
  startMemoryBytes: number;
  peakMemoryBytes: number;
}

export interface TrtContract {
  /** [sync] */
  trtFlavors(): TrtFlavors;
  /**
   * [async] Opens a TensorRT library, reads its version and closes it. Rejects with
   * ERR_TENSORRT_UNAVAILABLE when the file cannot be opened or is not TensorRT, ERR_TENSORRT_VERSION when
   * its version is refused. Calls no factory; runs the library's static initialisers.
   */
  trtLibraryInfo(libraryPath: string): Promise<TrtLibraryInfo>;
  /**
   * [async] Parses and builds on a native thread; builds of one process run one after another. `onEvent`
   * hears everything before the promise settles. Meant for the build process alone: a fault in the parser
   * or builder ends the process. Rejects with ERR_ENGINE_BUILD, ERR_INVALID_ARGUMENT, ERR_NO_DEVICE,
   * ERR_TENSORRT_UNAVAILABLE, ERR_TENSORRT_VERSION.
   */
  trtBuild(
    request: TrtBuildRequest,
    onEvent: (event: TrtBuildEvent) => void,
  ): Promise<TrtBuildResult>;
  /** [async] Writes `prefix` and the plan into a new file and syncs it. Rejects with ERR_IO; then no file is left. */
  trtPlanWrite(plan: BufferHandle, path: string, prefix: Uint8Array): Promise<void>;
  /** [sync] The version rules themselves; empty strings mean "may be used". */
  trtJudgeVersion(major: number, minor: number): { refusal: string; buildRefusal: string };
}
