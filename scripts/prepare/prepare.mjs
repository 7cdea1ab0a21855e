import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fromRoot, run, runNode } from './process.mjs';

/** `npm ci` when node_modules is missing or older than the lockfile. @returns {Promise<boolean>} whether it ran */
export async function installPackages() {
  const installed = fromRoot('node_modules', '.package-lock.json');
  const isFresh =
    existsSync(installed) &&
    statSync(installed).mtimeMs >= statSync(fromRoot('package-lock.json')).mtimeMs;
  if (isFresh) return false;
  await run('npm', ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund']);
  return true;
}

/** `npm run setup`: TensorRT's headers and libraries. It skips by itself what is there already. */
export const setUpSdk = ({ tests = false, ...options } = {}) =>
  runNode('scripts/setup.mjs', tests ? ['--tests'] : [], options);

/** Compiles the addon into build/Release, if a source or the SDK changed. @returns {Promise<boolean>} whether it ran */
export const buildNative = () =>
  ifChanged(
    'build/Release/tensorrt_node.node',
    ['native', 'CMakeLists.txt', 'package-lock.json'],
    async () => {
      const cmakeJs = 'node_modules/cmake-js/bin/cmake-js';
      await runNode(cmakeJs, ['configure']);
      await runNode(cmakeJs, ['build', '--parallel', String(parallelJobs)]);
    },
  );

/** Compiles TypeScript into lib, if a source changed. @returns {Promise<boolean>} whether it ran */
export const buildTypeScript = () =>
  ifChanged(
    'lib/cli/main.js',
    ['src', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'],
    () => run('npm', ['run', '--silent', 'build:ts']),
  );

/** Two compilers at once suit the memory that TensorRT's headers take. */
export const parallelJobs = 2;

/**
 * Runs `work` unless the file `product` is there and the digest of the named files and folders, and of the
 * SDK's headers, is the one kept from the last time.
 */
async function ifChanged(product, sources, work) {
  const digest = createHash('sha256');
  for (const source of sources) addToDigest(digest, fromRoot(source));
  for (const version of sdkHeaderVersions()) digest.update(version);
  const value = digest.digest('hex');
  const stampFile = fromRoot('build', 'stamps', product.replaceAll('/', '.'));
  const isKnown = existsSync(stampFile) && readFileSync(stampFile, 'utf8') === value;
  if (isKnown && existsSync(fromRoot(product))) return false;
  await work();
  mkdirSync(path.dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, value);
  return true;
}

function addToDigest(digest, file) {
  if (statSync(file).isDirectory()) {
    for (const name of readdirSync(file).sort()) addToDigest(digest, path.join(file, name));
    return;
  }
  digest.update(path.relative(fromRoot(), file)).update(readFileSync(file));
}

function sdkHeaderVersions() {
  const folder = fromRoot('.sdk', 'headers');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((flavor) => path.join(folder, flavor, 'NvInferVersion.h'))
    .filter((file) => existsSync(file))
    .map((file) => file + readFileSync(file, 'utf8'));
}
