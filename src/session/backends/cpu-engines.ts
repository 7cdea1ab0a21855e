import { TensorRTNodeError } from '../../errors';
import { log } from '../../log';
import type {
  CpuSessionInfo,
  NativePort,
  OnnxRuntimeOptionsNative,
  OpenVinoOptionsNative,
} from '../../native/cpu-contract';
import { type OnnxValue, readOnnxModel } from '../../onnx/model';
import { dtypeFromOnnx } from '../../tensor/dtype';
import type { TensorInfo } from '../backend';
import { selectOnnxRuntime } from '../onnxruntime';
import { selectOpenVino } from '../openvino';
import type { CpuEngine, ResolvedSessionOptions } from '../options';

/** What a session tells of its model. */
export interface EngineFacts {
  readonly description: string;
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  readonly metadata: Readonly<Record<string, string>>;
}

/** How an engine is to load a model, and what to make of its answer. */
export interface EnginePlan {
  readonly options: OnnxRuntimeOptionsNative | OpenVinoOptionsNative;
  describe(info: CpuSessionInfo): EngineFacts;
}

/**
 * The engine that the options name and its library; `'auto'` takes OpenVINO only where there is no ONNX
 * Runtime, and nobody has said where that ought to be.
 * @throws ERR_CPU_BACKEND_UNAVAILABLE
 */
export async function selectEngine({
  engine,
  library,
}: ResolvedSessionOptions['cpu']): Promise<{ engine: CpuEngine; library: { path: string } }> {
  if (engine === 'openvino') return { engine, library: await selectOpenVino(library) };
  try {
    return { engine: 'onnxruntime', library: await selectOnnxRuntime(library) };
  } catch (thrown) {
    const isNamed = library !== undefined || process.env.TENSORRT_NODE_ONNXRUNTIME;
    if (engine === 'onnxruntime' || isNamed) throw thrown;
    const openvino = await selectOpenVino().catch(() => undefined);
    if (openvino === undefined) throw thrown;
    return { engine: 'openvino', library: openvino };
  }
}

const optimizationLevels = { disabled: 0, basic: 1, extended: 2, all: 99 } as const;

export function planOnnxRuntime({ concurrency, cpu }: ResolvedSessionOptions): EnginePlan {
  return {
    options: {
      engine: 'onnxruntime',
      concurrency,
      intraOpThreads: cpu.intraOpThreads,
      interOpThreads: cpu.interOpThreads,
      parallelExecution: cpu.executionMode === 'parallel',
      graphOptimizationLevel: optimizationLevels[cpu.graphOptimizationLevel],
      cpuMemoryArena: cpu.enableCpuMemArena,
      memoryPattern: cpu.enableMemPattern,
      spinning: cpu.spinning,
      config: cpu.config,
    },
    describe(info) {
      if (info.otherOutputs.length > 0) {
        log('warn', 'session', `outputs that are no tensors are left out: ${info.otherOutputs}`);
      }
      return {
        description: `ONNX Runtime ${info.runtimeVersion}`,
        inputs: info.inputs.map((port) => portInfo(port)),
        outputs: info.outputs.map((port) => portInfo(port)),
        metadata: Object.fromEntries(info.metadata),
      };
    },
  };
}

/**
 * OpenVINO keeps neither an ONNX model's metadata nor the names of its free sizes, and names a tensor by any
 * of several names, so those are read from the file.
 */
export async function planOpenVino(
  model: string | Uint8Array,
  { concurrency, cpu }: ResolvedSessionOptions,
): Promise<EnginePlan> {
  const { inputs, outputs, metadata } = await readOnnxModel(model);
  for (const value of [...inputs, ...outputs]) requireTensor(value);
  return {
    options: {
      engine: 'openvino',
      concurrency,
      intraOpThreads: cpu.intraOpThreads,
      precision: cpu.precision,
      inputs: inputs.map(({ name }) => name),
      outputs: outputs.map(({ name }) => name),
      config: cpu.config,
    },
    describe(info) {
      if (info.precision !== cpu.precision) {
        log(
          'warn',
          'session',
          `OpenVINO computes in ${info.precision}, not ${cpu.precision}, here`,
        );
      }
      const numbers = info.precision === 'bf16' ? ', bfloat16' : '';
      return {
        description: `OpenVINO ${info.runtimeVersion}${numbers}`,
        inputs: info.inputs.map((port, i) => portInfo(port, inputs[i])),
        outputs: info.outputs.map((port, i) => portInfo(port, outputs[i])),
        metadata,
      };
    },
  };
}

function requireTensor({ name, kind, dtype }: OnnxValue): void {
  if (kind === 'tensor' && dtype !== 'string') return;
  throw new TensorRTNodeError(
    'ERR_UNSUPPORTED_MODEL',
    `Expected a tensor of numbers for "${name}" but received ${kind === 'tensor' ? 'strings' : `a ${kind}`}, ` +
      'which the OpenVINO engine does not take; ONNX Runtime may',
  );
}

/** `declared` is what the file says of the same input or output; it names free sizes. */
function portInfo({ name, dtype, dims, rankIsFree }: NativePort, declared?: OnnxValue): TensorInfo {
  const known = dtypeFromOnnx(dtype);
  if (known === undefined) {
    throw new TensorRTNodeError(
      'ERR_UNSUPPORTED_MODEL',
      `Expected a known element type for ${name} but received number ${dtype}`,
    );
  }
  if (declared?.dtype !== undefined && declared.dtype !== known) {
    throw new TensorRTNodeError(
      'ERR_UNSUPPORTED_MODEL',
      `Expected ${declared.dtype} for "${name}" but the engine makes ${known} of it`,
    );
  }
  if (rankIsFree) return { name, dtype: known, dims: [] };
  const symbols = declared?.dims?.length === dims.length ? declared.dims : [];
  const nameOf = (i: number): string => {
    const symbol = symbols[i];
    return typeof symbol === 'string' ? symbol : '?';
  };
  return { name, dtype: known, dims: dims.map((dim, i) => (dim === '' ? nameOf(i) : dim)) };
}
