import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EngineCache, type EngineCacheKey } from '../../../src/engine/cache';
import { canonicalJson } from '../../../src/engine/canonical-json';

const keyOf = (name: string): EngineCacheKey => ({
  onnxSha256: name,
  flavor: 'rtx1',
  version: '1.7.1',
  target: ['8.9'],
  options: { b: 1, a: [1, 2] },
});

describe('the engine cache', () => {
  let directory: string;
  let cache: EngineCache;
  const plan = (text: string) => (file: string) => writeFile(file, text);

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'tn-cache-'));
    cache = new EngineCache({ directory });
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('builds a missing plan once and finds it afterwards', async () => {
    let builds = 0;
    const build = async (file: string) => {
      builds++;
      await writeFile(file, 'plan');
    };
    const first = await cache.getOrBuild(keyOf('a'), build);
    const second = await cache.getOrBuild(keyOf('a'), build);
    expect(first).toEqual({ path: second.path, hit: false });
    expect(second.hit).toBe(true);
    expect(builds).toBe(1);
    expect(await readFile(first.path, 'utf8')).toBe('plan');
  });

  it('tells keys apart by every part and not by the order of options', () => {
    const base = EngineCache.idOf(keyOf('a'));
    expect(EngineCache.idOf({ ...keyOf('a'), options: { a: [1, 2], b: 1 } })).toBe(base);
    const others: Partial<EngineCacheKey>[] = [
      { onnxSha256: 'b' },
      { flavor: 'trt10' },
      { version: '1.7.2' },
      { target: ['12.0'] },
      { options: {} },
    ];
    const ids = new Set(others.map((part) => EngineCache.idOf({ ...keyOf('a'), ...part })));
    expect(ids.size).toBe(others.length);
    expect(ids.has(base)).toBe(false);
    expect(canonicalJson({ x: undefined, y: [undefined, 1n], a: { d: 1, c: 'é' } })).toBe(
      '{"a":{"c":"é","d":1},"y":[null,"1n"]}',
    );
  });

  it('lets one of many callers in this process build', async () => {
    let builds = 0;
    const results = await Promise.all(
      Array.from({ length: 20 }, () =>
        cache.getOrBuild(keyOf('a'), async (file) => {
          builds++;
          await new Promise((resolve) => setTimeout(resolve, 30));
          await writeFile(file, 'plan');
        }),
      ),
    );
    expect(builds).toBe(1);
    expect(results.filter((result) => !result.hit)).toHaveLength(1);
  });

  it('keeps nothing of a failed build and lets the next caller try', async () => {
    const failing = cache.getOrBuild(keyOf('a'), async (file) => {
      await writeFile(file, 'half');
      throw new Error('no');
    });
    await expect(failing).rejects.toThrow('no');
    expect((await readdir(directory)).filter((name) => !name.endsWith('.lock'))).toEqual([]);
    expect((await cache.getOrBuild(keyOf('a'), plan('ok'))).hit).toBe(false);
  });

  it('never hands out a plan whose bytes changed, and verify finds it', async () => {
    const { path: file } = await cache.getOrBuild(keyOf('a'), plan('plan'));
    await writeFile(file, 'PLAN');
    expect(await cache.lookup(keyOf('a'))).toBeUndefined();
    expect((await cache.verify()).bad).toHaveLength(1);
    await cache.verify({ remove: true });
    expect(await cache.list()).toEqual([]);
    await cache.getOrBuild(keyOf('a'), plan('plan'));
    expect(await cache.verify()).toMatchObject({ bad: [] });
  });

  it('evicts the least recently used entries above the limit, never the new one', async () => {
    const small = new EngineCache({ directory, maxBytes: 25 });
    for (const [i, name] of ['a', 'b', 'c'].entries()) {
      const { path: file } = await small.getOrBuild(keyOf(name), plan('0123456789'));
      await utimes(file, 1000 + i, 1000 + i);
    }
    await small.lookup(keyOf('b'));
    expect((await small.list()).map((entry) => entry.key.onnxSha256).sort()).toEqual(['b', 'c']);
    await small.getOrBuild(keyOf('d'), plan('0123456789'));
    expect((await small.list()).map((entry) => entry.key.onnxSha256).sort()).toEqual(['b', 'd']);
    const tiny = new EngineCache({ directory, maxBytes: 1 });
    await tiny.getOrBuild(keyOf('big'), plan('0123456789'));
    expect((await tiny.list()).map((entry) => entry.key.onnxSha256)).toEqual(['big']);
  });

  it('prune deletes what dead processes left and spares what is being built', async () => {
    const id = EngineCache.idOf(keyOf('dead'));
    await writeFile(path.join(directory, `${id}.partial-1`), 'half');
    await writeFile(path.join(directory, `${id}.json`), '{"format":1}');
    await writeFile(path.join(directory, 'notes.txt'), 'mine');
    let finish = () => {};
    const building = cache.getOrBuild(keyOf('live'), async (file) => {
      await writeFile(file, 'x');
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await cache.prune({ maxBytes: 0 });
    finish();
    expect((await building).hit).toBe(false);
    const names = await readdir(directory);
    expect(names).toContain('notes.txt');
    expect(names.filter((name) => name.startsWith(id))).toEqual([]);
  });

  it('stops waiting when its signal fires', async () => {
    let finish = () => {};
    const building = cache.getOrBuild(keyOf('a'), async (file) => {
      await writeFile(file, 'x');
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    const waiting = cache.getOrBuild(keyOf('a'), plan('y'), { signal: AbortSignal.timeout(50) });
    await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' });
    finish();
    await building;
  });

  it('says what is wrong with its folder and options', async () => {
    const blocked = path.join(directory, 'file');
    await writeFile(blocked, '');
    const unusable = new EngineCache({ directory: path.join(blocked, 'sub') });
    await expect(unusable.getOrBuild(keyOf('a'), plan('x'))).rejects.toMatchObject({
      code: 'ERR_IO',
    });
    expect(() => new EngineCache({ maxBytes: -1 })).toThrow(/maxBytes/);
    expect(() => new EngineCache({ dir: 'x' } as never)).toThrow(/"dir"/);
  });
});
