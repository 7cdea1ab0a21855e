import type { DType } from '../tensor/dtype';
import type { Tensor } from '../tensor/tensor';
import type { ModelInput } from './model-input';
import type { ResolvedSessionOptions } from './options';

/** Engines that can run a model. A further one joins here and in the table of choose.ts. */
export type BackendName = 'cpu' | 'tensorrt';

/** An input or output of a model. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: DType;
  /** A number where the size is fixed, the symbol's name where it is free, `'?'` where it has no name. */
  readonly dims: readonly (number | string)[];
}

/** What one run needs; checked against the model's inputs and outputs before. */
export interface BackendRun {
  readonly feeds: readonly { readonly name: string; readonly tensor: Tensor }[];
  readonly fetches: readonly string[];
  /** Results stay in native memory until their `data` is read. */
  readonly nativeOutputs: boolean;
}

/**
 * A loaded model on one engine.
 *
 * run() copies or pins the feeds before it returns, never blocks the event loop, and may be called again
 * before earlier runs settle; `concurrency` of them execute at a time, the rest wait in order. dispose() is
 * called once, when no run is in flight. Every error is a TensorRTNodeError.
 */
export interface Backend {
  readonly name: BackendName;
  /** Engine and version, for people: `ONNX Runtime 1.30.0`. */
  readonly description: string;
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** Key-value pairs that the model's exporter wrote into it. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly concurrency: number;
  run(call: BackendRun): Promise<Tensor[]>;
  dispose(): Promise<void>;
}

/** Makes a backend for a model, or says by its error's code why it cannot. */
export type BackendFactory = (
  model: ModelInput,
  options: ResolvedSessionOptions,
) => Promise<Backend>;
