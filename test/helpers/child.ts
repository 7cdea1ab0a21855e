import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from './data';

/** The compiled package, which child processes and worker threads load. */
export const builtPackage = path.join(projectRoot, 'lib', 'index.js');

/**
 * Runs a CommonJS script in a child process; `pkg` in it is the compiled package. Resolves with what it
 * printed, rejects with its exit code, signal and stderr. `nodeOptions` come before the script.
 */
export async function runChild(script: string, nodeOptions: string[] = []): Promise<string> {
  if (!existsSync(builtPackage)) throw new Error('run "npm run build" first: lib/ is missing');
  const prelude = `const pkg = require(${JSON.stringify(builtPackage)});`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...nodeOptions, '-e', prelude + script],
    { cwd: projectRoot, timeout: 120_000, maxBuffer: 2 ** 24 },
  );
  return stdout.trim();
}
