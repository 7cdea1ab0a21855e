/** What a build cost. Times in milliseconds, sizes in bytes. */
export interface BuildReport {
  /** The most memory that the build process took in RAM, TensorRT's libraries included. Undefined without /proc. */
  peakMemoryBytes: number | undefined;
  /** False where the kernel did not let the peak start anew: then it is that of all builds of this process. */
  peakMemoryIsOfThisBuild: boolean;
  /** How far the process grew above its size at the start of parsing, when TensorRT was loaded. */
  memoryGrowthBytes: number | undefined;
  /** Wait for earlier builds of the same builder. */
  queuedMs: number;
  /** Looking at the model and for TensorRT, and starting the build process where there was none. */
  startMs: number;
  /** Edits of the graph, such as the cast to 16 bits. */
  prepareMs: number;
  /** Loading TensorRT, where this process had not done so. */
  loadMs: number;
  /** TensorRT's set-up and its ONNX parser. */
  parseMs: number;
  /** TensorRT's builder: from the network to the plan in memory. */
  buildMs: number;
  /** CPU time of all threads of the build process in these two. */
  cpuMs: number;
  /** Digests, and the plan file until it lies safe on the disk. */
  writeMs: number;
  /** From the call until the engine was there. */
  totalMs: number;
  /** TensorRT's warnings, whatever `logLevel` says. */
  warnings: number;
}

/** The part of a report that the build process measures. */
export type WorkerReport = Omit<BuildReport, 'queuedMs' | 'startMs' | 'totalMs'>;
