import type { ErrorCode } from '../errors';
import type { TrtBuildEvent } from '../native/trt-contract';
import type { CheckedBuildOptions } from './build-options';
import type { WorkerReport } from './build-report';
import type { TensorRTSelection } from './library';
import type { EngineFacts } from './plan-file';
import type { TimingCacheJob, TimingCacheJobResult } from './timing-cache-job';

/** Messages between a caller's process and its build process; all of them plain JSON. */

export interface BuildJob {
  library: Pick<TensorRTSelection, 'flavor' | 'version' | 'libraryPath' | 'parserPath'>;
  modelPath: string;
  /** Where the caller's ONNX file is; absent for a model that was given as bytes. */
  onnxPath?: string;
  /** Options as they were given, plain data alone. */
  given?: Record<string, unknown>;
  options: CheckedBuildOptions;
  /** The plan file is written here first, … */
  temporaryPath: string;
  /** … and moved here when it is whole. */
  outputPath: string;
  /** Folder that the build process deletes when its parent dies. */
  privateFolder?: string;
}

export interface BuildJobResult {
  facts: EngineFacts;
  /** Keys of the plan file's JSON beside our facts. */
  metadata: Record<string, unknown>;
  /** Size of the plan file. */
  byteLength: number;
  report: WorkerReport;
}

/** An error on its way to the other process. */
export interface SerializedError {
  code: ErrorCode;
  message: string;
  details: readonly string[];
}

export type ToWorker =
  | { type: 'build'; id: number; job: BuildJob }
  | { type: 'timing-cache'; id: number; job: TimingCacheJob };

export type FromWorker =
  | {
      /** The job's turn has come. */
      type: 'started';
      id: number;
      /** Whether the kernel let the peak of the process's memory start anew. */
      isPeakReset: boolean;
    }
  | { type: 'events'; id: number; events: TrtBuildEvent[] }
  | { type: 'done'; id: number; result: BuildJobResult | TimingCacheJobResult }
  | { type: 'failed'; id: number; error: SerializedError };
