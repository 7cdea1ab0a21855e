import { existsSync } from 'node:fs';
import path from 'node:path';
import { fromRoot, probe, run } from '../prepare/process.mjs';

/** Versions of Node beside the current one that the addon and the package are tested on. */
export const otherNodes = ['24.21.0', '22.23.3', '26.10.0'];

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
    throw new Error(`Expected Node ${version} at ${binary} but it says ${actual}`);
  return binary;
}

/** Environment in which `node`, and `npm` with it, are those of `binary`. */
export const environmentOf = (binary) => ({
  PATH: [path.dirname(binary), process.env.PATH].join(path.delimiter),
});
