import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EngineCache } from '../../src/engine/cache';
import { Random } from '../fuzz/random';
import { projectRoot } from '../helpers/data';

const script = path.join(__dirname, 'cache-worker.mjs');
const lib = path.join(projectRoot, 'lib', 'engine', 'cache.js');

/** Rounds of the kill test; scripts/stress-cache.mjs asks for 200, and for what they came to. */
const rounds = Number(process.env.TENSORRT_NODE_CACHE_ROUNDS ?? 20);
const seed = Number(process.env.TENSORRT_NODE_CACHE_SEED ?? 1);
const counts: Record<string, number> = {};
afterAll(async () => {
  const file = process.env.TENSORRT_NODE_CACHE_COUNTS;
  if (file !== undefined) await writeFile(file, JSON.stringify(counts));
});

function start(
  directory: string,
  key: string,
  buildMs: number,
): { child: ChildProcess; done: Promise<string> } {
  const child = spawn(process.execPath, [script, lib, directory, key, String(buildMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout?.on('data', (chunk) => {
    out += chunk;
  });
  return { child, done: new Promise((resolve) => child.on('close', () => resolve(out))) };
}

/** None before the first build has made the folder. */
const filesOf = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

function isWhole(plan: Buffer): boolean {
  const body = plan.subarray(0, plan.length - 32);
  return createHash('sha256')
    .update(body)
    .digest()
    .equals(plan.subarray(plan.length - 32));
}

describe('the engine cache among processes', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'tn-cache-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('gives one build to 50 processes that ask at once', { timeout: 120_000 }, async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, () => start(directory, 'a', 300).done),
    );
    expect(outcomes.filter((outcome) => outcome === 'built')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'hit')).toHaveLength(49);
    Object.assign(counts, { processesAtOnce: 50, buildsOfThem: 1 });
  });

  it(`survives kill -9 at any moment (${rounds} rounds)`, {
    timeout: 20_000 + rounds * 3000,
  }, async () => {
    const cache = new EngineCache({ directory });
    const random = new Random(seed);
    let killed = 0;
    let duringBuild = 0;
    let plansChecked = 0;
    for (let round = 0; round < rounds; round++) {
      const victim = start(directory, `k${round % 3}`, 100);
      // Start takes some 80 ms, the build 100 ms: before, within and after it.
      await new Promise((resolve) => setTimeout(resolve, 30 + random.below(300)));
      if (victim.child.exitCode === null && victim.child.kill('SIGKILL')) killed++;
      await victim.done;
      if ((await filesOf(directory)).some((name) => name.includes('.partial-'))) duringBuild++;
      for (const entry of await cache.list()) {
        const plan = await cache.lookup(entry.key);
        if (!plan) continue;
        expect(isWhole(await readFile(plan.path))).toBe(true);
        plansChecked++;
      }
      if (round % 5 === 4) await cache.prune({ maxBytes: 0 });
    }
    expect(killed).toBeGreaterThan(0);
    expect(duringBuild).toBeGreaterThan(0);
    expect(plansChecked).toBeGreaterThan(0);
    const last = await Promise.all(['k0', 'k1', 'k2'].map((key) => start(directory, key, 10).done));
    for (const outcome of last) expect(['built', 'hit']).toContain(outcome);
    await cache.prune({ maxBytes: 0 });
    expect(await readdir(directory)).toEqual([]);
    Object.assign(counts, { rounds, killed, leftPartialFile: duringBuild, plansChecked });
    Object.assign(counts, { wrongPlans: 0, filesLeftAfterPrune: 0 });
  });
});
