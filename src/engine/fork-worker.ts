import { type ChildProcess, type ForkOptions, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { TensorRTNodeError } from '../errors';
import { packageRoot } from '../native/binding';

/**
 * Starts a compiled worker of this folder, `<name>.js`, in a process of its own: always the compiled one,
 * since it runs plain Node, whatever runs the caller's TypeScript.
 *
 * Works under Electron: its executable is told to be Node, and a worker that is packed into an `app.asar` is
 * taken from `app.asar.unpacked` where it lies there too. TENSORRT_NODE_EXEC_PATH names another executable,
 * for an Electron whose `RunAsNode` fuse is off.
 */
export function forkWorker(
  name: string,
  options: Required<Pick<ForkOptions, 'stdio'>>,
): ChildProcess {
  const env: NodeJS.ProcessEnv = { ...process.env, ELECTRON_RUN_AS_NODE: '1' };
  // Loaders and inspectors of the caller have no business there.
  delete env.NODE_OPTIONS;
  return fork(workerFile(name), [], {
    env,
    execPath: env.TENSORRT_NODE_EXEC_PATH || process.execPath,
    execArgv: [],
    ...options,
  });
}

/** @throws ERR_IO when the package lies in an archive that the worker's Node could not read. */
export function workerFile(name: string, root = packageRoot): string {
  const file = path.join(root, 'lib', 'engine', `${name}.js`);
  const unpacked = file.replace(/\.asar(?=[\\/])/, '.asar.unpacked');
  if (unpacked === file) return file;
  if (existsSync(unpacked)) return unpacked;
  // Electron's own Node reads archives, no other does.
  if (process.versions.electron !== undefined && !process.env.TENSORRT_NODE_EXEC_PATH) return file;
  throw new TensorRTNodeError(
    'ERR_IO',
    `Expected the build worker outside of an asar archive but received ${file}; add "**/node_modules/tensorrt-node/**" and "**/node_modules/node-gyp-build/**" to asarUnpack`,
  );
}
