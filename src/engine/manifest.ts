import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { TensorRTNodeError } from '../errors';
import { replaceFile } from '../files';
import type { TrtShapeRange } from '../native/trt-contract';
import { requireKnownKeys, requireString } from '../validate';
import { checkShapes, type ShapeProfile } from './build-options';
import { type Compatibility, explainCompatibility } from './compatibility';
import { Engine, type EngineLoadOptions } from './engine';
import { checkFacts, type EngineFacts, isObject } from './engine-facts';
import type { EngineMachine } from './machine';
import { manifestName } from './manifest-name';
import { jsonDepth } from './plan-file';

const manifestFormat = 'tensorrt-node-engines';
const maxManifestBytes = 16 * 2 ** 20;
const maxDepth = 100;

/** An engine of a manifest. */
export interface ManifestEngine {
  name: string;
  /** In the manifest's folder. */
  file: string;
  byteLength: number;
  /** SHA-256 of the engine file, metadata included. */
  sha256: string;
  /** Options that it was built with, as they were given. */
  target: Record<string, unknown>;
  facts: EngineFacts;
}

/** A target that could not be built. */
export interface ManifestFailure {
  name: string;
  target: Record<string, unknown>;
  code: string;
  message: string;
  details: string[];
}

export interface EngineManifest {
  format: typeof manifestFormat;
  version: 1;
  packageVersion: string;
  createdAt: string;
  model: { path?: string; sha256: string };
  /** In the order of preference: of several that run, the first is taken. */
  engines: ManifestEngine[];
  failures: ManifestFailure[];
}

/** What the engine has to be, beside running on the machine. */
export interface ManifestWanted {
  /** Name of the engine. */
  name?: string;
  /** Its precision option; `'fp32'` stands for none. */
  precision?: string;
  /** Shapes that one of its profiles has to hold. */
  shapes?: ShapeProfile;
}

export interface ManifestMatch {
  entry: ManifestEngine;
  compatibility: Compatibility;
}

/** A manifest in its folder. */
export class Manifest {
  private constructor(
    readonly path: string,
    readonly content: Readonly<EngineManifest>,
  ) {}

  /**
   * @param file the manifest, or the folder that holds `manifest.json`
   * @throws ERR_IO, ERR_ENGINE_DESERIALIZE when it is no manifest
   */
  static async read(file: string): Promise<Manifest> {
    const target = path.resolve(requireString('manifest', file));
    let text: Buffer;
    let place = target;
    try {
      const found = await stat(target);
      if (found.isDirectory()) place = path.join(target, manifestName);
      const { size } = await stat(place);
      if (size > maxManifestBytes) throw notOne(place, `has ${size} bytes`);
      text = await readFile(place);
    } catch (cause) {
      if (cause instanceof TensorRTNodeError) throw cause;
      throw new TensorRTNodeError(
        'ERR_IO',
        `The engine manifest ${place} cannot be read: ${(cause as Error).message}`,
        { cause },
      );
    }
    return new Manifest(place, parseManifest(text, place));
  }

  /** Writes a manifest into a folder, replacing an old one in one step. @throws ERR_IO */
  static async write(folder: string, content: EngineManifest): Promise<Manifest> {
    const file = path.join(folder, manifestName);
    await replaceFile(file, (temporary) =>
      writeFile(temporary, `${JSON.stringify(content, null, 2)}\n`, { flag: 'wx' }),
    ).catch((cause) => {
      throw new TensorRTNodeError(
        'ERR_IO',
        `The engine manifest ${file} cannot be written: ${(cause as Error).message}`,
        { cause },
      );
    });
    return new Manifest(file, content);
  }

  /**
   * The engine for a machine: the first that surely runs, else the first that may.
   * @throws ERR_ENGINE_INCOMPATIBLE when none does, with a sentence for each in `details`
   */
  match(machine: EngineMachine, wanted: ManifestWanted = {}): ManifestMatch {
    const judged = this.content.engines.map((entry) => ({
      entry,
      compatibility: explainCompatibility(entry.facts, machine),
      objection: objectionTo(entry, wanted),
    }));
    const fitting = judged.filter(({ objection }) => objection === undefined);
    const found =
      fitting.find(({ compatibility }) => compatibility.runs === 'yes') ??
      fitting.find(({ compatibility }) => compatibility.runs === 'unknown');
    if (found) return { entry: found.entry, compatibility: found.compatibility };
    const details = judged.map(
      ({ entry, compatibility, objection }) =>
        `${entry.name}: ${objection ?? compatibility.summary}`,
    );
    const first = judged.find(({ objection }) => objection === undefined) ?? judged[0];
    const example = first
      ? ` ${first.entry.name}: ${first.objection ?? first.compatibility.summary}`
      : ' It holds no engine.';
    throw new TensorRTNodeError(
      'ERR_ENGINE_INCOMPATIBLE',
      `Expected an engine for this machine in ${this.path} but none of its ${judged.length} fits.${example}`,
      { details },
    );
  }

  /** Loads the match, and checks that it is the engine that the manifest tells of. */
  async load(
    machine: EngineMachine,
    options: ManifestWanted & Pick<EngineLoadOptions, 'verifyKey'> = {},
  ): Promise<ManifestMatch & { engine: Engine }> {
    const { verifyKey } = options;
    const match = this.match(machine, options);
    const file = path.join(path.dirname(this.path), match.entry.file);
    const engine = await Engine.load(file, verifyKey === undefined ? {} : { verifyKey });
    if (engine.inspect().planSha256 !== match.entry.facts.planSha256) {
      throw new TensorRTNodeError(
        'ERR_ENGINE_DESERIALIZE',
        `Expected ${file} to be the engine that ${this.path} tells of but it was changed; build the engines again`,
      );
    }
    return { ...match, engine };
  }
}

/** @throws ERR_INVALID_ARGUMENT */
export function checkWanted(wanted: ManifestWanted): ManifestWanted {
  const { name, precision, shapes } = wanted;
  requireKnownKeys('options', wanted, ['name', 'precision', 'shapes', 'verifyKey', 'machine']);
  if (name !== undefined) requireString('options.name', name);
  if (precision !== undefined) requireString('options.precision', precision);
  checkShapes(shapes);
  return wanted;
}

function objectionTo(
  entry: ManifestEngine,
  { name, precision, shapes }: ManifestWanted,
): string | undefined {
  if (name !== undefined && entry.name !== name) return `it is not "${name}"`;
  const own = entry.facts.options.precision ?? 'fp32';
  if (precision !== undefined && own !== precision) return `its precision is ${own}`;
  const [asked] = checkShapes(shapes);
  if (asked && !holds(entry.facts, asked))
    return `none of its profiles holds ${asked.map(({ input, max }) => `${input} ${max.join('x')}`).join(', ')}`;
  return undefined;
}

/** Does one profile, or the fixed shape, hold all of the ranges? */
function holds(facts: EngineFacts, asked: readonly TrtShapeRange[]): boolean {
  const profiles = facts.profiles.length > 0 ? facts.profiles : [[]];
  return profiles.some((profile) =>
    asked.every(({ input, values, min, max }) => {
      const range = profile.find((item) => item.input === input && item.values === values);
      const shape = values
        ? undefined
        : facts.inputs.find((tensor) => tensor.name === input)?.shape;
      const low = range?.min ?? shape;
      const high = range?.max ?? shape;
      return (
        low?.length === min.length &&
        min.every((dim, i) => dim >= low[i]!) &&
        max.every((dim, i) => dim <= high![i]!)
      );
    }),
  );
}

/** @throws ERR_ENGINE_DESERIALIZE */
export function parseManifest(text: Uint8Array, label: string): EngineManifest {
  if (jsonDepth(text) > maxDepth) throw notOne(label, `has more than ${maxDepth} levels`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch (cause) {
    throw notOne(label, 'is not JSON', cause);
  }
  if (!isObject(value) || value.format !== manifestFormat) throw notOne(label, 'is other JSON');
  if (value.version !== 1) throw notOne(label, 'was written by a later version of this package');
  const { model, engines, failures } = value;
  if (!isObject(model) || typeof model.sha256 !== 'string') throw notOne(label, 'names no model');
  if (!Array.isArray(engines) || !Array.isArray(failures))
    throw notOne(label, 'holds no list of engines');
  for (const [index, entry] of engines.entries()) {
    const sound =
      isObject(entry) &&
      typeof entry.name === 'string' &&
      typeof entry.sha256 === 'string' &&
      Number.isSafeInteger(entry.byteLength) &&
      isObject(entry.target) &&
      checkFacts(entry.facts) !== undefined;
    if (!sound) throw notOne(label, `has an engine ${index} of another form`);
    // A manifest must not lead out of its folder.
    if (!isPlainName(entry.file)) throw notOne(label, `names a file of engine ${index} elsewhere`);
  }
  return value as unknown as EngineManifest;
}

export function isPlainName(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length > 0 &&
    value.length < 256 &&
    value !== '.' &&
    value !== '..' &&
    !/[/\\\0]/.test(value)
  );
}

function notOne(label: string, reason: string, cause?: unknown): TensorRTNodeError {
  return new TensorRTNodeError(
    'ERR_ENGINE_DESERIALIZE',
    `Expected an engine manifest but ${label} ${reason}`,
    { cause },
  );
}
