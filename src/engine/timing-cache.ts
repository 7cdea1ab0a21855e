import path from 'node:path';
import { TensorRTNodeError } from '../errors';
import type { Flavor, TrtTimingCacheEntry } from '../native/trt-contract';
import { flavors } from '../native/trt-contract';
import {
  invalidArgument,
  requireBoolean,
  requireKnownKeys,
  requireNumber,
  requireOneOf,
  requireString,
} from '../validate';
import { BuildProcess } from './build-process';
import { selectTensorRT } from './library';
import { sha256Of } from './plan-content';
import { readTimingCache } from './timing-cache-file';
import type { TimingCacheJob, TimingCacheJobResult } from './timing-cache-job';
import { requireTimings } from './timing-cache-options';

/** What a timing cache file tells without TensorRT. Undefined where it does not. */
export interface TimingCacheDescription {
  path: string;
  /** `plain` is TensorRT's own format, as trtexec writes it: it names neither flavour nor version. */
  format: 'tensorrt-node' | 'plain';
  flavor: Flavor | undefined;
  tensorrtVersion: string | undefined;
  /** The GPU that it was measured on. */
  device: string | undefined;
  updatedAt: string | undefined;
  /** Size and digest of TensorRT's bytes. */
  cacheBytes: number;
  sha256: string;
}

/** A change of one measurement: another tactic, or `timingMs: null` to delete it. */
export type TimingCacheEdit =
  | { key: string; tacticHash: string; timingMs: number }
  | { key: string; timingMs: null };

export interface TimingCacheToolOptions {
  /** Default: the flavour that the file names, else the best one found on this machine. */
  flavor?: Flavor;
  /** Takes caches that were measured on GPUs with other properties. Default false. */
  ignoreMismatch?: boolean;
}

/**
 * Timing caches of TensorRT 10 and 11: what each tactic took, kept from build to build. TensorRT-RTX has none.
 * Everything but {@link TimingCache.read} runs TensorRT, in a process of its own, and needs a GPU.
 */
export const TimingCache = {
  /** @throws ERR_TIMING_CACHE when the file is empty, cut short or was changed; ERR_IO */
  async read(file: string): Promise<TimingCacheDescription> {
    const target = path.resolve(requireString('file', file));
    const { facts, bytes } = await readTimingCache(target);
    return {
      path: target,
      format: facts ? 'tensorrt-node' : 'plain',
      flavor: facts?.flavor,
      tensorrtVersion: facts?.tensorrtVersion,
      device: facts?.device,
      updatedAt: facts?.updatedAt,
      cacheBytes: bytes.length,
      sha256: sha256Of(bytes),
    };
  },

  /**
   * Joins caches into `output`, and with what is in it already. Of entries with equal keys that of the first
   * file stays.
   * @throws ERR_TIMING_CACHE when one is corrupt or of another version or GPU; ERR_INVALID_ARGUMENT for rtx1,
   * ERR_IO, ERR_NO_DEVICE, ERR_TENSORRT_UNAVAILABLE, ERR_BUILD_CRASHED
   */
  async merge(
    files: readonly string[],
    output: string,
    options: TimingCacheToolOptions = {},
  ): Promise<TimingCacheDescription> {
    if (!Array.isArray(files) || files.length === 0)
      throw invalidArgument('files', 'an array of at least one path', files);
    const target = path.resolve(requireString('output', output));
    await run(files, options, { output: { file: target, how: 'combine' } });
    return await TimingCache.read(target);
  },

  /** Every measurement of a cache. TensorRT 10.8 or later. @throws as `merge`, ERR_TENSORRT_VERSION */
  async entries(
    file: string,
    options: TimingCacheToolOptions = {},
  ): Promise<TrtTimingCacheEntry[]> {
    return (await run([file], options, { listEntries: true })).entries;
  },

  /**
   * Changes measurements of a cache that was made with `editableTimingCache`, so that builds with it take
   * another tactic. TensorRT 10.8 or later.
   * @throws as `merge`, ERR_TENSORRT_VERSION, ERR_INVALID_ARGUMENT for a key that is not there
   */
  async edit(
    file: string,
    edits: readonly TimingCacheEdit[],
    options: TimingCacheToolOptions = {},
  ): Promise<void> {
    const target = path.resolve(requireString('file', file));
    await run([target], options, {
      edits: checkEdits(edits),
      output: { file: target, how: 'replace' },
    });
  },
} as const;

function checkEdits(edits: unknown): TimingCacheJob['edits'] {
  if (!Array.isArray(edits)) throw invalidArgument('edits', 'an array', edits);
  const requireHex = (name: string, value: unknown, digits: number): string => {
    if (typeof value !== 'string' || value.length !== digits || !/^[0-9a-f]+$/.test(value))
      throw invalidArgument(name, `${digits} hexadecimal digits in lower case`, value);
    return value;
  };
  return edits.map((edit, index) => {
    const name = `edits[${index}]`;
    if (edit === undefined) throw invalidArgument(name, 'an object', edit);
    requireKnownKeys(name, edit, ['key', 'tacticHash', 'timingMs']);
    const { key, tacticHash, timingMs } = edit as { [key: string]: unknown };
    return {
      key: requireHex(`${name}.key`, key, 32),
      ...(timingMs === null
        ? { timingMs }
        : {
            tacticHash: requireHex(`${name}.tacticHash`, tacticHash, 16),
            timingMs: requireNumber(`${name}.timingMs`, timingMs, 0, 3.4e38),
          }),
    };
  });
}

async function run(
  files: readonly string[],
  options: TimingCacheToolOptions,
  job: Partial<Pick<TimingCacheJob, 'edits' | 'listEntries' | 'output'>>,
): Promise<TimingCacheJobResult> {
  requireKnownKeys('options', options, ['flavor', 'ignoreMismatch']);
  const { flavor, ignoreMismatch = false } = options;
  if (flavor !== undefined) requireOneOf('options.flavor', flavor, flavors);
  requireBoolean('options.ignoreMismatch', ignoreMismatch);
  const paths = files.map((file) => path.resolve(requireString('file', file)));
  const library = await libraryFor(paths, flavor);
  requireTimings('a timing cache', library);
  const child = new BuildProcess();
  try {
    return await child.runTimingCache({
      library,
      files: paths,
      ignoreMismatch,
      edits: [],
      listEntries: false,
      ...job,
    });
  } finally {
    await child.kill();
  }
}

/** TensorRT of the flavour that the files name; they must name one. */
async function libraryFor(files: readonly string[], wanted: Flavor | undefined) {
  let flavor = wanted;
  for (const file of files) {
    const named = (await readTimingCache(file)).facts?.flavor;
    if (named === undefined) continue;
    if (flavor !== undefined && named !== flavor) {
      throw new TensorRTNodeError(
        'ERR_TIMING_CACHE',
        `Expected a timing cache of ${flavor} in ${file} but it is of ${named}: flavours do not share timings`,
      );
    }
    flavor = named;
  }
  return await selectTensorRT({ ...(flavor === undefined ? {} : { flavor }), purpose: 'build' });
}
