import { existsSync } from 'node:fs';
import path from 'node:path';
import { fromRoot, probe, run, StepError } from '../prepare/process.mjs';

/** Versions of Node beside the current one, and the tests that run on each: all that differs by version. */
export const otherNodes = {
  '24.21.0': ['test/unit', 'test/process', 'test/session', 'test/package'],
  '22.23.3': ['test/unit/buffer', 'test/process/task-runner', 'test/session'],
  '26.10.0': ['test/unit/buffer', 'test/process/task-runner', 'test/session'],
};

/**
 * The binary of a Node version, from the npm package that holds it, kept under .sdk/node.
 *
 * @returns {Promise<string>} path of the `node` binary
 */
export async function ensureNode(version) {
  const folder = fromRoot('.sdk', 'node', version);
  const binary = path.join(folder, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');
  if (!existsSync(binary)) {
    const spec = `node-linux-${process.arch}@${version}`;
    await run('npm', [
      'install',
      '--prefix',
      folder,
      '--no-save',
      '--no-package-lock',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      spec,
    ]);
  }
  const actual = await probe(binary);
  if (actual !== `v${version}`)
    throw new StepError(`Expected Node ${version} at ${binary} but it says ${actual}`);
  return binary;
}

/** Environment in which `node`, and `npm` with it, are those of `binary`. */
export const environmentOf = (binary) => ({
  PATH: [path.dirname(binary), process.env.PATH].join(path.delimiter),
});
