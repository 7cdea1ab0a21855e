/** What stands beside the table of settings: options of another form, and what of TensorRT no option offers. */

/** Options beside the settings that reach TensorRT's builder too; each has its own form and check. */
export const structuredTable = {
  shapes: {
    native: ['IOptimizationProfile::setDimensions', 'IOptimizationProfile::setShapeValuesV2'],
    flag: '--shapes, --shape-values',
    help: 'Ranges of dynamic inputs, and of the values of inputs that are shapes; an array makes several profiles.',
  },
  extraMemoryTarget: {
    native: ['IOptimizationProfile::setExtraMemoryTarget'],
    flag: '--extra-memory-target',
    help: 'How much more memory than necessary a profile may use, 0 to 1; one number for all profiles or one each.',
  },
  tensors: {
    native: ['ITensor::setAllowedFormats'],
    flag: '--tensor-format',
    help: "Memory layouts that inputs and outputs may have, and the element type that they must have; the type itself is the graph's.",
  },
  computeCapabilities: {
    native: ['IBuilderConfig::setComputeCapability'],
    flag: '--compute-capability',
    help: 'GPUs to build for, or "current"; TensorRT-RTX only, the others build for this machine\'s GPU.',
  },
} as const;

/** Enumerators and setters of TensorRT that no option offers, and why. A test holds this to the headers. */
export const leftOut: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  BuilderFlag: {
    kSAFETY_SCOPE: 'deprecated and ignored since 10.16',
    kDIRECT_IO: 'deprecated; formats are set for each tensor',
    kFP16: 'precision is what the graph says',
    kBF16: 'precision is what the graph says',
    kINT8: 'precision is what the graph says',
    kFP8: 'precision is what the graph says',
    kINT4: 'precision is what the graph says',
    kFP4: 'precision is what the graph says',
    kOBEY_PRECISION_CONSTRAINTS: 'no effect on typed networks',
    kPREFER_PRECISION_CONSTRAINTS: 'no effect on typed networks',
    kREJECT_EMPTY_ALGORITHMS: 'belongs to the removed algorithm selector',
    kWEIGHTLESS: 'old name of kSTRIP_PLAN',
  },
  ComputeCapability: { kNONE: 'the value of no target' },
  IBuilder: {
    setErrorRecorder: 'errors come by the log',
    setGpuAllocator: "the build process uses TensorRT's own",
  },
  IBuilderConfig: {
    addOptimizationProfile: 'the option shapes',
    setFlag: 'one option each',
    setFlags: 'one option each',
    setMemoryPoolLimit: 'one option each',
    setNbComputeCapabilities: 'the option computeCapabilities',
    setProgressMonitor: 'the option onProgress',
    setTimingCache: 'an option of its own',
    setDeviceType: 'for single layers; deviceType is for all',
    setProfileStream: 'the builder makes a stream of its own',
    setQuantizationFlag: 'setQuantizationFlags',
    setAlgorithmSelector: 'deprecated, removed in 11',
    setInt8Calibrator: 'quantisation belongs in the graph',
    setCalibrationProfile: 'quantisation belongs in the graph',
  },
  IOptimizationProfile: {
    setShapeValues: '32-bit form, used by itself where 10.x has no other',
    setProfileStream: 'the builder makes a stream of its own',
  },
};
