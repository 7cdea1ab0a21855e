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
  /** The range is of the values of an input that the graph uses as a shape; otherwise of its shape. */
  values?: true;
  min: number[];
  opt: number[];
  max: number[];
}

/** One builder setting; booleans, integers, texts, and arrays for sets and lists. */
export interface TrtSetting {
  name: string;
  value: number | boolean | string | string[];
}

/** What is asked of an input or output: formats that TensorRT may use (none: its choice), element type ('': any). */
export interface TrtTensorRequest {
  name: string;
  formats: string[];
  dtype: string;
}

/** A flavour's own table of settings. `sinceMinor` is the minor version that brought a thing, 0: always there. */
export interface TrtSettingTable {
  settings: {
    name: string;
    kind: 'boolean' | 'integer' | 'choice' | 'set' | 'text' | 'list';
    sinceMinor: number;
    /** Integers only. */
    min?: number;
    max?: number;
    /** `sinceMinor` of each value of a choice or set. */
    choices: Record<string, number>;
  }[];
  /** How the enumerators of the headers are accounted for: offered + left out + unused numbers = enumMax. */
  enums: { name: string; enumMax: number; offered: number; leftOut: string; unused: number }[];
}

export interface TrtBuildRequest {
  libraryPath: string;
  parserPath: string;
  /** An ONNX file; external data lies beside it. */
  modelPath: string;
  profiles: TrtShapeRange[][];
  /** 89 for 8.9, 1 for this machine's GPU; empty: TensorRT's default. */
  computeCapabilities: number[];
  settings: TrtSetting[];
  /** One for each profile, or none. */
  extraMemoryTargets: number[];
  tensors: TrtTensorRequest[];
  /** Absent: the build makes a timing cache of its own and forgets it. */
  timingCache?: { caches: TrtTimingCacheBytes[]; ignoreMismatch: boolean };
  /** Quietest log lines wanted: 1 errors, 2 warnings, 3 info, 4 verbose. */
  maxSeverity: number;
}

/** A timing cache as TensorRT serialises it; the label names it in errors. */
export interface TrtTimingCacheBytes {
  label: string;
  bytes: Uint8Array;
}

/** `key` are 32 hexadecimal digits, `tacticHash` 16. */
export interface TrtTimingCacheEntry {
  key: string;
  tacticHash: string;
  timingMs: number;
}

export interface TrtTimingCacheRequest {
  libraryPath: string;
  /** Combined in this order; of entries with equal keys the first stays. */
  caches: TrtTimingCacheBytes[];
  /** Takes caches of devices with other properties. */
  ignoreMismatch: boolean;
  /** Changes of entries that are there; a `timingMs` of null deletes. TensorRT 10.8 or later. */
  edits: { key: string; tacticHash?: string; timingMs: number | null }[];
  /** TensorRT 10.8 or later. */
  listEntries: boolean;
}

export interface TrtTimingCacheResult {
  bytes: Uint8Array;
  /** Empty unless listed. */
  entries: TrtTimingCacheEntry[];
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
  /** The timing cache after the build, where one was asked for. */
  timingCache?: Uint8Array;
  stats: TrtBuildStats;
}

export interface TrtBuildStats {
  /** Opening the libraries, set-up and parser, builder; in milliseconds. */
  loadMs: number;
  parseMs: number;
  buildMs: number;
  /** CPU time of all threads of the process, in parser and builder. */
  cpuMs: number;
  /** Log lines of warning severity. */
  warnings: number;
  /** Size of the process in RAM when the libraries were open, and its peak when the plan was there; 0: unknown. */
  startMemoryBytes: number;
  peakMemoryBytes: number;
}

export interface TrtContract {
  /** [sync] */
  trtFlavors(): TrtFlavors;
  /** [sync] For tests. Throws ERR_TENSORRT_UNAVAILABLE for a flavour that is not compiled in. */
  trtSettings(flavor: Flavor): TrtSettingTable;
  /**
   * [async] Opens a TensorRT library, reads its version and closes it. Rejects with
   * ERR_TENSORRT_UNAVAILABLE when the file cannot be opened or is not TensorRT, ERR_TENSORRT_VERSION when
   * its version is refused. Calls no factory; runs the library's static initialisers.
   */
  trtLibraryInfo(libraryPath: string): Promise<TrtLibraryInfo>;
  /**
   * [async] Opens a library and its parser for the rest of the process, as `trtBuild` would. Rejects with
   * ERR_TENSORRT_UNAVAILABLE, ERR_TENSORRT_VERSION.
   */
  trtLoad(libraryPath: string, parserPath: string): Promise<void>;
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
  /**
   * [async] Combines, edits and lists timing caches on the thread of builds; for the build process alone.
   * Rejects with ERR_TIMING_CACHE for caches that are corrupt or do not fit, ERR_INVALID_ARGUMENT for an edit
   * of no entry, ERR_NO_DEVICE, ERR_TENSORRT_UNAVAILABLE, ERR_TENSORRT_VERSION.
   */
  trtTimingCache(request: TrtTimingCacheRequest): Promise<TrtTimingCacheResult>;
  /** [async] Writes `prefix` and the plan into a new file and syncs it. Rejects with ERR_IO; then no file is left. */
  trtPlanWrite(plan: BufferHandle, path: string, prefix: Uint8Array): Promise<void>;
  /** [sync] The version rules themselves; empty strings mean "may be used". */
  trtJudgeVersion(major: number, minor: number): { refusal: string; buildRefusal: string };
}
