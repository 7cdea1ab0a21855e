import { readFileSync } from 'node:fs';
import path from 'node:path';

/**
 * How many processes the kernel has ended for lack of memory in the control group of `pid`; undefined where it
 * does not tell. Two readings tell whether a kill fell between them; that it was a certain process they do not tell.
 *
 * Sources: Linux, Documentation/admin-guide/cgroup-v2.rst (`memory.events`, `oom_kill`) and
 * cgroup-v1/memory.rst (`memory.oom_control`).
 * @param root where /proc and /sys are
 */
export function countOomKills(pid: number | 'self', root = '/'): number | undefined {
  for (const file of candidates(pid, root)) {
    const count = readCount(file);
    if (count !== undefined) return count;
  }
  return undefined;
}

/**
 * Kills since `before` was read, once the process in question is gone and its group is no longer told: the group is
 * then this process's own, unless somebody moved the other. Undefined where the kernel does not tell.
 */
export function oomKillsSince(
  before: number | undefined,
  count: typeof countOomKills = countOomKills,
): number | undefined {
  const now = before === undefined ? undefined : count('self');
  return now === undefined ? undefined : now - before!;
}

function candidates(pid: number | 'self', root: string): string[] {
  const groups = path.join(root, 'sys/fs/cgroup');
  const files: string[] = [];
  let table = '';
  try {
    table = readFileSync(path.join(root, `proc/${pid}/cgroup`), 'utf8');
  } catch {
    // Not Linux, or gone.
  }
  for (const line of table.split('\n')) {
    const [hierarchy, controllers = '', ...rest] = line.split(':');
    const group = rest.join(':');
    if (hierarchy === '0' && controllers === '')
      files.push(path.join(groups, group, 'memory.events'));
    else if (controllers.split(',').includes('memory'))
      files.push(path.join(groups, 'memory', group, 'memory.oom_control'));
  }
  // A container often sees its own group as the root, whatever the table says.
  files.push(path.join(groups, 'memory.events'), path.join(groups, 'memory/memory.oom_control'));
  return files;
}

function readCount(file: string): number | undefined {
  try {
    const found = /^oom_kill (\d+)$/m.exec(readFileSync(file, 'utf8'));
    return found ? Number(found[1]) : undefined;
  } catch {
    return undefined;
  }
}
