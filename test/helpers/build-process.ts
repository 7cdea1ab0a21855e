import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { projectRoot } from './data';

/** Build processes run the compiled worker; without it every build test would fail for a dull reason. */
export function requireCompiledWorker(): void {
  if (!existsSync(path.join(projectRoot, 'lib', 'engine', 'build-worker.js')))
    throw new Error('lib/ is missing: run "npm run build:ts" before these tests');
}

export function residentBytes(pid: number | 'self'): number {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match![1]) * 1024;
}

/** What file descriptors of this process point at; sockets and pipes by kind. */
export function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return []; // The descriptor of the listing itself.
    }
  });
}

/** Child processes of `pid`, zombies among them, as `pid state`. */
export function childrenOf(pid: number): { pid: number; state: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const text = readFileSync(`/proc/${name}/stat`, 'utf8');
        const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ');
        return Number(parent) === pid ? [{ pid: Number(name), state: state! }] : [];
      } catch {
        return [];
      }
    });
}

/** Private folders of builds that are still there. */
export function buildFolders(folder = tmpdir()): string[] {
  return readdirSync(folder).filter((name) => name.startsWith('tensorrt-node-build-'));
}

export function isAlive(pid: number): boolean {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !text.slice(text.lastIndexOf(')') + 2).startsWith('Z');
  } catch {
    return false;
  }
}

export async function until(condition: () => boolean, timeoutMs = 15_000): Promise<boolean> {
  const end = Date.now() + timeoutMs;
  while (Date.now() < end) {
    if (condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return condition();
}
