import { existsSync } from 'node:fs';
import { TensorRTNodeError } from '../../errors';
import type { Backend } from '../backend';
import type { ModelInput } from '../model-input';

/** What stands in the way of TensorRT on this machine, or undefined. */
export type TensorRTObstacle = () => TensorRTNodeError | undefined;

/**
 * This version builds engines and does not run them. It says first what the machine lacks, since that is
 * what the caller can change.
 * @throws ERR_TENSORRT_UNAVAILABLE, ERR_TENSORRT_VERSION, ERR_NO_DEVICE, else ERR_NOT_IMPLEMENTED
 */
export async function createTensorRTBackend(
  model: ModelInput,
  obstacle: TensorRTObstacle = findObstacle,
): Promise<Backend> {
  const found = obstacle();
  if (found) throw found;
  throw new TensorRTNodeError(
    'ERR_NOT_IMPLEMENTED',
    `Running ${model.label} on the GPU is not part of this version, although TensorRT and a device ` +
      'are there; use backend "cpu" with the ONNX model meanwhile',
  );
}

function findObstacle(): TensorRTNodeError | undefined {
  if (existsSync('/dev/nvidiactl') || existsSync('/dev/nvhost-gpu') || existsSync('/dev/dxg')) {
    return undefined;
  }
  return new TensorRTNodeError('ERR_NO_DEVICE', 'Expected a CUDA device but this machine has none');
}
