import { execFile } from 'node:child_process';
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { packageRoot } from '../native/binding';

/**
 * How a library was found: `environment` by TENSORRT_NODE_LIBRARY_PATH or TENSORRT_ROOT, `setup` in this
 * package's .sdk/, `library-path` in LD_LIBRARY_PATH, `loader` by `ldconfig -p`, `system` in a usual folder,
 * `python` in the packages of a Python.
 */
export type LibraryOrigin =
  | 'environment'
  | 'setup'
  | 'library-path'
  | 'loader'
  | 'system'
  | 'python';

/** A file that is, by its name, TensorRT; or a place that was named and holds none. */
export interface LibraryPlace {
  readonly path: string;
  readonly origin: LibraryOrigin;
  /** The ONNX parser beside it. */
  readonly parserPath?: string;
  /** Why there is nothing to look into. */
  readonly missing?: string;
}

export const libraryVariable = 'TENSORRT_NODE_LIBRARY_PATH';
const rootVariable = 'TENSORRT_ROOT';

/** `libnvinfer.so.10`, `libtensorrt_rtx.so.1.7.1`; not `libnvinfer_plugin.so.10`. */
const libraryName = /^lib(nvinfer|tensorrt_rtx)\.so(\.\d+)*$/;

const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';

/**
 * Every TensorRT library on this machine, best first, each file once; nothing is loaded.
 *
 * TENSORRT_NODE_LIBRARY_PATH (a file or a folder) is the only place when it is set.
 */
export async function findLibraryPlaces(): Promise<LibraryPlace[]> {
  const only = process.env[libraryVariable];
  if (only) return namedPlace(path.resolve(only), libraryVariable);

  const [fromLoader, pythonFolders] = await Promise.all([loaderFiles(), pythonPackageFolders()]);
  const files: [LibraryOrigin, string[]][] = [
    ['setup', librariesIn(path.join(packageRoot, '.sdk', 'lib', 'rtx1'))],
    ['library-path', listOf(process.env.LD_LIBRARY_PATH).flatMap(librariesIn)],
    ['loader', fromLoader],
    ['system', systemFolders().flatMap(librariesIn)],
    ['python', pythonFolders.flatMap(librariesIn)],
  ];
  const places = rootPlaces();
  for (const [origin, paths] of files) places.push(...paths.map((file) => placeOf(file, origin)));
  return eachOnce(places);
}

function placeOf(file: string, origin: LibraryOrigin): LibraryPlace {
  const parserPath = parserBeside(file);
  return { path: file, origin, ...(parserPath === undefined ? {} : { parserPath }) };
}

function namedPlace(given: string, variable: string): LibraryPlace[] {
  const origin = 'environment';
  const kind = statSync(given, { throwIfNoEntry: false });
  if (!kind)
    return [{ path: given, origin, missing: `${variable} names it and it does not exist` }];
  if (!kind.isDirectory()) return [placeOf(given, origin)];
  const found = librariesIn(given);
  if (found.length > 0) return eachOnce(found.map((file) => placeOf(file, origin)));
  return [
    { path: given, origin, missing: `${variable} names it and it holds no TensorRT library` },
  ];
}

function rootPlaces(): LibraryPlace[] {
  const root = process.env[rootVariable];
  if (!root) return [];
  const folders = ['lib', 'lib64', path.join('lib', triplet), ''].map((part) =>
    path.join(path.resolve(root), part),
  );
  const found = folders.flatMap(librariesIn);
  if (found.length === 0) return namedPlace(path.resolve(root), rootVariable);
  return found.map((file) => placeOf(file, 'environment'));
}

function eachOnce(places: readonly LibraryPlace[]): LibraryPlace[] {
  const seen = new Set<string>();
  return places.filter(({ path: file }) => {
    const real = realPath(file);
    if (seen.has(real)) return false;
    seen.add(real);
    return true;
  });
}

/** The ONNX parser of the same product in the same folder, by its own name or by the name it links to. */
function parserBeside(file: string): string | undefined {
  for (const candidate of [file, realPath(file)]) {
    const folder = path.dirname(candidate);
    const name = path.basename(candidate);
    const parser = name
      .replace('nvinfer', 'nvonnxparser')
      .replace('tensorrt_rtx', 'tensorrt_onnxparser_rtx');
    if (parser === name) continue;
    // A link to libnvinfer.so.10 alone, or the full version alone, may be there of either of the two.
    const stem = parser.replace(/\.so.*$/, '.so');
    const major = /\.so\.(\d+)/.exec(parser)?.[1];
    const names = [parser, ...(major ? [`${stem}.${major}`] : []), stem];
    const others = entriesOf(folder).filter(
      (entry) => major !== undefined && entry.startsWith(`${stem}.${major}.`),
    );
    const found = [...names, ...others].find((entry) => existsSync(path.join(folder, entry)));
    if (found) return path.join(folder, found);
  }
  return undefined;
}

/** What `ldconfig` has in its cache, of this processor's kind. */
async function loaderFiles(): Promise<string[]> {
  const tool = ['/sbin/ldconfig', '/usr/sbin/ldconfig'].find(existsSync) ?? 'ldconfig';
  const listing = await outputOf(tool, ['-p']);
  const kind = process.arch === 'arm64' ? 'AArch64' : 'x86-64';
  return listing.split('\n').flatMap((line) => {
    const match = /^\s*(\S+) \((.*)\) => (.+)$/.exec(line);
    return match && libraryName.test(match[1]!) && match[2]!.includes(kind) ? [match[3]!] : [];
  });
}

function systemFolders(): string[] {
  const matching = (parent: string, prefix: string, ...rest: string[]): string[] =>
    entriesOf(parent)
      .filter((entry) => entry.toLowerCase().startsWith(prefix))
      .sort()
      .reverse()
      .map((entry) => path.join(parent, entry, ...rest));
  return [
    path.join('/usr/lib', triplet),
    '/usr/lib64',
    '/usr/local/lib',
    ...matching('/usr/local', 'cuda', 'lib64'),
    ...matching('/usr/local', 'cuda', 'targets', `${triplet.split('-')[0]}-linux`, 'lib'),
    ...matching('/usr/local', 'tensorrt', 'lib'),
    ...matching('/opt', 'tensorrt', 'lib'),
  ];
}

/** The folders in which NVIDIA's Python packages keep their libraries. */
async function pythonPackageFolders(): Promise<string[]> {
  return (await pythonSites()).flatMap((site) => [
    path.join(site, 'tensorrt_libs'),
    path.join(site, 'tensorrt_rtx_libs'),
  ]);
}

/** The site-packages of VIRTUAL_ENV, of CONDA_PREFIX, of the user, and of `python3` on the PATH. */
export async function pythonSites(): Promise<string[]> {
  const prefixes = [
    process.env.VIRTUAL_ENV,
    process.env.CONDA_PREFIX,
    path.join(os.homedir(), '.local'),
  ];
  return [
    ...prefixes.flatMap((prefix) => (prefix ? sitePackagesOf(prefix) : [])),
    ...(await sitesOfPython()),
  ];
}

function sitePackagesOf(prefix: string): string[] {
  return entriesOf(path.join(prefix, 'lib'))
    .filter((entry) => /^python3/.test(entry))
    .map((entry) => path.join(prefix, 'lib', entry, 'site-packages'));
}

/** Asked once a process and PATH: starting Python takes longer than all the rest. */
const askedPython = new Map<string, Promise<string[]>>();

function sitesOfPython(): Promise<string[]> {
  const key = process.env.PATH ?? '';
  let answer = askedPython.get(key);
  if (answer === undefined) {
    const program =
      'import site; print("\\n".join(site.getsitepackages() + [site.getusersitepackages()]))';
    answer = outputOf('python3', ['-c', program]).then((text) =>
      text.split('\n').filter((line) => path.isAbsolute(line)),
    );
    askedPython.set(key, answer);
  }
  return answer;
}

/** What a program prints, or an empty string where it is absent, fails or takes longer than 5 s. */
function outputOf(command: string, args: string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(
      command,
      args,
      { timeout: 5000, killSignal: 'SIGKILL', maxBuffer: 16 * 2 ** 20 },
      (error, stdout) => resolve(error ? '' : stdout),
    );
  });
}

/** Newest product first; of the names of one file the shortest with a major version: `libnvinfer.so.10`. */
function librariesIn(folder: string): string[] {
  const rank = (name: string): number => {
    const major = Number(/\.so\.(\d+)/.exec(name)?.[1] ?? -1);
    return major < 0 ? 1000 : -major;
  };
  return entriesOf(folder)
    .filter((entry) => libraryName.test(entry))
    .sort((a, b) => rank(a) - rank(b) || a.length - b.length || a.localeCompare(b))
    .map((entry) => path.join(folder, entry));
}

function listOf(variable: string | undefined): string[] {
  return (variable ?? '').split(':').filter(Boolean);
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
