import type { LogRecord } from '../log';
import {
  type Flavor,
  flavors,
  type TrtSetting,
  type TrtShapeRange,
  type TrtTensorRequest,
} from '../native/trt-contract';
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
  requireInteger,
  requireOneOf,
  requireSignal,
  requireString,
} from '../validate';
import type { BuildListeners } from './build-progress';
import type { EngineCache, EngineCacheOptions } from './cache';
import { checkSettings } from './options/check';
import {
  checkCapabilities,
  checkMemoryTargets,
  checkShapes,
  checkTensors,
  type ShapeProfile,
  type TensorOptions,
} from './options/profiles';
import type { SettingValueOf } from './options/rule';
import type { BuilderSettings } from './options/settings';
import { type SettingName, settingNames, settingTable } from './options/table';
import type { EngineKey } from './signature';
import {
  type CheckedTimingCache,
  checkTimingCache,
  type TimingCacheOptions,
} from './timing-cache-options';

export { requireAvailable } from './options/availability';
export type { ShapeProfile, ShapeRange, TensorOptions, ValueRange } from './options/profiles';
export type { TensorFormat } from './options/rule';
export type { BuilderSettings } from './options/settings';
export { checkShapes, settingNames, settingTable };

export interface EngineBuildOptions extends BuilderSettings, BuildListeners, GraphTransforms {
  /** TensorRT product to build with. Default: the best one found on this machine. */
  flavor?: Flavor;
  /**
   * GPUs to build for, such as `'8.9'`, or `'current'` alone for this machine's; `rtx1` only, the others build for
   * this machine's GPU. Default: 8.0 and later.
   */
  computeCapabilities?: readonly string[];
  /** Shapes of dynamic inputs, and values of inputs that are shapes: one profile, or several. */
  shapes?: ShapeProfile | readonly ShapeProfile[];
  /** How much more memory than necessary a profile may use, 0 to 1: one number for all profiles, or one each. */
  extraMemoryTarget?: number | readonly number[];
  /** Memory layouts and element types of inputs and outputs, by name. */
  tensors?: Readonly<Record<string, TensorOptions>>;
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
  /**
   * Measurements of earlier builds to start from and to keep: a file for both, or each by name. TensorRT 10 and
   * 11; `rtx1` measures nothing and refuses it.
   */
  timingCache?: string | TimingCacheOptions;
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

type SettingsOfTable = { [Name in SettingName]?: SettingValueOf<(typeof settingTable)[Name]> };
/** `true` where both types say the same. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : never;
/** Does not compile when settings.ts is not what the table says. */
export const settingsFollowTable: Same<
  SettingsOfTable,
  { [Name in keyof BuilderSettings]: BuilderSettings[Name] }
> = true;

const optionNames: readonly string[] = [
  'flavor',
  'computeCapabilities',
  'shapes',
  'extraMemoryTarget',
  'tensors',
  'output',
  'timeoutMs',
  'memoryLimitBytes',
  'timingCache',
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
  /** One for each profile, or none. */
  extraMemoryTargets: number[];
  tensors: TrtTensorRequest[];
  settings: TrtSetting[];
  /** Edits of the graph before TensorRT sees it. */
  transforms: CheckedTransforms;
  logLevel: LogRecord['level'];
  timingCache?: CheckedTimingCache;
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
  if (options.signal !== undefined) requireSignal('options.signal', options.signal);
  for (const name of ['onLog', 'onProgress', 'onStage'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'function')
      throw invalidArgument(`options.${name}`, 'a function', options[name]);
  }
  const profiles = checkShapes(options.shapes);
  const timingCache = checkTimingCache(options.timingCache);
  return {
    ...(options.flavor === undefined
      ? {}
      : { flavor: requireOneOf('options.flavor', options.flavor, flavors) }),
    computeCapabilities: checkCapabilities(options.computeCapabilities),
    profiles,
    extraMemoryTargets: checkMemoryTargets(options.extraMemoryTarget, profiles.length),
    tensors: checkTensors(options.tensors),
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
    ...(timingCache ? { timingCache } : {}),
    metadata: checkMetadata(options.metadata),
  };
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
