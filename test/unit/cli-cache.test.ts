import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseBytes, registerCache } from '../../src/cli/commands/cache';
import { EngineCache } from '../../src/engine/cache';

describe('tensorrt-node cache', () => {
  let directory: string;
  let out: string;
  const run = async (...args: string[]) => {
    out = '';
    const program = new Command().exitOverride();
    registerCache(program);
    await program.parseAsync(['node', 'cli', 'cache', ...args, '--dir', directory]);
    return out;
  };

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'tn-cache-'));
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      out += String(text);
      return true;
    });
    const key = { onnxSha256: 'a', flavor: 'rtx1', version: '1.7.1', target: ['8.9'], options: {} };
    await new EngineCache({ directory }).getOrBuild(key, (file) => writeFile(file, 'plan'));
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    process.exitCode = 0;
    await rm(directory, { recursive: true, force: true });
  });

  it('lists the plans for people and as JSON', async () => {
    expect(await run('list')).toMatch(/rtx1 1\.7\.1 for 8\.9\n1 plans/);
    expect(JSON.parse(await run('list', '--json'))).toMatchObject([{ bytes: 4 }]);
  });

  it('verifies digests and fails on a bad one', async () => {
    expect(await run('verify')).toBe('1 good, 0 bad\n');
    const [entry] = await new EngineCache({ directory }).list();
    await writeFile(entry!.path, 'PLAN');
    expect(await run('verify', '--remove')).toMatch(/\(removed\)\n0 good, 1 bad/);
    expect(process.exitCode).toBe(1);
    expect(await run('list')).toMatch(/^0 plans/);
  });

  it('prunes down to a size', async () => {
    expect(await run('prune', '--max-bytes', '4')).toMatch(/removed 0 plans/);
    expect(await run('prune', '--max-bytes', '0')).toMatch(/removed 1 plans, 0\.0 MiB/);
  });

  it('reads sizes with units and refuses others', async () => {
    expect(['12', '10KB', '1.5 GiB', '2MiB', '7B'].map(parseBytes)).toEqual([
      12,
      10_000,
      1.5 * 2 ** 30,
      2 * 2 ** 20,
      7,
    ]);
    for (const bad of ['', 'much', '-1', '1e9', '5XB', '99999999TB']) {
      expect(() => parseBytes(bad)).toThrow(/--max-bytes/);
    }
  });
});
