import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectRoot = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
export const fromRoot = (...parts) => path.join(projectRoot, ...parts);

/** A step that cannot go on; its message is for a person, without a stack. */
export class StepError extends Error {
  constructor(message, output = '') {
    super(message);
    this.name = 'StepError';
    this.output = output;
  }
}

/**
 * Runs a program in the project root.
 *
 * With `live` its output goes to the terminal as it comes; without, it is kept and its end is shown by
 * {@link printFailure} if the program fails. `allowFailure` returns the exit code in place of throwing.
 *
 * @returns {Promise<{ code: number, output: string }>}
 */
export function run(command, args, options = {}) {
  const { cwd = projectRoot, env = process.env, live = false, allowFailure = false } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: ['ignore', live ? 'inherit' : 'pipe', live ? 'inherit' : 'pipe'],
    });
    const chunks = [];
    child.stdout?.on('data', (chunk) => chunks.push(chunk));
    child.stderr?.on('data', (chunk) => chunks.push(chunk));
    child.once('error', (cause) =>
      reject(new StepError(`${command} could not be started: ${cause.message}`)),
    );
    child.once('close', (code, signal) => {
      const output = Buffer.concat(chunks).toString();
      if (code === 0 || (allowFailure && code !== null)) return resolve({ code, output });
      const end = signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
      const shown = [
        path.basename(command),
        ...args.slice(0, 6),
        ...(args.length > 6 ? ['…'] : []),
      ];
      reject(new StepError(`${shown.join(' ')} ${end}.`, output));
    });
  });
}

/** Runs a script of this project, or of a package in node_modules, with this very Node. */
export const runNode = (script, args = [], options = {}) =>
  run(process.execPath, [fromRoot(script), ...args], options);

/** What a program prints, or undefined where it is absent or fails. */
export async function probe(command, args = ['--version']) {
  try {
    const { output } = await run(command, args);
    return output.trim();
  } catch {
    return undefined;
  }
}

const tailLines = 60;

export function printFailure(error) {
  if (!(error instanceof StepError)) {
    console.error(error);
    return;
  }
  if (error.output) console.error(error.output.trimEnd().split('\n').slice(-tailLines).join('\n'));
  console.error(error.message);
}

/** `1 m 32 s`, `4.2 s`, `310 ms`. */
export function formatDuration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} m ${Math.round((ms % 60_000) / 1000)} s`;
}
