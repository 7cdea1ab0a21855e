import { checkBuildOptions, type EngineBuildOptions } from '../engine/build-options';
import type { EngineLoadOptions } from '../engine/engine';
import { checkWanted, type ManifestWanted } from '../engine/manifest';
import {
  invalidArgument,
  reading,
  requireBoolean,
  requireInteger,
  requireKnownKeys,
  requireOneOf,
  requireString,
} from '../validate';
import type { BackendName } from './backend';
import { availableCores } from './cpu-budget';

export interface SessionOptions {
  /**
   * `'auto'` (default) takes TensorRT where it can run, else the CPU, and says why in `session.reasons`.
   * The others fail where they cannot run.
   */
  backend?: 'auto' | BackendName;
  /**
   * What the CPU threads are arranged for. `'latency'` (default): one run at a time, its operators spread
   * over all cores. `'throughput'`: one run a core, each on one thread, which gives more results a second
   * when several runs are in flight.
   */
  optimizeFor?: 'latency' | 'throughput';
  /** Runs that execute at a time. Default: 1 for latency, the number of cores for throughput. */
  concurrency?: number;
  /** Runs that may wait beyond those; one more is refused with ERR_QUEUE_FULL. Default 256. */
  maxQueued?: number;
  /** Settings of the CPU backend, which other backends ignore. */
  cpu?: CpuOptions;
  /** Settings of the TensorRT backend, which other backends ignore. */
  tensorrt?: TensorRTOptions;
}

/** How the TensorRT backend comes by its engine. */
export interface TensorRTOptions {
  /** Where engines that are built from ONNX models are kept. Default true: the user's cache. False: nowhere. */
  cache?: EngineBuildOptions['cache'];
  /** Options of such a build; flavour and GPU are those of this machine where they are left out. */
  build?: EngineBuildOptions;
  /** Builds an engine file anew that does not run on this machine, from the ONNX file that it names. Default false. */
  rebuild?: boolean;
  /** Key that has to have signed an engine file. Default: `TENSORRT_NODE_VERIFY_KEY`, see `Engine.load`. */
  verifyKey?: EngineLoadOptions['verifyKey'];
  /** Which engine of a manifest. Default: the first that runs here. */
  engine?: ManifestWanted;
}

/** Libraries that run models on the CPU. */
export type CpuEngine = 'onnxruntime' | 'openvino';

export interface CpuOptions {
  /**
   * What computes. `'auto'` (default) is ONNX Runtime, or OpenVINO where that alone is there. The others fail
   * with ERR_CPU_BACKEND_UNAVAILABLE where their library is not found. OpenVINO takes `library`,
   * `precision`, `intraOpThreads` and `config`; the other settings are ONNX Runtime's.
   */
  engine?: 'auto' | CpuEngine;
  /**
   * In which numbers float32 models are computed. `'bf16'` needs engine `'openvino'`, and is faster and less
   * exact where the processor has bfloat16 instructions; elsewhere it computes in float32. Default `'f32'`.
   */
  precision?: 'f32' | 'bf16';
  /**
   * Path of the engine's library, ONNX Runtime's with engine `'auto'`. Default: found by itself, see
   * `findOnnxRuntime()` and `findOpenVino()`.
   */
  library?: string;
  /** Threads that share the work of one operator. Default: the number of cores for latency, 1 for throughput. */
  intraOpThreads?: number;
  /** Threads that run independent operators, in parallel execution mode. Default 1. */
  interOpThreads?: number;
  /** Default `'sequential'`. */
  executionMode?: 'sequential' | 'parallel';
  /** Default `'all'`. */
  graphOptimizationLevel?: 'disabled' | 'basic' | 'extended' | 'all';
  /** Keeps freed memory for the next run: faster, but the peak stays resident. Default true. */
  enableCpuMemArena?: boolean;
  /** Plans one block for all intermediate results of a shape. Default true. */
  enableMemPattern?: boolean;
  /** Lets idle threads of an operator spin before they sleep. Default false: it takes CPU from everything else. */
  spinning?: boolean;
  /** Further session configuration entries of ONNX Runtime, or properties of OpenVINO, by their own names. */
  config?: Readonly<Record<string, string>>;
}

/** Options with every default filled in. */
export interface ResolvedSessionOptions {
  readonly backend: 'auto' | BackendName;
  readonly concurrency: number;
  readonly maxQueued: number;
  readonly tensorrt: Readonly<TensorRTOptions>;
  readonly cpu: Readonly<Required<Omit<CpuOptions, 'library'>>> & { readonly library?: string };
}

export const sessionKeys = [
  'backend',
  'optimizeFor',
  'concurrency',
  'maxQueued',
  'cpu',
  'tensorrt',
] as const;
const cpuKeys = [
  'engine',
  'precision',
  'library',
  'intraOpThreads',
  'interOpThreads',
  'executionMode',
  'graphOptimizationLevel',
  'enableCpuMemArena',
  'enableMemPattern',
  'spinning',
  'config',
] as const;

/** @throws ERR_INVALID_ARGUMENT for an unknown key or a value that makes no sense */
export function resolveOptions(options: SessionOptions = {}): ResolvedSessionOptions {
  return reading('options', () => resolveAll(options));
}

function resolveAll(options: SessionOptions): ResolvedSessionOptions {
  requireKnownKeys('options', options, sessionKeys);
  const { backend = 'auto', optimizeFor = 'latency', maxQueued = 256 } = options;
  requireOneOf('options.backend', backend, ['auto', 'cpu', 'tensorrt']);
  requireOneOf('options.optimizeFor', optimizeFor, ['latency', 'throughput']);
  const cores = availableCores();
  const latency = optimizeFor === 'latency';
  const concurrency = options.concurrency ?? (latency ? 1 : cores);
  return {
    backend,
    concurrency: requireInteger('options.concurrency', concurrency, 1, 256),
    maxQueued: requireInteger('options.maxQueued', maxQueued, 0, 1_000_000),
    tensorrt: resolveTensorRT(options.tensorrt),
    cpu: resolveCpu(options.cpu, latency ? cores : 1),
  };
}

/** Keys are checked where they are used; here that they are options at all. */
function resolveTensorRT(options: TensorRTOptions = {}): TensorRTOptions {
  requireKnownKeys('options.tensorrt', options, [
    'cache',
    'build',
    'rebuild',
    'verifyKey',
    'engine',
  ]);
  const { build, engine, rebuild } = options;
  if (build !== undefined) {
    checkBuildOptions(build);
    for (const name of ['output', 'cache', 'signal'] as const) {
      if (name in build)
        throw invalidArgument(`options.tensorrt.build.${name}`, 'nothing', build[name]);
    }
  }
  if (rebuild !== undefined) requireBoolean('options.tensorrt.rebuild', rebuild);
  if (engine !== undefined) checkWanted(engine);
  return options;
}

function resolveCpu(options: CpuOptions = {}, cores: number): ResolvedSessionOptions['cpu'] {
  requireKnownKeys('options.cpu', options, cpuKeys);
  const {
    engine = 'auto',
    precision = 'f32',
    intraOpThreads = cores,
    interOpThreads = 1,
    executionMode = 'sequential',
    graphOptimizationLevel = 'all',
    enableCpuMemArena = true,
    enableMemPattern = true,
    spinning = false,
    config = {},
  } = options;
  requireOneOf('options.cpu.engine', engine, ['auto', 'onnxruntime', 'openvino']);
  requireOneOf('options.cpu.precision', precision, ['f32', 'bf16']);
  if (precision === 'bf16' && engine !== 'openvino') {
    throw invalidArgument(
      'options.cpu.engine',
      "'openvino', which precision 'bf16' needs,",
      engine,
    );
  }
  return {
    engine,
    precision,
    intraOpThreads: requireInteger('options.cpu.intraOpThreads', intraOpThreads, 1, 1024),
    interOpThreads: requireInteger('options.cpu.interOpThreads', interOpThreads, 1, 1024),
    executionMode: requireOneOf('options.cpu.executionMode', executionMode, [
      'sequential',
      'parallel',
    ]),
    graphOptimizationLevel: requireOneOf(
      'options.cpu.graphOptimizationLevel',
      graphOptimizationLevel,
      ['disabled', 'basic', 'extended', 'all'],
    ),
    enableCpuMemArena: requireBoolean('options.cpu.enableCpuMemArena', enableCpuMemArena),
    enableMemPattern: requireBoolean('options.cpu.enableMemPattern', enableMemPattern),
    spinning: requireBoolean('options.cpu.spinning', spinning),
    config: requireConfig(config),
    ...(options.library === undefined
      ? {}
      : { library: requireString('options.cpu.library', options.library) }),
  };
}

function requireConfig(config: unknown): Record<string, string> {
  if (typeof config !== 'object' || config === null) {
    throw invalidArgument('options.cpu.config', 'an object', config);
  }
  const entries = Object.entries(config);
  for (const [key, value] of entries) {
    if (typeof value !== 'string') {
      throw invalidArgument(`options.cpu.config["${key}"]`, 'a string', value);
    }
  }
  return Object.fromEntries(entries);
}
