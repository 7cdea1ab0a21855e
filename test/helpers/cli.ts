import { spawn } from 'node:child_process';
import path from 'node:path';
import { projectRoot } from './data';

const cli = path.join(projectRoot, 'lib', 'cli', 'main.js');

/** Runs the compiled command as a user would. */
export function runCli(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const { TENSORRT_NODE_LOG: _, ...inherited } = process.env;
  const child = spawn(process.execPath, [cli, ...args], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: { ...inherited, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  return new Promise((resolve) => {
    child.on('close', (status) => resolve({ status, stdout, stderr }));
  });
}
