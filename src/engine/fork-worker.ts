import { type ChildProcess, type ForkOptions, fork } from 'node:child_process';
import path from 'node:path';
import { packageRoot } from '../native/binding';

/**
 * Starts a compiled worker of this folder, `<name>.js`, in a process of its own: always the compiled one,
 * since it runs plain Node, whatever runs the caller's TypeScript. Works under Electron.
 */
export function forkWorker(
  name: string,
  options: Required<Pick<ForkOptions, 'execArgv' | 'stdio'>>,
): ChildProcess {
  const env: NodeJS.ProcessEnv = { ...process.env, ELECTRON_RUN_AS_NODE: '1' };
  // Loaders and inspectors of the caller have no business there.
  delete env.NODE_OPTIONS;
  return fork(path.join(packageRoot, 'lib', 'engine', `${name}.js`), [], { env, ...options });
}
