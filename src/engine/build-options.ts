import type { LogRecord } from '../log';
import { type Flavor, flavors, type TrtShapeRange } from '../native/trt-contract';
import {
  type CheckedTransforms,
  checkTransforms,
  type GraphTransforms,
  transformNames,
} from '../onnx/transforms';
import {
  invalidArgument,
  reading,
  readOptions,
  requireBoolean,
  requireInteger,
  requireKnownKeys,
  requireOneOf,
  requireString,
} from '../validate';
import type { BuildListeners } from './build-progress';
import type { EngineCache, EngineCacheOptions } from './cache';
import type { EngineKey } from './signature';

/** A shape, or the range that a dynamic input may take; `opt` is what TensorRT tunes for, default `max`. */
export type ShapeRange =
  | readonly number[]
  | { min: readonly number[]; opt?: readonly number[]; max: readonly number[] };

/** Shapes of one optimisation profile by input name. */
export type ShapeProfile = Readonly<Record<string, ShapeRange>>;

/** Options that go to TensorRT's builder as they are. Left out means TensorRT's own default. */
export interface BuilderSettings {
  /** 0 (fastest build) to 5 (fastest engine). TensorRT's default is 3. */
  optimizationLevel?: number;
  /** Most scratch memory a layer may use on the device, in bytes. Default: all of the device's memory. */
  workspaceBytes?: number;
  /** Most auxiliary streams an engine may use, 0 to 128. */
  maxAuxStreams?: number;
  /** How often a tactic is timed, 1 to 1000. Default 1. */
  averageTimingIterations?: number;
  /** Which other GPUs a plan made on this GPU may run on. */
  hardwareCompatibility?: 'none' | 'ampere+' | 'same-compute-capability';
  /** How much an engine tells of its layers when it is inspected. */
  profilingVerbosity?: 'none' | 'layer-names' | 'detailed';
  /** Engine runs with later TensorRT versions; it then carries host code. Default false. */
  versionCompatible?: boolean;
  /** Leaves the lean runtime out of a version-compatible engine. Default false. */
  excludeLeanRuntime?: boolean;
  /** Lets float32 layers use TF32. Default true. */
  tf32?: boolean;
  /** Uses 2:4 structured sparsity where the weights have it. Default false. */
  sparseWeights?: boolean;
  /** Weights can be changed later without a new build. Default false. */
  refittable?: boolean;
  /** Leaves refittable weights out of the plan. Default false. */
  stripWeights?: boolean;
  /** Lets weights lie in host memory and be streamed to the device. Default false. */
  weightStreaming?: boolean;
}

export interface EngineBuildOptions extends BuilderSettings, BuildListeners, GraphTransforms {
  /** TensorRT product to build with. Default: the best one found on this machine. */
  flavor?: Flavor;
  /** GPUs to build for, such as `'8.9'`; `rtx1` only, the others build for this machine's GPU. Default: 8.0 and later. */
  computeCapabilities?: readonly string[];
  /** Shapes of dynamic inputs: one profile, or several. */
  shapes?: ShapeProfile | readonly ShapeProfile[];
  /** File that the plan is written to, replaced in one step when the build is done. Default: kept in memory. */
  output?: string;
  /** Time limit in milliseconds; the build process is ended then and the promise rejects with ERR_DEADLINE. */
  timeoutMs?: number;
  /** Ends the build process; the promise rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Quietest of TensorRT's log lines that are passed on. Default `info`. */
  logLevel?: LogRecord['level'];
  /**
   * Most memory, in bytes, that the build process may take in RAM (TensorRT's libraries included; on the host,
   * not on the device). Above it the process is ended and the promise rejects with ERR_BUILD_MEMORY. Default: none.
   */
  memoryLimitBytes?: number;
  /** Kept in the plan file's metadata beside our own; any JSON. */
  metadata?: Readonly<Record<string, unknown>>;
  /**
   * Takes the engine from the cache where one was built of the same model with the same options, else builds
   * and keeps it: `true` for the user's cache, or a cache, or its options. Without `output` the engine's file is
   * the cache's own. Default false.
   */
  cache?: boolean | EngineCache | EngineCacheOptions;
  /** Private Ed25519 key, PEM text or `KeyObject`, that signs the engine file. Default: it is not signed. */
  signingKey?: EngineKey;
}

type SettingRule =
  | { kind: 'integer'; min: number; max: number; help: string }
  | { kind: 'boolean'; help: string }
  | { kind: 'choice'; choices: readonly string[]; help: string };

/** Every builder setting, its kind and its line in the command's help. The native half is native/trt/flavor_settings.cpp. */
export const settingTable: Readonly<Record<keyof BuilderSettings, SettingRule>> = {
  optimizationLevel: {
    kind: 'integer',
    min: 0,
    max: 5,
    help: '0 builds fastest, 5 runs fastest; default 3',
  },
  workspaceBytes: {
    kind: 'integer',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    help: 'most scratch memory on the device',
  },
  maxAuxStreams: { kind: 'integer', min: 0, max: 128, help: 'most auxiliary streams' },
  averageTimingIterations: {
    kind: 'integer',
    min: 1,
    max: 1000,
    help: 'how often a tactic is timed',
  },
  hardwareCompatibility: {
    kind: 'choice',
    choices: ['none', 'ampere+', 'same-compute-capability'],
    help: 'other GPUs that the plan may run on',
  },
  profilingVerbosity: {
    kind: 'choice',
    choices: ['none', 'layer-names', 'detailed'],
    help: 'what the engine tells of its layers',
  },
  versionCompatible: { kind: 'boolean', help: 'runs with later TensorRT versions' },
  excludeLeanRuntime: {
    kind: 'boolean',
    help: 'no lean runtime inside a version-compatible engine',
  },
  tf32: { kind: 'boolean', help: 'let float32 layers use TF32; default true' },
  sparseWeights: { kind: 'boolean', help: 'use 2:4 structured sparsity' },
  refittable: { kind: 'boolean', help: 'weights can be changed later' },
  stripWeights: { kind: 'boolean', help: 'leave refittable weights out of the plan' },
  weightStreaming: { kind: 'boolean', help: 'weights can lie in host memory' },
};

export const settingNames = Object.keys(settingTable) as (keyof BuilderSettings)[];

const optionNames: readonly string[] = [
  'flavor',
  'computeCapabilities',
  'shapes',
  'output',
  'timeoutMs',
  'memoryLimitBytes',
  'signal',
  'logLevel',
  'onLog',
  'onProgress',
  'onStage',
  'metadata',
  'cache',
  'signingKey',
  ...transformNames,
  ...settingNames,
];

/** Options in the form that goes to the build process: plain data, checked. */
export interface CheckedBuildOptions {
  flavor?: Flavor;
  computeCapabilities: string[];
  profiles: TrtShapeRange[][];
  settings: { name: string; value: number | boolean | string }[];
  /** Edits of the graph before TensorRT sees it. */
  transforms: CheckedTransforms;
  logLevel: LogRecord['level'];
  metadata: Record<string, unknown>;
}

/** @throws ERR_INVALID_ARGUMENT for the first option that is unknown, of the wrong kind or out of range. */
export function checkBuildOptions(options: EngineBuildOptions): CheckedBuildOptions {
  return reading('options', () => checkAll(readBuildOptions(options)));
}

/** The caller's options, each read once. @throws ERR_INVALID_ARGUMENT for an unknown one */
export function readBuildOptions(options: EngineBuildOptions): EngineBuildOptions {
  return readOptions('options', options, optionNames);
}

function checkAll(options: EngineBuildOptions): CheckedBuildOptions {
  if (options.output !== undefined) requireString('options.output', options.output);
  if (options.timeoutMs !== undefined)
    requireInteger('options.timeoutMs', options.timeoutMs, 1, 2 ** 31 - 1);
  if (options.memoryLimitBytes !== undefined)
    requireInteger(
      'options.memoryLimitBytes',
      options.memoryLimitBytes,
      1,
      Number.MAX_SAFE_INTEGER,
    );
  if (options.signal !== undefined && !isAbortSignal(options.signal))
    throw invalidArgument('options.signal', 'an AbortSignal', options.signal);
  for (const name of ['onLog', 'onProgress', 'onStage'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'function')
      throw invalidArgument(`options.${name}`, 'a function', options[name]);
  }
  return {
    ...(options.flavor === undefined
      ? {}
      : { flavor: requireOneOf('options.flavor', options.flavor, flavors) }),
    computeCapabilities: checkCapabilities(options.computeCapabilities),
    profiles: checkShapes(options.shapes),
    settings: checkSettings(options),
    transforms: checkTransforms('options', options),
    logLevel:
      options.logLevel === undefined
        ? 'info'
        : requireOneOf('options.logLevel', options.logLevel, [
            'verbose',
            'info',
            'warn',
            'error',
          ] as const),
    metadata: checkMetadata(options.metadata),
  };
}

function isAbortSignal(value: unknown): value is AbortSignal {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as AbortSignal).aborted === 'boolean' &&
    typeof (value as AbortSignal).addEventListener === 'function' &&
    typeof (value as AbortSignal).throwIfAborted === 'function'
  );
}

function checkCapabilities(value: unknown): string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value))
    throw invalidArgument('options.computeCapabilities', "an array such as ['8.9', '12.0']", value);
  const checked = new Set<string>();
  for (const item of value) {
    if (typeof item !== 'string' || !/^[1-9]\d?\.\d$/.test(item))
      throw invalidArgument('options.computeCapabilities', "strings such as '8.9'", item);
    checked.add(item);
  }
  return [...checked];
}

export function checkShapes(value: unknown): TrtShapeRange[][] {
  if (value === undefined) return [];
  const profiles = Array.isArray(value) ? value : [value];
  // Not map: it passes over holes.
  return Array.from(profiles, (profile: unknown, index) => {
    const name = Array.isArray(value) ? `options.shapes[${index}]` : 'options.shapes';
    if (typeof profile !== 'object' || profile === null || Array.isArray(profile))
      throw invalidArgument(name, 'an object of shapes by input name', profile);
    return Object.entries(profile).map(([input, range]) =>
      checkRange(`${name}.${input}`, input, range),
    );
  });
}

function checkRange(name: string, input: string, value: unknown): TrtShapeRange {
  if (Array.isArray(value)) {
    const shape = checkShape(name, value);
    return { input, min: shape, opt: shape, max: shape };
  }
  requireKnownKeys(name, value, ['min', 'opt', 'max']);
  if (value === undefined) throw invalidArgument(name, 'a shape or { min, opt, max }', value);
  const range = value as { min?: unknown; opt?: unknown; max?: unknown };
  const min = checkShape(`${name}.min`, range.min);
  const max = checkShape(`${name}.max`, range.max);
  const opt = range.opt === undefined ? max : checkShape(`${name}.opt`, range.opt);
  const ordered =
    min.length === opt.length &&
    opt.length === max.length &&
    min.every((dim, i) => dim <= opt[i]! && opt[i]! <= max[i]!);
  if (!ordered)
    throw invalidArgument(
      name,
      'min <= opt <= max in every dimension',
      [min, opt, max].map((shape) => shape.join('x')).join(':'),
    );
  return { input, min, opt, max };
}

function checkShape(name: string, value: unknown): number[] {
  if (!Array.isArray(value) || value.length > 8)
    throw invalidArgument(name, 'an array of at most 8 dimensions', value);
  return Array.from(value, (dim) => requireInteger(name, dim, 0, 2 ** 31 - 1));
}

function checkSettings(options: EngineBuildOptions): CheckedBuildOptions['settings'] {
  const settings: CheckedBuildOptions['settings'] = [];
  for (const name of settingNames) {
    const value = options[name];
    if (value === undefined) continue;
    const rule = settingTable[name];
    const label = `options.${name}`;
    if (rule.kind === 'integer')
      settings.push({ name, value: requireInteger(label, value, rule.min, rule.max) });
    else if (rule.kind === 'boolean') settings.push({ name, value: requireBoolean(label, value) });
    else settings.push({ name, value: requireOneOf(label, value, rule.choices) });
  }
  return settings;
}

function checkMetadata(value: unknown): Record<string, unknown> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidArgument('options.metadata', 'an object', value);
  let plain: unknown;
  try {
    plain = JSON.parse(JSON.stringify(value));
  } catch {
    throw invalidArgument('options.metadata', 'an object that can be written as JSON', value);
  }
  // An object's toJSON may have made anything of it.
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain))
    throw invalidArgument('options.metadata', 'an object whose JSON is an object', plain);
  return plain as Record<string, unknown>;
}
