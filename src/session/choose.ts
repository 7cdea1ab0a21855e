import { type ErrorCode, TensorRTNodeError } from '../errors';
import type { Backend, BackendFactory, BackendName } from './backend';
import { createCpuBackend } from './backends/cpu';
import { createTensorRTBackend } from './backends/tensorrt';
import type { ModelInput } from './model-input';
import type { ResolvedSessionOptions } from './options';

/** In the order in which 'auto' tries them. */
const factories: readonly (readonly [BackendName, BackendFactory])[] = [
  ['tensorrt', (model, options) => createTensorRTBackend(model, options)],
  ['cpu', createCpuBackend],
];

/** Failures that say "not on this machine"; any other is about the model and must not be hidden. */
const unavailable: readonly ErrorCode[] = [
  'ERR_TENSORRT_UNAVAILABLE',
  'ERR_TENSORRT_VERSION',
  'ERR_NO_DEVICE',
  'ERR_NOT_IMPLEMENTED',
];

export interface Choice {
  readonly backend: Backend;
  /** One sentence for each backend that was passed over, and one for the choice. */
  readonly reasons: readonly string[];
}

/**
 * Loads the model on the backend that was asked for; 'auto' takes the first one that can run here.
 * @throws what the backend throws; for 'auto' with an engine file, why no GPU can run it
 */
export async function chooseBackend(
  model: ModelInput,
  options: ResolvedSessionOptions,
  table = factories,
): Promise<Choice> {
  const { backend: wanted } = options;
  if (wanted !== 'auto') {
    const [, factory] = table.find(([name]) => name === wanted)!;
    const backend = await factory(model, options);
    return { backend, reasons: [`backend "${wanted}" was asked for`] };
  }
  const reasons: string[] = [];
  for (const [name, factory] of table) {
    try {
      const backend = await factory(model, options);
      reasons.push(`${name}: ${backend.description} runs here`);
      return { backend, reasons };
    } catch (thrown) {
      const error = thrown as TensorRTNodeError;
      if (!unavailable.includes(error.code)) throw error;
      if (model.kind !== 'onnx') throw engineNeedsGpu(model, error);
      reasons.push(`${name}: ${error.message} (${error.code})`);
    }
  }
  throw new TensorRTNodeError('ERR_INTERNAL', 'No backend took the model', { details: reasons });
}

function engineNeedsGpu(model: ModelInput, error: TensorRTNodeError): TensorRTNodeError {
  const what = model.kind === 'manifest' ? 'a manifest of TensorRT engines' : 'a TensorRT engine';
  return new TensorRTNodeError(
    error.code,
    `${model.label} is ${what}, which only a GPU can run. ${error.message}`,
    { cause: error, details: error.details },
  );
}
