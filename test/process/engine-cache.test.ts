import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EngineCache } from '../../src/engine/cache';
import { projectRoot } from '../helpers/data';

const script = path.join(__dirname, 'cache-worker.mjs');
const lib = path.join(projectRoot, 'lib', 'engine', 'cache.js');

/** Rounds of the kill test; the long form sets TENSORRT_NODE_CACHE_ROUNDS=200. */
const rounds = Number(process.env.TENSORRT_NODE_CACHE_ROUNDS ?? 20);

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
  });

  it(`survives kill -9 at any moment (${rounds} rounds)`, {
    timeout: 20_000 + rounds * 3000,
  }, async () => {
    const cache = new EngineCache({ directory });
    let killed = 0;
    for (let round = 0; round < rounds; round++) {
      const victim = start(directory, `k${round % 3}`, 100);
      const delayMs = 50 + ((round * 37) % 400);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      if (victim.child.exitCode === null && victim.child.kill('SIGKILL')) killed++;
      await victim.done;
      for (const entry of await cache.list()) {
        const plan = await cache.lookup(entry.key);
        if (plan) expect(isWhole(await readFile(plan.path))).toBe(true);
      }
      if (round % 5 === 4) await cache.prune({ maxBytes: 0 });
    }
    expect(killed).toBeGreaterThan(0);
    const last = await Promise.all(['k0', 'k1', 'k2'].map((key) => start(directory, key, 10).done));
    for (const outcome of last) expect(['built', 'hit']).toContain(outcome);
    await cache.prune({ maxBytes: 0 });
    expect(await readdir(directory)).toEqual([]);
  });
});
