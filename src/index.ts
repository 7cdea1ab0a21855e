export { type BuildExitReason, BuildProcessExit } from './engine/build-exit';
export type {
  BuilderSettings,
  EngineBuildOptions,
  ShapeProfile,
  ShapeRange,
  TensorFormat,
  TensorOptions,
  ValueRange,
} from './engine/build-options';
export type {
  BuildListeners,
  BuildProgress,
  BuildStage,
  BuildStageEvent,
} from './engine/build-progress';
export type { BuildReport } from './engine/build-report';
export { EngineBuilder } from './engine/builder';
export {
  EngineCache,
  type EngineCacheEntry,
  type EngineCacheKey,
  type EngineCacheOptions,
  type EngineCacheResult,
} from './engine/cache';
export {
  type Compatibility,
  type CompatibilityFacts,
  type CompatibilityReason,
  type CompatibilityTopic,
  explainCompatibility,
} from './engine/compatibility';
export {
  Engine,
  type EngineDescription,
  type EngineFromManifestOptions,
  type EngineLoadOptions,
} from './engine/engine';
export type { EngineDevice, EngineFacts } from './engine/engine-facts';
export type {
  EngineLayer,
  EngineLayerIO,
  EngineLayers,
  EngineLayerTensor,
} from './engine/layers';
export {
  findTensorRT,
  selectTensorRT,
  type TensorRTCandidate,
  type TensorRTSelection,
  type TensorRTWanted,
} from './engine/library';
export type { LibraryOrigin } from './engine/library-places';
export { describeEngineMachine, type EngineMachine } from './engine/machine';
export type {
  EngineManifest,
  ManifestEngine,
  ManifestFailure,
  ManifestWanted,
} from './engine/manifest';
export {
  buildMatrix,
  type MatrixAxes,
  type MatrixOptions,
  type MatrixResult,
  type MatrixTarget,
} from './engine/matrix';
export {
  type BuildVerdict,
  type DiagnoseOptions,
  diagnoseModel,
  type ModelDiagnosis,
  type ParserProblem,
  type ParserSubgraph,
  type ParserVerdict,
} from './engine/model-doctor';
export type { EngineDetails, EngineDeviceOptions } from './engine/on-device';
export type { EngineRebuildOptions } from './engine/rebuild';
export type { EngineWeights, RefitOptions, RefitSource } from './engine/refit';
export type { EngineKey } from './engine/signature';
export {
  TimingCache,
  type TimingCacheDescription,
  type TimingCacheEdit,
  type TimingCacheToolOptions,
} from './engine/timing-cache';
export type { TimingCacheOptions } from './engine/timing-cache-options';
export { type ErrorCode, errorTable, TensorRTNodeError } from './errors';
export {
  type LogLevel,
  type LogRecord,
  type LogSink,
  logLevels,
  setLogLevel,
  setLogSink,
} from './log';
export type { Flavor, TrtShapeRange, TrtTensor, TrtTimingCacheEntry } from './native/trt-contract';
export type { TrtEngineTensor } from './native/trt-tool-contract';
export type { DoctorNode, ModelFinding } from './onnx/doctor';
export type { ExternalFile, ExternalLocation } from './onnx/external-data';
export {
  type OnnxDim,
  type OnnxInitializer,
  type OnnxModelInfo,
  type OnnxValue,
  type ReadOnnxOptions,
  readOnnxModel,
} from './onnx/model';
export type { OnnxLimits } from './onnx/open';
export type { ImageInputOptions } from './onnx/passes/image-input';
export type { PassOptions, PassReport } from './onnx/passes/pass';
export type { Precision, PrecisionOptions } from './onnx/passes/precision-options';
export type { TransformReport } from './onnx/rewrite';
export type { ModelSuggestion } from './onnx/suggest';
export { type TransformOptions, transformModel } from './onnx/transform';
export type { GraphTransforms } from './onnx/transforms';
export { parseYoloMetadata, type YoloMetadata, type YoloTask } from './onnx/yolo-metadata';
export type { BackendName, TensorInfo } from './session/backend';
export type { ModelSource } from './session/model-input';
export { findOnnxRuntime, type OnnxRuntimeCandidate } from './session/onnxruntime';
export { findOpenVino, type OpenVinoCandidate } from './session/openvino';
export type {
  CpuEngine,
  CpuOptions,
  SessionOptions,
  TensorRTOptions,
} from './session/options';
export { type Feeds, type Fetches, type RunOptions, Session } from './session/session';
export { type DType, dtypes } from './tensor/dtype';
export { Tensor, type TensorData, type TensorLike, type TensorValues } from './tensor/tensor';
export { classColor, type DrawOptions, drawDetections } from './vision/draw';
export {
  type DecodedImage,
  type DecodeOptions,
  decodeImage,
  type ImageSource,
  type PixelLayout,
  type RawImage,
} from './vision/image';
export { type PredictOptions, VisionModel, type VisionModelOptions } from './vision/model';
export { type Detection, Results, type ResultsJson, type Timings } from './vision/results';
