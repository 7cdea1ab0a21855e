import path from 'node:path';
import { TensorRTNodeError } from '../errors';
import { invalidArgument, requireBoolean, requireKnownKeys, requireString } from '../validate';
import type { TensorRTSelection } from './library';

/** Measurements of earlier builds, which spare a build most of its time. TensorRT 10 and 11 only. */
export interface TimingCacheOptions {
  /** Files to start from; several are combined. Each must be there. Plain caches, such as trtexec writes, too. */
  load?: string | readonly string[];
  /** File that the cache is written to after the build, combined with what other builds wrote to it meanwhile. */
  save?: string;
  /** Takes caches that were measured on GPUs with other properties, which TensorRT warns of. Default false. */
  ignoreMismatch?: boolean;
}

/** Paths are absolute: they are opened in another process, whose working folder may be an older one. */
export interface CheckedTimingCache {
  load: { file: string; isOptional: boolean }[];
  save?: string;
  ignoreMismatch: boolean;
}

/** @param value a path stands for a file to start from, where it is there, and to save to */
export function checkTimingCache(value: unknown): CheckedTimingCache | undefined {
  if (value === undefined) return undefined;
  const name = 'options.timingCache';
  if (typeof value === 'string') {
    const file = path.resolve(requireString(name, value));
    return { load: [{ file, isOptional: true }], save: file, ignoreMismatch: false };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidArgument(name, 'a path or { load, save, ignoreMismatch }', value);
  requireKnownKeys(name, value, ['load', 'save', 'ignoreMismatch']);
  const { load = [], save, ignoreMismatch = false } = value as TimingCacheOptions;
  const files: readonly unknown[] = Array.isArray(load) ? load : [load];
  return {
    load: files.map((file) => ({
      file: path.resolve(requireString(`${name}.load`, file)),
      isOptional: false,
    })),
    ...(save === undefined ? {} : { save: path.resolve(requireString(`${name}.save`, save)) }),
    ignoreMismatch: requireBoolean(`${name}.ignoreMismatch`, ignoreMismatch),
  };
}

/**
 * TensorRT-RTX takes timing caches and does nothing with them: it measures nothing when it builds, and what it
 * serialises holds no entry. Better said than silently useless.
 * @throws ERR_INVALID_ARGUMENT
 */
export function requireTimings(
  name: string,
  library: Pick<TensorRTSelection, 'flavor' | 'version'>,
): void {
  if (library.flavor !== 'rtx1') return;
  throw new TensorRTNodeError(
    'ERR_INVALID_ARGUMENT',
    `Expected no value for ${name} with rtx1 but received one: TensorRT-RTX ${library.version} measures nothing when it builds and keeps no timings; use the engine cache (options.cache), which keeps whole engines`,
  );
}
