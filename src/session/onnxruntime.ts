import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { native, packageRoot } from '../native/binding';
import {
  type EngineCandidate,
  type EngineLibrary,
  entriesOf,
  explicitCandidate,
  firstThatLoads,
  librariesIn,
  libraryPathFolders,
  type SelectedLibrary,
  Selections,
  triplet,
} from './engine-library';

/** A place where the ONNX Runtime library was looked for. */
export interface OnnxRuntimeCandidate extends EngineCandidate {
  readonly origin: 'option' | 'environment' | 'onnxruntime-node' | 'system';
}

export type OnnxRuntimeLibrary = SelectedLibrary<OnnxRuntimeCandidate>;

const library: EngineLibrary = {
  title: 'ONNX Runtime',
  fileName: 'libonnxruntime.so',
  environmentVariable: 'TENSORRT_NODE_ONNXRUNTIME',
  remedy: 'Install it with "npm install onnxruntime-node --ignore-scripts".',
};

/**
 * Where the CPU backend's library may be, best first; nothing is loaded.
 *
 * A path given by option or by `TENSORRT_NODE_ONNXRUNTIME` (a file or its folder) is the only candidate.
 * Else: the package onnxruntime-node as the program, as this package and as the working directory resolve
 * it, then `LD_LIBRARY_PATH` and the system's library folders. The program comes first because it may load
 * onnxruntime-node too: two versions in a process only work if that package loads its own first.
 */
export function findOnnxRuntime(option?: string): OnnxRuntimeCandidate[] {
  if (option !== undefined) return [explicitCandidate(option, 'option', library)];
  const fromEnvironment = process.env[library.environmentVariable];
  if (fromEnvironment) return [explicitCandidate(fromEnvironment, 'environment', library)];
  const candidates: OnnxRuntimeCandidate[] = [];
  for (const root of new Set([...programFolder(), packageRoot, process.cwd()])) {
    const folder = packageFolder(root);
    const libraries = folder === undefined ? [] : librariesOfPackage(folder);
    for (const file of libraries) {
      if (!candidates.some((known) => known.path === file)) {
        candidates.push({ path: file, origin: 'onnxruntime-node', exists: true });
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
    for (const file of librariesIn(folder, library)) {
      candidates.push({ path: file, origin: 'system', exists: true });
    }
  }
  return candidates;
}

const selections = new Selections<OnnxRuntimeLibrary>(library);

/**
 * The first candidate that loads and is recent enough. Remembered, so that the same one is used throughout.
 * @throws ERR_CPU_BACKEND_UNAVAILABLE with the reason of each candidate in `details`
 */
export function selectOnnxRuntime(option?: string): Promise<OnnxRuntimeLibrary> {
  return selections.get(option, () => selectFrom(findOnnxRuntime(option)));
}

/** @internal selectOnnxRuntime() among given candidates, not remembered. */
export function selectFrom(found: readonly OnnxRuntimeCandidate[]): Promise<OnnxRuntimeLibrary> {
  return firstThatLoads(found, library, (file) => native().cpuRuntimeProbe(file));
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
    .flatMap((entry) =>
      librariesIn(path.join(folder, 'bin', entry, 'linux', process.arch), library),
    );
}

function systemFolders(): string[] {
  return [
    ...libraryPathFolders(),
    '/usr/local/lib',
    `/usr/lib/${triplet}`,
    '/usr/lib64',
    '/usr/lib',
    '/opt/onnxruntime/lib',
  ];
}
