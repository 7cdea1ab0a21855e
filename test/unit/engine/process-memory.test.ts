import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BuildProcessExit, exitError } from '../../../src/engine/build-exit';
import { countOomKills } from '../../../src/engine/oom-kills';
import {
  MemoryWatch,
  readProcessMemory,
  resetPeakMemory,
} from '../../../src/engine/process-memory';

let root = '';
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-test-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function put(file: string, text: string): void {
  const target = path.join(root, file);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, text);
}

describe('readProcessMemory', () => {
  it('reads this process, and nothing of one that is gone', () => {
    const memory = readProcessMemory('self')!;
    expect(memory.residentBytes).toBeGreaterThan(2 ** 20);
    expect(memory.peakBytes).toBeGreaterThanOrEqual(memory.residentBytes * 0.9);
    expect(readProcessMemory(2 ** 30)).toBeUndefined();
    put('proc/5/status', 'Name:\tnode\nState:\tZ (zombie)\n');
    expect(readProcessMemory(5, path.join(root, 'proc'))).toBeUndefined();
    put('proc/6/status', 'VmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n');
    expect(readProcessMemory(6, path.join(root, 'proc'))).toEqual({
      residentBytes: 1024 * 1024,
      peakBytes: 2048 * 1024,
    });
  });

  it('says whether the peak could be reset', () => {
    expect(resetPeakMemory(path.join(root, 'nowhere'))).toBe(false);
  });
});

describe('MemoryWatch', () => {
  it('sees a child that allocates above the limit, once', async () => {
    const limit = 200 * 2 ** 20;
    const child = spawn(process.execPath, [
      '-e',
      `const held = []; setInterval(() => held.push(Buffer.alloc(16 << 20, 1)), 5)`,
    ]);
    const sizes: number[] = [];
    const watch = await new Promise<MemoryWatch>((resolve) => {
      const made = new MemoryWatch(
        child.pid!,
        limit,
        (size) => {
          sizes.push(size);
          child.kill('SIGKILL');
          resolve(made);
        },
        10,
      );
    });
    await new Promise((resolve) => child.once('close', resolve));
    expect(sizes).toHaveLength(1);
    expect(sizes[0]).toBeGreaterThan(limit);
    expect(watch.peakBytes).toBe(sizes[0]);
  });
});

describe('countOomKills', () => {
  it('reads the second version of control groups', () => {
    put('proc/1/cgroup', '0::/app/job\n');
    put('sys/fs/cgroup/app/job/memory.events', 'low 0\noom 3\noom_kill 2\noom_group_kill 0\n');
    expect(countOomKills(1, root)).toBe(2);
  });

  it('reads the first version, whose paths may hold colons', () => {
    put('proc/2/cgroup', '4:cpu,memory:/a:b\n0::/\n');
    put('sys/fs/cgroup/memory/a:b/memory.oom_control', 'oom_kill_disable 0\noom_kill 5\n');
    expect(countOomKills(2, root)).toBe(5);
  });

  it('takes the root where a container sees its own group as that, and knows when nothing tells', () => {
    put('proc/3/cgroup', '0::/not/mounted/here\n');
    expect(countOomKills(3, root)).toBeUndefined();
    put('sys/fs/cgroup/memory.events', 'oom_kill 0\n');
    expect(countOomKills(3, root)).toBe(0);
    expect(countOomKills(4, path.join(root, 'nowhere'))).toBeUndefined();
  });
});

describe('exitError', () => {
  it.each([
    [{ exitCode: 7 }, 'ERR_BUILD_CRASHED', 'exit', /exited with code 7/],
    [{ signal: 'SIGSEGV', oomKills: 1 }, 'ERR_BUILD_CRASHED', 'signal', /signal SIGSEGV/],
    [{ signal: 'SIGKILL', oomKills: 0 }, 'ERR_BUILD_CRASHED', 'signal', /did not send/],
    [{ signal: 'SIGKILL' }, 'ERR_BUILD_CRASHED', 'signal', /is not known/],
    [{ signal: 'SIGKILL', oomKills: 1 }, 'ERR_BUILD_MEMORY', 'out-of-memory', /kernel/],
    [
      { signal: 'SIGKILL', oomKills: 1, limit: { limitBytes: 2 ** 20, sizeBytes: 2 ** 21 } },
      'ERR_BUILD_MEMORY',
      'memory-limit',
      /^Expected a build process of at most 1048576 bytes \(1 MiB\) for options.memoryLimitBytes but received one of 2097152 bytes/,
    ],
    [{ cause: new Error('ENOENT') }, 'ERR_BUILD_CRASHED', 'not-started', /ENOENT/],
  ] as const)('%j', (facts, code, reason, message) => {
    const exit = new BuildProcessExit({ ...facts, peakMemoryBytes: 3 * 2 ** 20 });
    const error = exitError(exit, facts, ['last line']);
    expect(error).toMatchObject({ code, cause: { reason, peakMemoryBytes: 3 * 2 ** 20 } });
    expect(error.message).toMatch(message);
    expect(error.details).toEqual([expect.stringContaining('3 MiB'), 'last line']);
  });
});
