import { existsSync } from 'node:fs';
import path from 'node:path';
import { fromRoot, probe, run, StepError } from './process.mjs';

const minimum = { node: 20, cmake: [3, 21] };
/** Python wheels that stand in for tools the system lacks; exact versions, kept in .sdk/tools. */
const wheels = {
  cmake: 'cmake==3.31.6',
  ninja: 'ninja==1.11.1.4',
  clangFormat: 'clang-format==19.1.7',
  clangTidy: 'clang-tidy==19.1.0.1',
};
const toolsFolder = fromRoot('.sdk', 'tools');

/**
 * Makes sure that everything the build needs is at hand, and puts tools of our own on the PATH.
 *
 * Node, npm and a C++17 compiler must be there. CMake and Ninja are taken from the system or, in their
 * absence, from PyPI into `.sdk/tools` (no root needed).
 *
 * @returns {Promise<string[]>} one line a tool, for the report
 * @throws {StepError} naming what is missing and how to get it
 */
export async function ensureTools() {
  const missing = [];
  const found = [];
  const major = Number(process.versions.node.split('.')[0]);
  if (major < minimum.node)
    missing.push(
      `Node.js ${minimum.node} or later (this is ${process.versions.node}): https://nodejs.org`,
    );
  found.push(`node ${process.versions.node}`);
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch))
    missing.push(`Linux on x64 or arm64 (this is ${process.platform}-${process.arch})`);

  const npm = await probe('npm');
  if (npm) found.push(`npm ${npm}`);
  else missing.push('npm, which comes with Node.js');

  const compiler = await findCompiler();
  if (compiler) found.push(compiler);
  else
    missing.push(
      'a C++17 compiler: "apt-get install g++" (Debian, Ubuntu) or "dnf install gcc-c++" (Fedora, RHEL)',
    );
  if (missing.length > 0) throw new StepError(`Missing here:\n  - ${missing.join('\n  - ')}`);

  usePackagedTools();
  found.push(await ensureCMake(), await ensureGenerator());
  return found;
}

async function findCompiler() {
  for (const command of [process.env.CXX, 'g++', 'c++', 'clang++'].filter(Boolean)) {
    const version = await probe(command);
    if (version) return version.split('\n')[0];
  }
  return undefined;
}

/** Version of the CMake on PATH if it is recent enough, else undefined. */
async function usableCMake() {
  const match = (await probe('cmake'))?.match(/version ((\d+)\.(\d+)\.\S+)/);
  if (!match) return undefined;
  const [major, minor] = minimum.cmake;
  const [, version, foundMajor, foundMinor] = match;
  const isEnough =
    Number(foundMajor) > major || (Number(foundMajor) === major && Number(foundMinor) >= minor);
  return isEnough ? version : undefined;
}

async function ensureCMake() {
  const version = (await usableCMake()) ?? (await installWheel(wheels.cmake).then(usableCMake));
  if (!version)
    throw new StepError(
      `CMake ${minimum.cmake.join('.')} or later is missing: "apt-get install cmake ninja-build" or "pip install ${wheels.cmake}"`,
    );
  return `cmake ${version}`;
}

async function ensureGenerator() {
  const ninja =
    (await probe('ninja')) ?? (await installWheel(wheels.ninja).then(() => probe('ninja')));
  if (ninja) return `ninja ${ninja}`;
  const make = await probe('make');
  if (make) return make.split('\n')[0];
  throw new StepError('Ninja or make is missing: "apt-get install ninja-build"');
}

/** The pinned clang-format, or undefined where it cannot be had: layouts differ between versions. */
export async function ensureClangFormat() {
  const binary = path.join(toolsFolder, 'clang_format', 'data', 'bin', 'clang-format');
  if (!existsSync(binary)) await installWheel(wheels.clangFormat);
  return existsSync(binary) ? binary : undefined;
}

/** The pinned clang-tidy, or undefined where it cannot be had. */
export async function ensureClangTidy() {
  const binary = path.join(toolsFolder, 'clang_tidy', 'data', 'bin', 'clang-tidy');
  if (!existsSync(binary)) await installWheel(wheels.clangTidy);
  return existsSync(binary) ? binary : undefined;
}

async function installWheel(requirement) {
  for (const python of ['python3', 'python']) {
    if (!(await probe(python, ['-m', 'pip', '--version']))) continue;
    const { code } = await run(
      python,
      // biome-ignore format: one argument list
      ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--upgrade', '--target', toolsFolder, requirement],
      { allowFailure: true },
    );
    if (code === 0) {
      usePackagedTools();
      return;
    }
  }
}

function usePackagedTools() {
  const folders = [path.join(toolsFolder, 'cmake', 'data', 'bin'), path.join(toolsFolder, 'bin')];
  const current = process.env.PATH.split(path.delimiter);
  const extra = folders.filter((folder) => existsSync(folder) && !current.includes(folder));
  process.env.PATH = [...current, ...extra].join(path.delimiter);
}
