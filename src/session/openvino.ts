import path from 'node:path';
import { pythonSites } from '../engine/library-places';
import { native } from '../native/binding';
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

/** A place where OpenVINO's C library was looked for. */
export interface OpenVinoCandidate extends EngineCandidate {
  readonly origin: 'option' | 'environment' | 'python' | 'system';
}

export type OpenVinoLibrary = SelectedLibrary<OpenVinoCandidate>;

const library: EngineLibrary = {
  title: 'OpenVINO',
  fileName: 'libopenvino_c.so',
  environmentVariable: 'TENSORRT_NODE_OPENVINO',
  remedy: 'Install it with "pip install openvino".',
};

/** Of an installation as Intel's archives unpack. */
const runtimeFolder = path.join('runtime', 'lib', process.arch === 'arm64' ? 'aarch64' : 'intel64');
const inside = ['.', 'libs', path.join('openvino', 'libs'), runtimeFolder];

/**
 * Where OpenVINO's C library may be, best first; nothing is loaded.
 *
 * A path given by option or by `TENSORRT_NODE_OPENVINO` (a file, its folder, or the folder of an
 * installation) is the only candidate. Else: `LD_LIBRARY_PATH`, `INTEL_OPENVINO_DIR`, the Python package
 * openvino, and the system's library folders.
 */
export async function findOpenVino(option?: string): Promise<OpenVinoCandidate[]> {
  if (option !== undefined) return [explicitCandidate(option, 'option', library, inside)];
  const { TENSORRT_NODE_OPENVINO: fromEnvironment, INTEL_OPENVINO_DIR: installation } = process.env;
  if (fromEnvironment) return [explicitCandidate(fromEnvironment, 'environment', library, inside)];
  const inFolders = (folders: string[], origin: OpenVinoCandidate['origin']): OpenVinoCandidate[] =>
    folders
      .flatMap((folder) => librariesIn(folder, library).slice(0, 1))
      .map((file) => ({ path: file, origin, exists: true }));
  const named = installation ? [path.join(installation, runtimeFolder)] : [];
  const sites = await pythonSites();
  return [
    ...inFolders([...libraryPathFolders(), ...named], 'environment'),
    ...inFolders(
      [...new Set(sites)].map((site) => path.join(site, 'openvino', 'libs')),
      'python',
    ),
    ...inFolders(systemFolders(), 'system'),
  ];
}

const selections = new Selections<OpenVinoLibrary>(library);

/**
 * The first candidate that loads. Remembered, so that the same one is used throughout.
 * @throws ERR_CPU_BACKEND_UNAVAILABLE with the reason of each candidate in `details`
 */
export function selectOpenVino(option?: string): Promise<OpenVinoLibrary> {
  return selections.get(option, async () =>
    firstThatLoads(await findOpenVino(option), library, (file) =>
      native().cpuRuntimeProbe(file, 'openvino'),
    ),
  );
}

function systemFolders(): string[] {
  const installations = entriesOf('/opt/intel')
    .filter((entry) => entry.startsWith('openvino'))
    .map((entry) => path.join('/opt/intel', entry, runtimeFolder));
  return ['/usr/local/lib', `/usr/lib/${triplet}`, '/usr/lib64', ...installations];
}
