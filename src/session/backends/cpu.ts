import { fromNative, TensorRTNodeError } from '../../errors';
import { type LogRecord, log } from '../../log';
import { native } from '../../native/binding';
import type { BufferHandle, Bytes } from '../../native/contract';
import type {
  CpuSessionHandle,
  CpuSessionInfo,
  CpuSessionOptionsNative,
  NativePort,
  NativeTensor,
} from '../../native/cpu-contract';
import { checkForRuntime } from '../../onnx/check';
import { dtypeFromOnnx, dtypeTable } from '../../tensor/dtype';
import { Tensor, type TensorData } from '../../tensor/tensor';
import type { Backend, BackendRun, TensorInfo } from '../backend';
import type { ModelInput } from '../model-input';
import { selectOnnxRuntime } from '../onnxruntime';
import type { ResolvedSessionOptions } from '../options';

const optimizationLevels = { disabled: 0, basic: 1, extended: 2, all: 99 } as const;

/**
 * A model on ONNX Runtime, whose library is called from threads of our own.
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
  const library = await selectOnnxRuntime(options.cpu.library);
  const addon = native();
  try {
    await checkForRuntime(model.path ?? model.bytes!);
    const handle = await addon.cpuSessionCreate(
      library.path,
      model.path ?? model.bytes!,
      nativeOptions(options),
    );
    return new CpuBackend(handle, addon.cpuSessionInfo(handle), options.concurrency);
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

  constructor(handle: CpuSessionHandle, info: CpuSessionInfo, concurrency: number) {
    this.#handle = handle;
    this.concurrency = concurrency;
    this.description = `ONNX Runtime ${info.runtimeVersion}`;
    this.inputs = info.inputs.map(portInfo);
    this.outputs = info.outputs.map(portInfo);
    this.metadata = Object.fromEntries(info.metadata);
    if (info.otherOutputs.length > 0) {
      log('warn', 'session', `outputs that are no tensors are left out: ${info.otherOutputs}`);
    }
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

function nativeOptions({ concurrency, cpu }: ResolvedSessionOptions): CpuSessionOptionsNative {
  return {
    concurrency,
    intraOpThreads: cpu.intraOpThreads,
    interOpThreads: cpu.interOpThreads,
    parallelExecution: cpu.executionMode === 'parallel',
    graphOptimizationLevel: optimizationLevels[cpu.graphOptimizationLevel],
    cpuMemoryArena: cpu.enableCpuMemArena,
    memoryPattern: cpu.enableMemPattern,
    spinning: cpu.spinning,
    config: cpu.config,
  };
}

function portInfo({ name, dtype, dims }: NativePort): TensorInfo {
  const known = dtypeFromOnnx(dtype);
  if (known === undefined) {
    throw new TensorRTNodeError(
      'ERR_UNSUPPORTED_MODEL',
      `Expected a known element type for ${name} but received number ${dtype}`,
    );
  }
  return { name, dtype: known, dims: dims.map((dim) => (dim === '' ? '?' : dim)) };
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
