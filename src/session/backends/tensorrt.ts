import { type AcquireOptions, acquireEngine } from '../../engine/acquire';
import { selectTensorRT } from '../../engine/library';
import { TensorRTNodeError } from '../../errors';
import { native } from '../../native/binding';
import type { Backend } from '../backend';
import type { ModelInput } from '../model-input';
import { type ResolvedSessionOptions, resolveOptions } from '../options';

/** Whether this version runs engines where the machine can. */
export const runsEngines = false;

/** What stands in the way of TensorRT on this machine, or undefined. */
export type TensorRTObstacle = () => Promise<TensorRTNodeError | undefined>;

/**
 * This version builds, keeps and chooses engines and does not run them. It says first what the machine lacks,
 * since that is what the caller can change, then what is wrong with the engine.
 * @throws ERR_TENSORRT_UNAVAILABLE, ERR_TENSORRT_VERSION, ERR_NO_DEVICE, ERR_ENGINE_INCOMPATIBLE, what building and
 * loading an engine throw, else ERR_NOT_IMPLEMENTED
 */
export async function createTensorRTBackend(
  model: ModelInput,
  options: ResolvedSessionOptions = resolveOptions(),
  obstacle: TensorRTObstacle = findObstacle,
  acquire: typeof acquireEngine = acquireEngine,
): Promise<Backend> {
  const found = await obstacle();
  if (found) throw found;
  // Nobody should wait for a build whose engine is not run: 'auto' goes on to the CPU.
  if (!runsEngines && options.backend === 'auto') throw notYet(model.label);
  const { engine, reasons } = await acquire(model, toAcquireOptions(options));
  const { path: file } = engine;
  await engine.dispose();
  throw notYet(model.label, file === undefined ? reasons : [...reasons, `the engine is ${file}`]);
}

function toAcquireOptions({ tensorrt }: ResolvedSessionOptions): AcquireOptions {
  const { engine, ...rest } = tensorrt;
  return { ...rest, ...(engine === undefined ? {} : { wanted: engine }) };
}

function notYet(label: string, details: readonly string[] = []): TensorRTNodeError {
  return new TensorRTNodeError(
    'ERR_NOT_IMPLEMENTED',
    `Running ${label} on the GPU is not part of this version, although TensorRT and a device ` +
      'are there; use backend "cpu" with the ONNX model meanwhile',
    { details },
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
