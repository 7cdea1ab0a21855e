import { selectTensorRT } from '../../engine/library';
import { TensorRTNodeError } from '../../errors';
import { native } from '../../native/binding';
import type { Backend } from '../backend';
import type { ModelInput } from '../model-input';

/** Whether this version runs engines where the machine can. */
export const runsEngines = false;

/** What stands in the way of TensorRT on this machine, or undefined. */
export type TensorRTObstacle = () => Promise<TensorRTNodeError | undefined>;

/**
 * This version builds engines and does not run them. It says first what the machine lacks, since that is
 * what the caller can change.
 * @throws ERR_TENSORRT_UNAVAILABLE, ERR_TENSORRT_VERSION, ERR_NO_DEVICE, else ERR_NOT_IMPLEMENTED
 */
export async function createTensorRTBackend(
  model: ModelInput,
  obstacle: TensorRTObstacle = findObstacle,
): Promise<Backend> {
  const found = await obstacle();
  if (found) throw found;
  throw new TensorRTNodeError(
    'ERR_NOT_IMPLEMENTED',
    `Running ${model.label} on the GPU is not part of this version, although TensorRT and a device ` +
      'are there; use backend "cpu" with the ONNX model meanwhile',
  );
}

/**
 * Asks the CUDA driver first: where there is no device, nobody needs to wait for libraries to be looked
 * into.
 */
export async function findObstacle(): Promise<TensorRTNodeError | undefined> {
  const { devices, reason } = await native().cudaProbe();
  if (devices.length === 0) {
    return new TensorRTNodeError(
      'ERR_NO_DEVICE',
      `Expected a CUDA device but this machine has none to offer. ${reason ?? ''}`.trim(),
    );
  }
  try {
    await selectTensorRT({ purpose: 'run' });
    return undefined;
  } catch (thrown) {
    return thrown as TensorRTNodeError;
  }
}
