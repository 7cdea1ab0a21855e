import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { fromNative, TensorRTNodeError } from '../errors';

/** A place where a CPU engine's library was looked for. */
export interface EngineCandidate {
  /** Absolute path of the library, or of the place where it was expected. */
  readonly path: string;
  readonly origin: string;
  /** Whether a file is there. */
  readonly exists: boolean;
  /** Why it was not taken; absent for one that was, or was not tried. */
  readonly reason?: string;
}

/** What is looked for. */
export interface EngineLibrary {
  /** `ONNX Runtime` */
  readonly title: string;
  /** `libonnxruntime.so` */
  readonly fileName: string;
  /** Names the file or its folder; nothing else is tried then. */
  readonly environmentVariable: string;
  /** How to get it. */
  readonly remedy: string;
}

export interface SelectedLibrary<Candidate extends EngineCandidate> {
  readonly path: string;
  readonly version: string;
  readonly candidates: readonly Candidate[];
}

export const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';

export const libraryPathFolders = (): string[] =>
  (process.env.LD_LIBRARY_PATH ?? '').split(':').filter(Boolean);

/** Shortest name first: `libonnxruntime.so.1` before `libonnxruntime.so.1.17.0`. */
export function librariesIn(folder: string, { fileName }: EngineLibrary): string[] {
  return entriesOf(folder)
    .filter(
      (entry) => entry.startsWith(fileName) && /^(\.\d+)*$/.test(entry.slice(fileName.length)),
    )
    .sort((a, b) => a.length - b.length || a.localeCompare(b))
    .map((entry) => path.join(folder, entry));
}

/** The one candidate that is named by an option or by the environment; `inside` are folders of a folder. */
export function explicitCandidate<Origin extends 'option' | 'environment'>(
  given: string,
  origin: Origin,
  library: EngineLibrary,
  inside: readonly string[] = ['.'],
) {
  const file = path.resolve(given);
  const absent = (reason: string) => ({ path: file, origin, exists: false, reason });
  if (!existsSync(file)) return absent('it does not exist');
  if (!statSync(file).isDirectory()) return { path: file, origin, exists: true };
  const [found] = inside.flatMap((part) => librariesIn(path.join(file, part), library));
  if (found !== undefined) return { path: found, origin, exists: true };
  return absent(`the folder holds no ${library.fileName}`);
}

/**
 * The first candidate that loads.
 * @throws ERR_CPU_BACKEND_UNAVAILABLE with the reason of each candidate in `details`
 */
export async function firstThatLoads<Candidate extends EngineCandidate>(
  found: readonly Candidate[],
  library: EngineLibrary,
  probe: (file: string) => Promise<string>,
): Promise<SelectedLibrary<Candidate>> {
  const candidates = [...found];
  for (const [index, candidate] of found.entries()) {
    if (!candidate.exists) continue;
    try {
      return { path: candidate.path, version: await probe(candidate.path), candidates };
    } catch (thrown) {
      candidates[index] = { ...candidate, reason: fromNative(thrown).message };
    }
  }
  throw new TensorRTNodeError('ERR_CPU_BACKEND_UNAVAILABLE', explain(candidates, library), {
    details: candidates.map(({ path: file, reason }) => `${file}: ${reason}`),
  });
}

function explain(candidates: readonly EngineCandidate[], library: EngineLibrary): string {
  const { title, environmentVariable, remedy } = library;
  const [first] = candidates;
  if (first?.origin === 'environment' || first?.origin === 'option') {
    const name = first.origin === 'option' ? 'options.cpu.library' : environmentVariable;
    return `Expected the ${title} library for ${name} but received ${first.path}: ${first.reason}`;
  }
  const present = candidates.find((candidate) => candidate.exists);
  if (present) return `No usable ${title} library was found: ${present.reason}`;
  return `Expected the ${title} library, which runs models on the CPU, but found none. ${remedy}`;
}

/** Remembers what was selected, so that the same library is used throughout; failures are forgotten. */
export class Selections<T> {
  readonly #selected = new Map<string, Promise<T>>();

  constructor(readonly library: EngineLibrary) {}

  /** @param option path that the caller gave; without one the environment decides */
  get(option: string | undefined, select: () => Promise<T>): Promise<T> {
    const key = option ?? `\0${process.env[this.library.environmentVariable] ?? ''}`;
    let selection = this.#selected.get(key);
    if (selection === undefined) {
      selection = select();
      this.#selected.set(key, selection);
      // The library may be installed meanwhile.
      selection.catch(() => this.#selected.delete(key));
    }
    return selection;
  }
}

export function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
