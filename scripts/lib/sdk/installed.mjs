// What is there already: in .sdk/, by its manifest, or on the system.
import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { readJson, sha256, writeJson } from '../files.mjs';

const manifestFile = (sdk) => path.join(sdk, 'manifest.json');

export function readManifest(sdk) {
  const manifest = readJson(manifestFile(sdk));
  return manifest?.schema === 1 ? manifest : { schema: 1, parts: {} };
}

/** Records one installed part; read anew, since another set-up may have written meanwhile. */
export function recordPart(sdk, part, files) {
  const manifest = readManifest(sdk);
  const { name, version, sha256: digest, kind } = part.archive;
  manifest.parts[part.id] = {
    version: part.version,
    licence: part.licence,
    target: part.target,
    archive: { kind, name, version, sha256: digest },
    files,
  };
  writeJson(manifestFile(sdk), manifest);
}

/**
 * Whether the manifest names this very part and its files are there with their sizes, or, when `deep`, with
 * their digests.
 */
export async function isInstalled(sdk, part, deep) {
  const entry = readManifest(sdk).parts[part.id];
  if (!entry || entry.archive.sha256 !== part.archive.sha256 || entry.version !== part.version)
    return false;
  for (const [name, { bytes, sha256: digest }] of Object.entries(entry.files)) {
    const file = path.join(sdk, entry.target, name);
    if (statSync(file, { throwIfNoEntry: false })?.size !== bytes) return false;
    if (deep && (await sha256(file)) !== digest) return false;
  }
  return Object.keys(entry.files).length > 0;
}

/** Folder of the system that holds what the part would bring, or undefined. */
export function findOnSystem(part) {
  if (part.systemHeaders) return headerFolders().find((folder) => fits(folder, part.systemHeaders));
  if (part.systemLibraries) {
    return libraryFolders().find((folder) => hasLibraries(folder, part.systemLibraries));
  }
  return undefined;
}

const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';

/** The folders that native/trt/CMakeLists.txt looks into, after .sdk/. */
function headerFolders() {
  const root = process.env.TENSORRT_ROOT;
  return [
    ...(root ? [path.join(root, 'include'), path.join(root, 'include', triplet), root] : []),
    path.join('/usr/include', triplet),
    '/usr/include',
  ];
}

function libraryFolders() {
  const { TENSORRT_ROOT: root, CUDA_HOME: cuda, LD_LIBRARY_PATH: paths = '' } = process.env;
  return [
    ...(root
      ? [path.join(root, 'lib'), path.join(root, 'lib64'), path.join(root, 'lib', triplet), root]
      : []),
    ...paths.split(':').filter(Boolean),
    ...(cuda ? [path.join(cuda, 'lib64')] : []),
    path.join('/usr/lib', triplet),
    '/usr/lib64',
    '/usr/local/lib',
  ];
}

/**
 * Whether the folder holds all libraries, of the oldest usable version at least. All versions of one major
 * share a file name, so the version is that of the file behind the link, or of the headers beside; where
 * neither tells it, the library does not count.
 */
function hasLibraries(folder, { names, oldest }) {
  if (!names.every((name) => existsSync(path.join(folder, name)))) return false;
  const file = path.basename(realpathSync(path.join(folder, names[0])));
  const version =
    file
      .match(/\.so\.(\d+)\.(\d+)/)
      ?.slice(1)
      .map(Number) ?? headerVersion(path.join(folder, '..', 'include'));
  return version !== undefined && isAtLeast(version, oldest);
}

/** Headers of the same major version as `oldest`, and not older. */
function fits(folder, oldest) {
  if (
    !existsSync(path.join(folder, 'NvInfer.h')) ||
    !existsSync(path.join(folder, 'NvOnnxParser.h'))
  )
    return false;
  const version = headerVersion(folder);
  return version !== undefined && isAtLeast(version, oldest);
}

/** `[major, minor]` that NvInferVersion.h in `folder` states, or undefined. */
function headerVersion(folder) {
  let text;
  try {
    text = readFileSync(path.join(folder, 'NvInferVersion.h'), 'utf8');
  } catch {
    return undefined;
  }
  const read = (part) =>
    Number(
      text.match(new RegExp(`#define +(?:NV_TENSORRT_${part}|TRT_${part}_[A-Z]+) +(\\d+)`))?.[1],
    );
  return [read('MAJOR'), read('MINOR')];
}

/** The same major version, and a minor one that is not older. */
function isAtLeast([major, minor], oldest) {
  const [wantedMajor, wantedMinor] = oldest.split('.').map(Number);
  return major === wantedMajor && minor >= wantedMinor;
}
