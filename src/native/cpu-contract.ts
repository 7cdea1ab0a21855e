import type { BufferHandle, Bytes } from './contract';

declare const cpuSessionTag: unique symbol;
/** A model loaded in an engine, as an opaque handle; garbage collection takes it down in the background. */
export type CpuSessionHandle = { readonly [cpuSessionTag]: never };

/** Element types are ONNX's TensorProto.DataType numbers, see tensor/dtype.ts. */
export interface NativeTensor<Data> {
  dtype: number;
  dims: readonly number[];
  /** Strings for dtype string, packed elements for every other. */
  data: Data;
}

export interface NativePort {
  name: string;
  dtype: number;
  /** A string, maybe empty, names a size that is free. */
  dims: (number | string)[];
  /** Nothing is known of the shape, not even its rank. */
  rankIsFree?: true;
}

export interface OnnxRuntimeOptionsNative {
  engine?: 'onnxruntime';
  concurrency: number;
  /** 0 lets ONNX Runtime choose, here and in the next one. */
  intraOpThreads: number;
  interOpThreads: number;
  parallelExecution: boolean;
  /** 0 none, 1 basic, 2 extended, 99 all. */
  graphOptimizationLevel: number;
  cpuMemoryArena: boolean;
  memoryPattern: boolean;
  spinning: boolean;
  config: Record<string, string>;
}

export interface OpenVinoOptionsNative {
  engine: 'openvino';
  concurrency: number;
  /** Threads of a run; 0 lets OpenVINO choose. */
  intraOpThreads: number;
  precision: 'f32' | 'bf16';
  /** Names of the model's inputs and outputs, in the order in which they are to be described. */
  inputs: readonly string[];
  outputs: readonly string[];
  /** Further properties, by OpenVINO's names. */
  config: Record<string, string>;
}

export interface CpuSessionInfo {
  inputs: NativePort[];
  outputs: NativePort[];
  /** Outputs that are sequences, maps or optionals. */
  otherOutputs: string[];
  metadata: [key: string, value: string][];
  producer: string;
  graphName: string;
  /** In which numbers float32 models are computed. */
  precision: string;
  runtimeVersion: string;
}

export interface CpuContract {
  /**
   * [async] Loads the library (once per process) and the model, a path or bytes, which are copied during
   * the call. Rejects with ERR_CPU_BACKEND_UNAVAILABLE, ERR_INVALID_MODEL, ERR_UNSUPPORTED_MODEL, ERR_IO.
   */
  cpuSessionCreate(
    library: string,
    model: string | Bytes,
    options: OnnxRuntimeOptionsNative | OpenVinoOptionsNative,
  ): Promise<CpuSessionHandle>;
  /** [sync] */
  cpuSessionInfo(session: CpuSessionHandle): CpuSessionInfo;
  /**
   * [async] Typed arrays are copied during the call; a buffer handle is used as it is, must hold at least
   * the bytes that the dims ask for, and must not be written before the promise settles. The outputs come in
   * the order of `fetches`, as buffer handles when `nativeOutputs`, else as copies in ArrayBuffers.
   * Rejects with ERR_SHAPE_MISMATCH, ERR_INFERENCE, ERR_OUT_OF_MEMORY.
   */
  cpuSessionRun(
    session: CpuSessionHandle,
    feeds: (NativeTensor<Bytes | BufferHandle | readonly string[]> & { name: string })[],
    fetches: readonly string[],
    nativeOutputs: boolean,
  ): Promise<NativeTensor<ArrayBuffer | BufferHandle | string[]>[]>;
  /** [async] Resolves when the session is gone; runs in flight are finished first. Safe to call twice. */
  cpuSessionDispose(session: CpuSessionHandle): Promise<void>;
  /** [async] Loads the library and resolves with its version. Rejects with ERR_CPU_BACKEND_UNAVAILABLE. */
  cpuRuntimeProbe(library: string, engine?: 'onnxruntime' | 'openvino'): Promise<string>;
  /** [sync] ONNX Runtime's log lines since the last call, from all threads; severity 0 verbose … 4 fatal. */
  cpuDrainLog(): { severity: number; message: string }[];
}
