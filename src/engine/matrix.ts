import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { TensorRTNodeError } from '../errors';
import { filesSha256 } from '../files';
import { packageVersion } from '../package-version';
import { type ModelSource, openModel } from '../session/model-input';
import { invalidArgument, invalidValue, requireKnownKeys, requireString } from '../validate';
import { inputSha256 } from './build-key';
import { checkShapes, type EngineBuildOptions } from './build-options';
import { EngineBuilder } from './builder';
import {
  type EngineManifest,
  isPlainName,
  Manifest,
  type ManifestEngine,
  type ManifestFailure,
} from './manifest';
import { readPlanHeader } from './plan-file';

/** Build options that are for all targets together. */
const sharedKeys = ['cache', 'signingKey', 'signal', 'onLog', 'onProgress'] as const;
const matrixKeys = ['output', 'targets', 'matrix', 'options', 'onTarget', ...sharedKeys];
type SharedKey = (typeof sharedKeys)[number];

/** One engine of a matrix: build options, and the name of its file without `.engine`. */
export type MatrixTarget = Omit<EngineBuildOptions, 'output' | SharedKey> & { name?: string };

/** For each option a list of values; every combination is a target. */
export type MatrixAxes = { [K in keyof Omit<MatrixTarget, 'name'>]?: readonly MatrixTarget[K][] };

export interface MatrixOptions extends Pick<EngineBuildOptions, SharedKey> {
  /** Folder for the engines and their manifest; made where it is missing. */
  output: string;
  targets?: readonly MatrixTarget[];
  /** Further targets: every combination of these. */
  matrix?: MatrixAxes;
  /** Options that all targets share; a target's own come first. */
  options?: MatrixTarget;
  /** Hears of each target when it is done. */
  onTarget?: (result: MatrixResult) => void;
}

export type MatrixResult =
  | ({ ok: true; fromCache: boolean; buildMs: number } & ManifestEngine)
  | ({ ok: false; buildMs: number } & ManifestFailure);

/**
 * Builds a model for a list of targets, one after the other, and writes `manifest.json` beside the engines.
 * A target that fails is noted there and the others go on; `Engine.fromManifest` and `Session.create` then pick what
 * suits a machine.
 * @returns the manifest; look at `failures`
 * @throws what ends all of it: ERR_INVALID_ARGUMENT, ERR_IO, ERR_INVALID_MODEL for what is no ONNX file, the signal's reason
 */
export async function buildMatrix(
  model: ModelSource,
  options: MatrixOptions,
): Promise<EngineManifest> {
  requireKnownKeys('options', options, matrixKeys);
  if (options === undefined) throw invalidArgument('options', 'an object', options);
  const folder = path.resolve(requireString('options.output', options.output));
  const input = await openModel(model);
  if (input.kind !== 'onnx') {
    throw new TensorRTNodeError(
      'ERR_INVALID_MODEL',
      `Expected an ONNX model but ${input.label} is a TensorRT engine or a manifest of some`,
    );
  }
  const stem = input.path === undefined ? 'model' : path.basename(input.path, '.onnx');
  const targets = expandTargets(options, stem);
  const sha256 = await inputSha256(input);
  await mkdir(folder, { recursive: true }).catch((cause) => {
    throw new TensorRTNodeError('ERR_IO', `${folder} cannot be made: ${cause.message}`, { cause });
  });
  const { cache, signingKey, signal, onLog, onProgress } = options;
  const shared = dropUndefined({ cache, signingKey, signal, onLog, onProgress });
  const engines: ManifestEngine[] = [];
  const failures: ManifestFailure[] = [];
  await using builder = new EngineBuilder();
  for (const { name, target } of targets) {
    const startedAt = performance.now();
    const took = (): number => Math.round(performance.now() - startedAt);
    const file = path.join(folder, `${name}.engine`);
    try {
      const engine = await builder.build(model, { ...target, ...shared, output: file });
      const { byteLength, facts: all } = await readPlanHeader(file);
      // Layers are for those who look into the engine; there can be thousands.
      const { layers: _, ...facts } = all!;
      const entry: ManifestEngine = {
        name,
        file: path.basename(file),
        byteLength,
        sha256: await filesSha256([file]),
        target: { ...target },
        facts,
      };
      engines.push(entry);
      report(options, { ok: true, fromCache: engine.fromCache, buildMs: took(), ...entry });
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof TensorRTNodeError)) throw error;
      const { code, message, details } = error;
      const failure = { name, target: { ...target }, code, message, details: details.slice(0, 20) };
      failures.push(failure);
      report(options, { ok: false, buildMs: took(), ...failure });
    }
  }
  const manifest: EngineManifest = {
    format: 'tensorrt-node-engines',
    version: 1,
    packageVersion: packageVersion(),
    createdAt: new Date().toISOString(),
    model: { ...(input.path === undefined ? {} : { path: input.path }), sha256 },
    engines,
    failures,
  };
  await Manifest.write(folder, manifest);
  return manifest;
}

function report({ onTarget }: MatrixOptions, result: MatrixResult): void {
  try {
    onTarget?.(result);
  } catch {
    // A listener must not end the builds.
  }
}

/** Targets with names of their own. @throws ERR_INVALID_ARGUMENT */
function expandTargets(
  { targets = [], matrix, options = {} }: MatrixOptions,
  stem: string,
): { name: string; target: EngineBuildOptions }[] {
  if (!Array.isArray(targets)) throw invalidArgument('options.targets', 'an array', targets);
  requireKnownKeys('options.options', options, Object.keys(options ?? {}));
  const all = [...targets, ...(matrix === undefined ? [] : combine(matrix))];
  if (all.length === 0)
    throw invalidValue('options.targets', 'at least one target', 'an empty list');
  const taken = new Set<string>();
  return all.map((item, index) => {
    if (typeof item !== 'object' || item === null || Array.isArray(item))
      throw invalidArgument(`options.targets[${index}]`, 'an object', item);
    const { name, ...own } = item as MatrixTarget;
    const target: EngineBuildOptions = { ...options, ...own };
    for (const key of ['output', ...sharedKeys]) {
      if (key in target)
        throw invalidValue(
          `options.targets[${index}].${key}`,
          'it for all targets',
          'one for a target',
        );
    }
    if (name !== undefined) {
      if (!isPlainName(name) || taken.has(name))
        throw invalidArgument(
          `options.targets[${index}].name`,
          'a file name that no other target has',
          name,
        );
      taken.add(name);
      return { name, target };
    }
    const base = [stem, ...nameParts(target)].join('-');
    let free = base;
    for (let number = 2; taken.has(free); number++) free = `${base}-${number}`;
    taken.add(free);
    return { name: free, target };
  });
}

/** What tells targets apart: flavour, capabilities, precision, batch sizes. */
function nameParts(target: EngineBuildOptions): string[] {
  const { flavor, computeCapabilities, precision } = target;
  const parts: string[] = [];
  if (typeof flavor === 'string') parts.push(flavor);
  if (Array.isArray(computeCapabilities) && computeCapabilities.length > 0)
    parts.push(`sm${computeCapabilities.join('+')}`);
  if (typeof precision === 'string') parts.push(precision);
  let batch: string | undefined;
  try {
    const ranges = checkShapes(target.shapes)
      .flat()
      .filter(({ values }) => !values);
    const low = Math.min(...ranges.map(({ min }) => min[0] ?? 1));
    const high = Math.max(...ranges.map(({ max }) => max[0] ?? 1));
    if (ranges.length > 0) batch = low === high ? `batch${low}` : `batch${low}-${high}`;
  } catch {
    // The build says what is wrong with it.
  }
  if (batch !== undefined) parts.push(batch);
  return parts.map((part) => part.replace(/[^\w.+-]/g, '_').slice(0, 60));
}

function combine(axes: MatrixAxes): MatrixTarget[] {
  if (typeof axes !== 'object' || axes === null || Array.isArray(axes))
    throw invalidArgument('options.matrix', 'an object of lists', axes);
  let targets: MatrixTarget[] = [{}];
  for (const [name, values] of Object.entries(axes)) {
    if (!Array.isArray(values) || values.length === 0)
      throw invalidArgument(`options.matrix.${name}`, 'a list of values', values);
    targets = targets.flatMap((target) => values.map((value) => ({ ...target, [name]: value })));
    if (targets.length > 1000)
      throw invalidValue('options.matrix', 'at most 1000 combinations', `${targets.length}`);
  }
  return targets;
}

function dropUndefined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(value).filter(([, item]) => item !== undefined),
  ) as never;
}
