// Written by scripts/build-options.mjs from table.ts; do not edit.

/** Options that go to TensorRT's builder as they are. Left out means TensorRT's own default. */
export interface BuilderSettings {
  /** How hard TensorRT looks: 0 builds fastest, 5 may run fastest. Default 3. 0 to 5. */
  optimizationLevel?: number;
  /** How often a tactic is timed. Default 1. 1 to 1000. With trt10, trt11. */
  averageTimingIterations?: number;
  /**
   * Most tactics that are timed for one layer. Default: as TensorRT finds fit. 1 to 2^31-2. With trt10 from 10.4,
   * trt11.
   */
  maxTactics?: number;
  /** Where tactics may come from; those not named are off. Default: all that are not deprecated. With trt10, trt11. */
  tacticSources?: readonly (
    | 'edge-mask-convolutions'
    | 'jit-convolutions'
    | 'cublas'
    | 'cublas-lt'
    | 'cudnn'
  )[];
  /** How hard TensorRT looks for tilings that keep data in the L2 cache. Default none. With trt10 from 10.8, trt11. */
  tilingOptimizationLevel?: 'none' | 'fast' | 'moderate' | 'full';
  /**
   * Most of the L2 cache that tiling may count on. Works with tilingOptimizationLevel. 0 to 2^53-1. With trt10 from
   * 10.8, trt11.
   */
  l2LimitForTilingBytes?: number;
  /** Most auxiliary streams that one inference may use; 0: one stream only. 0 to 128. */
  maxAuxStreams?: number;
  /** Most threads that the builder uses. Default 1. 1 to 1024. */
  builderThreads?: number;
  /** Most scratch memory that a layer may use on the device. Default: all of the device's memory. 0 to 2^53-1. */
  workspaceBytes?: number;
  /**
   * Most device memory that timing tactics may take during the build; a power of two. 4096 to 2^40, powers of two.
   * With trt10, trt11.
   */
  tacticDramBytes?: number;
  /** Most shared memory that a kernel may use, the part that the driver keeps included. 0 to 2^30-1. */
  tacticSharedMemoryBytes?: number;
  /** TensorRT logs its memory use during the build. With rtx1, trt10 from 10.6, trt11. */
  monitorMemory?: boolean;
  /**
   * The engine never allocates while it runs, so that CUDA graphs can capture it; models for which that cannot be
   * are refused. With rtx1.
   */
  requireUserAllocation?: boolean;
  /** Lets float32 layers use TF32 (10-bit mantissas). Default true. */
  tf32?: boolean;
  /** Uses 2:4 structured sparsity where the weights have it. Default false. */
  sparseWeights?: boolean;
  /** No simplification that hides NaN or infinity (0*x, x-x, x/x). Default false. With rtx1, trt10 from 10.6, trt11. */
  strictNans?: boolean;
  /**
   * The result for one item of a batch does not depend on its place in the batch. Default false. With rtx1, trt10
   * from 10.12, trt11.
   */
  distributiveIndependence?: boolean;
  /** Calibration in TensorRT 10; deprecated there. With trt10. */
  quantizationFlags?: readonly 'calibrate-before-fusion'[];
  /** Weights can be changed later without a new build. Default false. */
  refittable?: boolean;
  /** Refittable with the same weights only, at no cost of speed; for stripped plans. Default false. */
  refitIdentical?: boolean;
  /** Refittable only where the network marks weights so; not with the other two. Default false. */
  refitIndividual?: boolean;
  /** Leaves refittable weights out of the plan; it has to be refitted before it runs. Default false. */
  stripWeights?: boolean;
  /** Lets weights lie in host memory and be streamed to the device. Default false. */
  weightStreaming?: boolean;
  /** Which other GPUs a plan made on this GPU may run on. Default none. With trt10, trt11. */
  hardwareCompatibility?: 'none' | 'ampere+' | 'same-compute-capability';
  /** Operating system that the plan will run on. Default same-as-build. */
  runtimePlatform?: 'same-as-build' | 'windows-x64';
  /** Runtime that the plan is for: the standard one, the safety runtime, or DLA without TensorRT. Default standard. */
  engineCapability?: 'standard' | 'safety' | 'dla-standalone';
  /** The plan runs with later TensorRT versions; it then carries host code. Default false. */
  versionCompatible?: boolean;
  /** Leaves the lean runtime out of a version-compatible plan. Default false. */
  excludeLeanRuntime?: boolean;
  /** Where layers run unless they cannot. Default gpu. With trt10, trt11. */
  deviceType?: 'gpu' | 'dla';
  /** DLA core that layers run on. 0 to 15. With trt10, trt11. */
  dlaCore?: number;
  /** Layers that DLA cannot run go to the GPU instead of failing the build. Default false. With trt10, trt11. */
  gpuFallback?: boolean;
  /** Fast memory of a DLA core; a power of two. Default 1 MiB. 4096 to 2^40, powers of two. With trt10, trt11. */
  dlaManagedSramBytes?: number;
  /**
   * Host memory for tensors between DLA operations; a power of two. Default 1 GiB. 4096 to 2^40, powers of two.
   * With trt10, trt11.
   */
  dlaLocalDramBytes?: number;
  /** Host memory for DLA's weights; a power of two. Default 512 MiB. 4096 to 2^40, powers of two. With trt10, trt11. */
  dlaGlobalDramBytes?: number;
  /** Times like layers anew each. Default false. With trt10, trt11. */
  disableTimingCache?: boolean;
  /** The timing cache can be queried and changed. Default false. With trt10 from 10.8, trt11. */
  editableTimingCache?: boolean;
  /** The build fails when a tactic is not in the timing cache. Default false. With trt10, trt11. */
  errorOnTimingCacheMiss?: boolean;
  /** Compiled kernels are kept out of the timing cache. Default false. With trt10, trt11. */
  disableCompilationCache?: boolean;
  /** How much an engine tells of its layers when it is inspected. Default layer-names. */
  profilingVerbosity?: 'none' | 'layer-names' | 'detailed';
  /** Synchronises after every layer, to find the one that fails. Default false. */
  debugSync?: boolean;
  /** What the ONNX parser does; those not named are off. Default native-instance-norm. */
  parserFlags?: readonly (
    | 'native-instance-norm'
    | 'uint8-asymmetric-quantization-dla'
    | 'report-capability-dla'
    | 'plugin-override'
    | 'adjust-for-dla'
  )[];
  /** Features that TensorRT does not promise yet; those not named are off. The default differs by version. */
  previewFeatures?: readonly (
    | 'aliased-plugin-io'
    | 'runtime-activation-resize'
    | 'profile-sharing'
    | 'multi-device-runtime'
  )[];
  /** Plug-in libraries that are loaded before the model is parsed. They run code: load only what you trust. */
  pluginLibraries?: readonly string[];
  /** Plug-in libraries that are stored inside a version-compatible plan. */
  pluginsToSerialize?: readonly string[];
  /** Where another machine times the tactics, in the form that NVIDIA documents. With trt10 from 10.13, trt11. */
  remoteAutoTuningConfig?: string;
  /** Knobs of TensorRT's compiler, such as -conv_use_long_w=off. With trt11 from 11.1. */
  buildRoute?: string;
}
