import { fromNative, TensorRTNodeError } from '../errors';
import { filesSha256 } from '../files';
import { readOnnxModel } from '../onnx/model';

/**
 * SHA-256 of an ONNX file, followed by its external data files in the order of their names where it has any:
 * two models with equal digests give equal engines. A file that our reader cannot read counts by itself.
 */
export async function modelSha256(modelPath: string): Promise<string> {
  const external = await readOnnxModel(modelPath).then(
    (model) => model.externalFiles,
    () => [],
  );
  external.sort((a, b) => (a.location < b.location ? -1 : 1));
  return filesSha256([modelPath, ...external.map((item) => item.path)]);
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
