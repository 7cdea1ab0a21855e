import { fromNative, TensorRTNodeError } from '../errors';
import { filesSha256 } from '../files';
import { native } from '../native/binding';
import { type OnnxModelInfo, readOnnxModel } from '../onnx/model';
import type { EngineFacts } from './engine-facts';

/**
 * SHA-256 of an ONNX file, followed by its external data files in the order of their names where it has any:
 * two models with equal digests give equal engines. A file that our reader cannot read counts by itself.
 *
 * @param model what the reader says of the file, its external data looked for
 */
export async function modelSha256(
  modelPath: string,
  model: Promise<OnnxModelInfo> = readOnnxModel(modelPath),
): Promise<string> {
  const external = await model.then(
    ({ externalFiles }) => [...externalFiles],
    () => [],
  );
  external.sort((a, b) => (a.location < b.location ? -1 : 1));
  return filesSha256([modelPath, ...external.map((item) => item.path)]);
}

/** Domains whose operators TensorRT's parser knows without a plug-in. */
const onnxDomains = ['', 'ai.onnx'];

/**
 * Operators that only a plug-in can run, as `Operator` or `domain.Operator`: those of other domains that the model
 * defines no function for, and names that end in `_TRT`, as those of NVIDIA's own plug-ins do. Never throws.
 */
export async function modelPlugins(reading: Promise<OnnxModelInfo>): Promise<string[]> {
  const model = await reading.catch(() => undefined);
  if (!model) return [];
  return Object.keys(model.operators)
    .filter((operator) => {
      const at = operator.lastIndexOf('.');
      const isOwn = onnxDomains.includes(operator.slice(0, Math.max(0, at)));
      const name = operator.slice(at + 1);
      return (!isOwn || name.endsWith('_TRT')) && !model.functions.includes(operator);
    })
    .sort();
}

/** What is worth remembering of the machine that builds. Never throws. */
export async function buildingMachine(): Promise<
  Required<Pick<EngineFacts, 'platform'>> & Pick<EngineFacts, 'device' | 'cudaVersion'>
> {
  const platform = `${process.platform}-${process.arch}`;
  try {
    const { cudaVersion, devices } = await native().cudaProbe();
    const [first] = devices;
    return {
      platform,
      ...(cudaVersion === undefined ? {} : { cudaVersion }),
      // TensorRT builds on the current device, which in a fresh process is the first.
      ...(first
        ? { device: { name: first.name, computeCapability: first.computeCapability } }
        : {}),
    };
  } catch {
    return { platform };
  }
}

/**
 * A better error for a build that failed because of the file: our reader tells a picture from a truncated model
 * and names a missing data file, where TensorRT's parser only says that it failed. What it said goes to `details`.
 */
export async function explainFailure(thrown: unknown, modelPath: string): Promise<unknown> {
  const error = fromNative(thrown);
  if (error.code !== 'ERR_INVALID_MODEL' && error.code !== 'ERR_ENGINE_BUILD') return error;
  try {
    await readOnnxModel(modelPath);
    return error;
  } catch (reason) {
    if (!(reason instanceof TensorRTNodeError)) return error;
    if (reason.code !== 'ERR_INVALID_MODEL' && reason.code !== 'ERR_IO') return error;
    return new TensorRTNodeError(reason.code, reason.message, {
      cause: error,
      details: [error.message, ...error.details],
    });
  }
}

/** Options with which TensorRT-RTX 1.7 was seen to call CUDA while it builds; it builds without a device otherwise. */
const deviceOptions = ['refittable', 'refitIdentical', 'stripWeights'];

/** Says what TensorRT-RTX does not: which option needs a device, where its own line only tells that CUDA failed. */
export function explainLackOfDevice(
  error: unknown,
  flavor: string,
  settings: readonly { name: string; value: unknown }[],
): unknown {
  if (!(error instanceof TensorRTNodeError) || flavor !== 'rtx1') return error;
  if (!error.message.includes('CUDA_SUCCESS')) return error;
  const cause = settings.find(({ name, value }) => deviceOptions.includes(name) && value === true);
  if (cause === undefined) return error;
  return new TensorRTNodeError(
    error.code,
    `${error.message}; TensorRT-RTX needs a CUDA device to build an engine with ${cause.name}`,
    { cause: error, details: error.details },
  );
}
