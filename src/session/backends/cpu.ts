import { fromNative, TensorRTNodeError } from '../../errors';
import { type LogRecord, log } from '../../log';
import { native } from '../../native/binding';
import type { BufferHandle, Bytes } from '../../native/contract';
import type { CpuSessionHandle, NativeTensor } from '../../native/cpu-contract';
import { checkForRuntime } from '../../onnx/check';
import { dtypeFromOnnx, dtypeTable } from '../../tensor/dtype';
import { Tensor, type TensorData } from '../../tensor/tensor';
import type { Backend, BackendRun, TensorInfo } from '../backend';
import type { ModelInput } from '../model-input';
import type { ResolvedSessionOptions } from '../options';
import { type EngineFacts, planOnnxRuntime, planOpenVino, selectEngine } from './cpu-engines';

/**
 * A model on ONNX Runtime or OpenVINO, whose library is called from threads of our own.
 * @throws ERR_CPU_BACKEND_UNAVAILABLE, ERR_INVALID_MODEL, ERR_UNSUPPORTED_MODEL, ERR_IO
 */
export async function createCpuBackend(
  model: ModelInput,
  options: ResolvedSessionOptions,
): Promise<Backend> {
  if (model.kind !== 'onnx') {
    throw new TensorRTNodeError(
      'ERR_INVALID_MODEL',
      `Expected an ONNX model for backend "cpu" but ${model.label} is a TensorRT engine or a manifest of some, ` +
        'which runs on a GPU only; give the ONNX file that it was built from',
    );
  }
  const { engine, library } = await selectEngine(options.cpu);
  const addon = native();
  try {
    const source = model.path ?? model.bytes!;
    await checkForRuntime(source);
    const plan =
      engine === 'openvino' ? await planOpenVino(source, options) : planOnnxRuntime(options);
    const handle = await addon.cpuSessionCreate(library.path, source, plan.options);
    const facts = plan.describe(addon.cpuSessionInfo(handle));
    return new CpuBackend(handle, facts, options.concurrency);
  } catch (thrown) {
    throw nameTheModel(withLog(thrown), model);
  } finally {
    forwardLog();
  }
}

class CpuBackend implements Backend {
  readonly name = 'cpu';
  readonly description: string;
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly concurrency: number;
  readonly #handle: CpuSessionHandle;

  constructor(handle: CpuSessionHandle, facts: EngineFacts, concurrency: number) {
    this.#handle = handle;
    this.concurrency = concurrency;
    this.description = facts.description;
    this.inputs = facts.inputs;
    this.outputs = facts.outputs;
    this.metadata = facts.metadata;
  }

  async run({ feeds, fetches, nativeOutputs }: BackendRun): Promise<Tensor[]> {
    const nativeFeeds = feeds.map(({ name, tensor }) => ({
      name,
      dtype: dtypeTable[tensor.dtype].onnx,
      dims: tensor.dims,
      data: tensor.nativeBuffer ?? (tensor.data as Bytes | string[]),
    }));
    try {
      const results = await native().cpuSessionRun(
        this.#handle,
        nativeFeeds,
        fetches,
        nativeOutputs,
      );
      return results.map(toTensor);
    } catch (thrown) {
      throw withLog(thrown);
    } finally {
      forwardLog();
    }
  }

  async dispose(): Promise<void> {
    await native().cpuSessionDispose(this.#handle);
    forwardLog();
  }
}

function toTensor({ dtype, dims, data }: NativeTensor<ArrayBuffer | BufferHandle | string[]>) {
  const name = dtypeFromOnnx(dtype);
  if (name === undefined) {
    throw new TensorRTNodeError('ERR_INFERENCE', `Expected a known dtype but received ${dtype}`);
  }
  if (Array.isArray(data)) return new Tensor(name, data, dims);
  if (!(data instanceof ArrayBuffer)) return Tensor.fromNative(name, dims, data as BufferHandle);
  const array = dtypeTable[name].array!;
  return new Tensor(name, new array(data) as TensorData, dims);
}

function nameTheModel(error: TensorRTNodeError, model: ModelInput): TensorRTNodeError {
  if (error.message.includes(model.label)) return error;
  return new TensorRTNodeError(error.code, `${model.label} cannot be loaded. ${error.message}`, {
    cause: error,
    details: error.details,
  });
}

const levels: LogRecord['level'][] = ['verbose', 'info', 'warn', 'error', 'error'];

/** ONNX Runtime logs on any thread; its lines wait natively until a call from this thread fetches them. */
function forwardLog(): void {
  for (const { severity, message } of native().cpuDrainLog()) {
    log(levels[severity] ?? 'info', 'onnxruntime', message);
  }
}

/** What was logged belongs to the failure, so it becomes its details instead of lines on stderr. */
function withLog(thrown: unknown): TensorRTNodeError {
  const error = fromNative(thrown);
  const lines = native()
    .cpuDrainLog()
    .map(({ message }) => message);
  return new TensorRTNodeError(error.code, error.message, {
    cause: error.cause,
    details: [...error.details, ...lines],
  });
}
