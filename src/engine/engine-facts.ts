import type { Flavor, TrtShapeRange, TrtTensor } from '../native/trt-contract';
import type { PassReport } from '../onnx/passes/pass';
import type { EngineLayers } from './layers';

/** What this package writes into a plan file about the plan. Later versions may leave out what has a question mark. */
export interface EngineFacts {
  format: 1;
  /** Version of this package. */
  packageVersion: string;
  createdAt: string;
  flavor: Flavor;
  /** Version of the TensorRT library that built the plan. */
  tensorrtVersion: string;
  /** GPUs that it was built for, such as `8.9`; empty: the library's default, or the GPU it was built on. */
  computeCapabilities: string[];
  profiles: TrtShapeRange[][];
  /** Builder settings that were given, and the edits of the graph that were asked for. */
  options: Record<string, unknown>;
  /** Options of the build as they were given, plain data alone: what a build anew begins with. */
  given?: Record<string, unknown>;
  /** SHA-256 of the ONNX file, as it was before all edits, and of its external data. */
  onnxSha256: string;
  /** SHA-256 of the plan, which is what follows the JSON. */
  planSha256: string;
  inputs: TrtTensor[];
  outputs: TrtTensor[];
  /** Where the ONNX file was; absent for a model that was given as bytes. */
  onnxPath?: string;
  /** System that the plan is for, as Node names it: `linux-x64`. */
  platform?: string;
  /** The GPU that it was built on; absent where there was none. */
  device?: EngineDevice;
  /** Newest CUDA version that the driver of the building machine served: `12.4`. */
  cudaVersion?: string;
  /** Operators of the model that are not ONNX's own, so that a plug-in has to be there to run them. */
  plugins?: string[];
  /** Edits of the graph before the build. */
  graphPasses?: PassReport[];
  /** How many weights were replaced by name since the build: they are no longer those of the ONNX file. */
  refittedWeights?: number;
  /** What TensorRT told of the engine's layers when it was built; `checkRecordedLayers` tells whether it is sound. */
  layers?: EngineLayers;
}

export interface EngineDevice {
  name: string;
  /** `8.9` */
  computeCapability: string;
}

/** The value as facts, or undefined: facts that a later or foreign writer shaped differently count as absent. */
export function checkFacts(value: unknown): EngineFacts | undefined {
  if (!isObject(value) || value.format !== 1) return undefined;
  const sound =
    ['packageVersion', 'createdAt', 'flavor', 'tensorrtVersion', 'onnxSha256', 'planSha256'].every(
      (key) => typeof value[key] === 'string',
    ) &&
    isListOf(value.computeCapabilities, isText) &&
    isListOf(value.profiles, (profile) => isListOf(profile, isRange)) &&
    isObject(value.options) &&
    isListOf(value.inputs, isTensor) &&
    isListOf(value.outputs, isTensor) &&
    isAbsentOr(value.onnxPath, isText) &&
    isAbsentOr(value.platform, isText) &&
    isAbsentOr(value.cudaVersion, isText) &&
    isAbsentOr(value.plugins, (list) => isListOf(list, isText)) &&
    isAbsentOr(value.device, isDevice) &&
    isAbsentOr(value.given, isObject) &&
    isAbsentOr(value.graphPasses, (list) => isListOf(list, isPass));
  return sound ? (value as unknown as EngineFacts) : undefined;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isText = (value: unknown): boolean => typeof value === 'string';

function isListOf(value: unknown, check: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(check);
}

function isAbsentOr(value: unknown, check: (item: unknown) => boolean): boolean {
  return value === undefined || check(value);
}

function isTensor(value: unknown): boolean {
  return (
    isObject(value) &&
    isText(value.name) &&
    isText(value.dtype) &&
    isListOf(value.shape, Number.isInteger)
  );
}

function isRange(value: unknown): boolean {
  return (
    isObject(value) &&
    isText(value.input) &&
    ['min', 'opt', 'max'].every((key) => isListOf(value[key], Number.isInteger))
  );
}

function isPass(value: unknown): boolean {
  return (
    isObject(value) &&
    isText(value.name) &&
    isObject(value.options) &&
    isListOf(value.messages, isText)
  );
}

function isDevice(value: unknown): boolean {
  return isObject(value) && isText(value.name) && isText(value.computeCapability);
}
