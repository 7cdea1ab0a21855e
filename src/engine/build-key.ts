import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { native, packageRoot } from '../native/binding';
import { transformNames } from '../onnx/transforms';
import type { ModelInput } from '../session/model-input';
import { checkBuildOptions, type EngineBuildOptions, settingTable } from './build-options';
import type { EngineCacheKey } from './cache';
import type { TensorRTSelection } from './library';
import { modelSha256 } from './model-facts';

/** Options that say how, where or how loudly to build; an engine is the same with any of them. */
const callOptions = [
  'output',
  'timeoutMs',
  'memoryLimitBytes',
  'signal',
  'logLevel',
  'onLog',
  'onProgress',
  'onStage',
  'cache',
  'signingKey',
];

const notOfThePlan = new Set<string>([
  ...callOptions,
  // In the key by themselves.
  'flavor',
  'computeCapabilities',
  // Taken in their checked form.
  'shapes',
  ...transformNames,
]);

/** Options of a plan that its metadata hold anyway, or that no later build can be given again. */
const notRecorded = new Set<string>([...callOptions, 'metadata']);

/** TensorRT's own defaults, as its headers state them: to give one is the same as to leave the option out. */
const defaults: Readonly<Record<string, unknown>> = {
  ...Object.fromEntries(
    Object.entries(settingTable)
      .filter(([, rule]) => rule.kind === 'boolean')
      .map(([name]) => [name, false]),
  ),
  tf32: true,
  optimizationLevel: 3,
  averageTimingIterations: 1,
  hardwareCompatibility: 'none',
  profilingVerbosity: 'layer-names',
};

/** Everything that an engine depends on, so that builds with equal keys may share one plan. */
export async function engineCacheKey(
  input: ModelInput,
  options: EngineBuildOptions,
  library: Pick<TensorRTSelection, 'flavor' | 'version'>,
  signer?: string,
): Promise<EngineCacheKey> {
  const { computeCapabilities, profiles, transforms } = checkBuildOptions(options);
  return {
    onnxSha256: await inputSha256(input),
    flavor: library.flavor,
    version: library.version,
    target: await targetOf(library.flavor, computeCapabilities),
    options: {
      ...planOptions(options),
      ...(Object.keys(transforms).length > 0 ? { transforms } : {}),
      ...(profiles.length > 0 ? { shapes: profiles.map(sortedProfile) } : {}),
      // Graph passes and metadata are the package's; another version may write other ones.
      package: packageVersion(),
      ...(signer === undefined ? {} : { signer }),
    },
  };
}

/**
 * Options as plain data that change the plan: those at TensorRT's default are left out, bytes stand by their
 * digest. An option that is not known here counts, so that a new one can never give a wrong engine.
 */
export function planOptions(options: EngineBuildOptions): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options)
      .filter(
        ([name, value]) =>
          value !== undefined &&
          typeof value !== 'function' &&
          !notOfThePlan.has(name) &&
          !(name in defaults && defaults[name] === value),
      )
      .map(([name, value]) => [
        name,
        value instanceof Uint8Array
          ? { sha256: createHash('sha256').update(value).digest('hex') }
          : value,
      ]),
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
  if (flavor === 'rtx1') {
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

let version: string | undefined;

export function packageVersion(): string {
  version ??= (
    JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8')) as { version: string }
  ).version;
  return version;
}
