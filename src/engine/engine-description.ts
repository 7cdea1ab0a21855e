import type { Flavor, TrtShapeRange, TrtTensor } from '../native/trt-contract';
import type { PassReport } from '../onnx/passes/pass';
import type { EngineDevice } from './engine-facts';
import { checkRecordedLayers } from './layer-record';
import type { EngineLayers } from './layers';
import { factsKey, type PlanHeader, signatureKey } from './plan-file';

/** What is known of an engine without loading it on a device. Fields are undefined where the file does not tell. */
export interface EngineDescription {
  /** `tensorrt-node` and `ultralytics` files hold metadata, a `plain` plan holds none. */
  format: PlanHeader['format'];
  /** Size of the plan file, metadata included. */
  byteLength: number;
  flavor: Flavor | undefined;
  /** From the metadata, else from the plan's own first bytes. */
  tensorrtVersion: string | undefined;
  computeCapabilities: readonly string[] | undefined;
  inputs: readonly TrtTensor[] | undefined;
  outputs: readonly TrtTensor[] | undefined;
  profiles: readonly (readonly TrtShapeRange[])[] | undefined;
  options: Readonly<Record<string, unknown>> | undefined;
  /** Options of the build as they were given. */
  given?: Readonly<Record<string, unknown>> | undefined;
  onnxPath?: string | undefined;
  /** Edits of the graph before the build. */
  graphPasses?: readonly PassReport[] | undefined;
  onnxSha256: string | undefined;
  planSha256: string | undefined;
  createdAt: string | undefined;
  /** System that the plan is for: `linux-x64`. */
  platform?: string | undefined;
  /** The GPU that it was built on. */
  device?: EngineDevice | undefined;
  /** CUDA version of the driver that it was built with. */
  cudaVersion?: string | undefined;
  /** Operators that need a plug-in. */
  plugins?: readonly string[] | undefined;
  /** How many weights were replaced by name since the build. */
  refittedWeights?: number | undefined;
  /** Fingerprint of the key that the file says it is signed by; `verify` tells whether it is. */
  signedBy?: string | undefined;
  /** What TensorRT told of the layers when the engine was built; more with `profilingVerbosity: 'detailed'`. */
  layers: EngineLayers | undefined;
  /** The JSON that the file holds beside these: class names, task, what the builder was given. */
  metadata: Readonly<Record<string, unknown>>;
}

/** What a plan file's header tells. @param byteLength of the whole file */
export function describePlan(header: PlanHeader, byteLength: number): EngineDescription {
  const { format, facts, origin, signature, metadata } = header;
  const { [factsKey]: _, [signatureKey]: __, ...rest } = metadata;
  return {
    format,
    byteLength,
    flavor: facts?.flavor ?? origin.flavor,
    tensorrtVersion: facts?.tensorrtVersion ?? origin.version,
    computeCapabilities: facts?.computeCapabilities,
    inputs: facts?.inputs,
    outputs: facts?.outputs,
    profiles: facts?.profiles,
    options: facts?.options,
    given: facts?.given,
    onnxPath: facts?.onnxPath,
    graphPasses: facts?.graphPasses,
    onnxSha256: facts?.onnxSha256,
    planSha256: facts?.planSha256,
    createdAt: facts?.createdAt,
    platform: facts?.platform,
    device: facts?.device,
    cudaVersion: facts?.cudaVersion,
    plugins: facts?.plugins,
    refittedWeights: facts?.refittedWeights,
    signedBy: signature?.keyId,
    layers: checkRecordedLayers(facts?.layers),
    metadata: rest,
  };
}
