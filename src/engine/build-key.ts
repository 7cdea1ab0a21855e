import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { filesSha256 } from '../files';
import { native } from '../native/binding';
import { packageVersion } from '../package-version';
import type { ModelInput } from '../session/model-input';
import {
  type CheckedBuildOptions,
  checkBuildOptions,
  type EngineBuildOptions,
} from './build-options';
import type { EngineCacheKey } from './cache';
import type { TensorRTSelection } from './library';
import { modelSha256 } from './model-facts';

/** Options that a call has and its plan has not, and what the metadata holds anyway. */
const notRecorded = new Set<string>([
  'output',
  'timeoutMs',
  'memoryLimitBytes',
  'timingCache',
  'signal',
  'logLevel',
  'onLog',
  'onProgress',
  'onStage',
  'cache',
  'signingKey',
  'metadata',
]);

/** TensorRT's own defaults, as its headers state them: to give one is the same as to leave the option out. */
const defaults: Readonly<Record<string, unknown>> = {
  optimizationLevel: 3,
  averageTimingIterations: 1,
  hardwareCompatibility: 'none',
  profilingVerbosity: 'layer-names',
  tf32: true,
  sparseWeights: false,
  refittable: false,
  stripWeights: false,
  weightStreaming: false,
  versionCompatible: false,
  excludeLeanRuntime: false,
};

/** Settings that name files whose content counts. */
const fileSettings = ['pluginLibraries', 'pluginsToSerialize'];

/**
 * Everything that an engine depends on, so that builds with equal keys may share one plan. It is made of what the
 * build process is told, so that no option can be forgotten here.
 */
export async function engineCacheKey(
  input: ModelInput,
  options: EngineBuildOptions,
  library: Pick<TensorRTSelection, 'flavor' | 'version'>,
  signer?: string,
): Promise<EngineCacheKey> {
  const {
    flavor: _,
    logLevel: __,
    computeCapabilities,
    profiles,
    settings,
    timingCache,
    ...rest
  } = checkBuildOptions(options);
  return {
    onnxSha256: await inputSha256(input),
    flavor: library.flavor,
    version: library.version,
    target: await targetOf(library.flavor, computeCapabilities),
    options: {
      ...(await settingsKey(settings)),
      ...withoutEmpty(rest),
      ...(await timingKey(timingCache, settings)),
      ...(profiles.length > 0 ? { shapes: profiles.map(sortedProfile) } : {}),
      // Graph passes and metadata are the package's; another version may write other ones.
      package: packageVersion(),
      ...(signer === undefined ? {} : { signer }),
    },
  };
}

async function settingsKey(
  settings: CheckedBuildOptions['settings'],
): Promise<Record<string, unknown>> {
  const key: Record<string, unknown> = {};
  for (const { name, value } of settings) {
    if (name in defaults && defaults[name] === value) continue;
    key[name] =
      fileSettings.includes(name) && Array.isArray(value)
        ? await Promise.all(value.map((file) => contentOf(String(file))))
        : value;
  }
  return key;
}

/**
 * Measurements to start from make a build faster and any of them gives a good plan, so they do not count; where
 * tactics are to be just those of the cache, its content does.
 */
async function timingKey(
  timingCache: CheckedBuildOptions['timingCache'],
  settings: CheckedBuildOptions['settings'],
): Promise<Record<string, unknown>> {
  const isBinding = settings.some(
    ({ name, value }) =>
      (name === 'errorOnTimingCacheMiss' || name === 'editableTimingCache') && value === true,
  );
  if (!isBinding || timingCache === undefined) return {};
  return { timingCache: await Promise.all(timingCache.load.map(({ file }) => contentOf(file))) };
}

/** Digest of a file; where it cannot be read, its name, and the build says what is wrong. */
async function contentOf(file: string): Promise<string> {
  return filesSha256([file]).catch(() => file);
}

function withoutEmpty(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).filter(
      ([, item]) => typeof item !== 'object' || item === null || Object.keys(item).length > 0,
    ),
  );
}

/** Options as plain data, for the metadata of the engine: what `engine.rebuild` begins with. */
export function givenOptions(options: EngineBuildOptions): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).filter(
      ([name, value]) =>
        value !== undefined &&
        typeof value !== 'function' &&
        !(value instanceof Uint8Array) &&
        !notRecorded.has(name),
    ),
  );
}

/** Digest of a model as {@link modelSha256} gives it, for bytes too; never long on the event loop. */
export async function inputSha256(input: ModelInput): Promise<string> {
  if (input.path !== undefined) return modelSha256(input.path);
  const hash = createHash('sha256');
  const piece = 4 << 20;
  for (let at = 0; at < input.bytes!.length; at += piece) {
    hash.update(input.bytes!.subarray(at, at + piece));
    if (at + piece < input.bytes!.length) await nextTurn();
  }
  return hash.digest('hex');
}

/** What the plan is for: capabilities where they can be chosen, else the GPU with its driver. */
async function targetOf(flavor: string, capabilities: readonly string[]): Promise<string[]> {
  if (flavor === 'rtx1' && !capabilities.includes('current')) {
    return capabilities.length > 0 ? sortCapabilities(capabilities) : ['default'];
  }
  const { cudaVersion, devices } = await native().cudaProbe();
  const [first] = devices;
  // Without a device the build says so itself.
  if (!first) return [];
  return [first.name, first.computeCapability, `CUDA ${cudaVersion}`];
}

export function sortCapabilities(capabilities: readonly string[]): string[] {
  return [...capabilities].sort((a, b) => Number(a) - Number(b));
}

function sortedProfile<T extends { input: string }>(profile: readonly T[]): T[] {
  return [...profile].sort((a, b) => (a.input < b.input ? -1 : 1));
}
