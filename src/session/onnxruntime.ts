import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fromNative, TensorRTNodeError } from '../errors';
import { native, packageRoot } from '../native/binding';

/** A place where the ONNX Runtime library was looked for. */
export interface OnnxRuntimeCandidate {
  /** Absolute path of the library, or of the place where it was expected. */
  readonly path: string;
  readonly origin: 'option' | 'environment' | 'onnxruntime-node' | 'system';
  /** Whether a file is there. */
  readonly exists: boolean;
  /** Why it was not taken; absent for one that was, or was not tried. */
  readonly reason?: string;
}

export interface OnnxRuntimeLibrary {
  readonly path: string;
  readonly version: string;
  readonly candidates: readonly OnnxRuntimeCandidate[];
}

const environmentVariable = 'TENSORRT_NODE_ONNXRUNTIME';
const fileName = /^libonnxruntime\.so(\.\d+)*$/;

/**
 * Where the CPU backend's library may be, best first; nothing is loaded.
 *
 * A path given by option or by `TENSORRT_NODE_ONNXRUNTIME` (a file or its folder) is the only candidate.
 * Else: the package onnxruntime-node as the program, as this package and as the working directory resolve
 * it, then `LD_LIBRARY_PATH` and the system's library folders. The program comes first because it may load
 * onnxruntime-node too: two versions in a process only work if that package loads its own first.
 */
export function findOnnxRuntime(option?: string): OnnxRuntimeCandidate[] {
  if (option !== undefined) return [explicit(option, 'option')];
  const fromEnvironment = process.env[environmentVariable];
  if (fromEnvironment) return [explicit(fromEnvironment, 'environment')];
  const candidates: OnnxRuntimeCandidate[] = [];
  for (const root of new Set([...programFolder(), packageRoot, process.cwd()])) {
    const folder = packageFolder(root);
    const libraries = folder === undefined ? [] : librariesOfPackage(folder);
    for (const library of libraries) {
      if (!candidates.some((known) => known.path === library)) {
        candidates.push({ path: library, origin: 'onnxruntime-node', exists: true });
      }
    }
    if (libraries.length === 0) {
      candidates.push({
        path: path.join(folder ?? path.join(root, 'node_modules', 'onnxruntime-node'), 'bin'),
        origin: 'onnxruntime-node',
        exists: false,
        reason:
          folder === undefined
            ? 'the package is not installed'
            : `the package holds no library for linux/${process.arch}`,
      });
    }
  }
  for (const folder of systemFolders()) {
    for (const library of librariesIn(folder)) {
      candidates.push({ path: library, origin: 'system', exists: true });
    }
  }
  return candidates;
}

const selected = new Map<string, Promise<OnnxRuntimeLibrary>>();

/**
 * The first candidate that loads and is recent enough. Remembered, so that the same one is used throughout.
 * @throws ERR_CPU_BACKEND_UNAVAILABLE with the reason of each candidate in `details`
 */
export function selectOnnxRuntime(option?: string): Promise<OnnxRuntimeLibrary> {
  const key = option ?? `\0${process.env[environmentVariable] ?? ''}`;
  let selection = selected.get(key);
  if (selection === undefined) {
    selection = selectFrom(findOnnxRuntime(option));
    selected.set(key, selection);
    // A failure is not remembered: the package may be installed meanwhile.
    selection.catch(() => selected.delete(key));
  }
  return selection;
}

/** @internal selectOnnxRuntime() among given candidates, not remembered. */
export async function selectFrom(
  found: readonly OnnxRuntimeCandidate[],
): Promise<OnnxRuntimeLibrary> {
  const addon = native();
  const candidates = [...found];
  for (const [index, candidate] of found.entries()) {
    if (!candidate.exists) continue;
    try {
      const version = await addon.cpuRuntimeProbe(candidate.path);
      return { path: candidate.path, version, candidates };
    } catch (thrown) {
      candidates[index] = { ...candidate, reason: fromNative(thrown).message };
    }
  }
  throw new TensorRTNodeError('ERR_CPU_BACKEND_UNAVAILABLE', explain(candidates), {
    details: candidates.map(({ path: file, reason }) => `${file}: ${reason}`),
  });
}

function explain(candidates: readonly OnnxRuntimeCandidate[]): string {
  const [first] = candidates;
  if (first?.origin === 'environment' || first?.origin === 'option') {
    const name = first.origin === 'option' ? 'options.cpu.library' : environmentVariable;
    return `Expected the ONNX Runtime library for ${name} but received ${first.path}: ${first.reason}`;
  }
  const present = candidates.find((candidate) => candidate.exists);
  if (present) return `No usable ONNX Runtime library was found: ${present.reason}`;
  return (
    'Expected the ONNX Runtime library, which runs models on the CPU, but found none. ' +
    'Install it with "npm install onnxruntime-node --ignore-scripts".'
  );
}

function explicit(given: string, origin: 'option' | 'environment'): OnnxRuntimeCandidate {
  const file = path.resolve(given);
  if (!existsSync(file)) return { path: file, origin, exists: false, reason: 'it does not exist' };
  if (!statSync(file).isDirectory()) return { path: file, origin, exists: true };
  const [library] = librariesIn(file);
  if (library !== undefined) return { path: library, origin, exists: true };
  return { path: file, origin, exists: false, reason: 'the folder holds no libonnxruntime.so' };
}

/** Folder of the script that Node was started with. */
function programFolder(): string[] {
  const script = process.argv[1];
  try {
    return script === undefined ? [] : [path.dirname(realpathSync(script))];
  } catch {
    return [];
  }
}

function packageFolder(root: string): string | undefined {
  try {
    const require = createRequire(path.join(root, 'package.json'));
    return path.dirname(require.resolve('onnxruntime-node/package.json'));
  } catch {
    return undefined;
  }
}

/** The package keeps its files under bin/napi-v<N>/<platform>/<arch>. */
function librariesOfPackage(folder: string): string[] {
  return entriesOf(path.join(folder, 'bin'))
    .filter((entry) => entry.startsWith('napi-v'))
    .flatMap((entry) => librariesIn(path.join(folder, 'bin', entry, 'linux', process.arch)));
}

function systemFolders(): string[] {
  const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const fromEnvironment = (process.env.LD_LIBRARY_PATH ?? '').split(':').filter(Boolean);
  return [
    ...fromEnvironment,
    '/usr/local/lib',
    `/usr/lib/${triplet}`,
    '/usr/lib64',
    '/usr/lib',
    '/opt/onnxruntime/lib',
  ];
}

/** Shortest name first: `libonnxruntime.so.1` before `libonnxruntime.so.1.17.0`. */
function librariesIn(folder: string): string[] {
  return entriesOf(folder)
    .filter((entry) => fileName.test(entry))
    .sort((a, b) => a.length - b.length || a.localeCompare(b))
    .map((entry) => path.join(folder, entry));
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
