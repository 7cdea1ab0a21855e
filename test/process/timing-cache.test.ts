import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BuildProcess } from '../../src/engine/build-process';
import { encodeTimingCache, parseTimingCache } from '../../src/engine/timing-cache-file';
import { isErrorCode } from '../../src/errors';
import { native } from '../../src/native/binding';
import { Random } from '../fuzz/random';
import { requireCompiledWorker } from '../helpers/build-process';
import { projectRoot } from '../helpers/data';
import { describeWithRtx, rtxLibrary } from '../helpers/trt';

let folder = '';
beforeAll(() => {
  requireCompiledWorker();
  folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const worker = path.join(projectRoot, 'test', 'process', 'timing-cache-worker.mjs');
const start = (file: string, entry: string, count: number): ChildProcess =>
  spawn(process.execPath, [worker, file, entry, String(count)], { stdio: 'inherit' });
const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.once('close', resolve));

describe('a timing cache file that many processes write', () => {
  it('loses no entry', async () => {
    const file = path.join(folder, 'shared');
    const children = Array.from({ length: 8 }, (_, i) => start(file, `process${i}`, 5));
    expect(await Promise.all(children.map(ended))).toEqual(children.map(() => 0));
    const { bytes } = parseTimingCache(readFileSync(file), file);
    const expected = children.flatMap((_, i) => [0, 1, 2, 3, 4].map((k) => `process${i}-${k}`));
    expect(bytes.toString().split('\n').sort()).toEqual(expected.sort());
    expect(readdirSync(folder)).toEqual(['shared']);
  });

  it('is whole, and free, after its writers were killed', async () => {
    const file = path.join(folder, 'killed');
    const random = new Random(7);
    for (let round = 0; round < 5; round++) {
      const child = start(file, `round${round}`, 100_000);
      await new Promise((resolve) => setTimeout(resolve, 250 + random.below(150)));
      child.kill('SIGKILL');
      await ended(child);
      const before = parseTimingCache(readFileSync(file), file).bytes.toString().split('\n');
      expect(before.length).toBeGreaterThan(0);
      expect(await ended(start(file, `after${round}`, 1))).toBe(0);
      const after = parseTimingCache(readFileSync(file), file).bytes.toString().split('\n');
      expect(after).toEqual(expect.arrayContaining([...before, `after${round}-0`]));
    }
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([]);
    const lock = native().fileTryLock(`${file}.lock`);
    expect(lock).not.toBeNull();
    native().fileUnlock(lock!, true);
  });
});

/** A file with one to four changes: bytes flipped, cut off, doubled, put in, and lengths that lie. */
function mutate(whole: Buffer, random: Random): Buffer {
  let bytes = Buffer.from(whole);
  for (let i = random.below(4); i >= 0; i--) {
    const at = random.below(Math.max(1, bytes.length));
    switch (random.below(5)) {
      case 0:
        if (bytes.length > 0) bytes[at] = random.below(256);
        break;
      case 1:
        bytes = bytes.subarray(0, at);
        break;
      case 2:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes]);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.alloc(8, 255), bytes.subarray(at)]);
        break;
      default:
        if (bytes.length >= 12) bytes.writeUInt32LE(random.below(2 ** 31), 8);
    }
    bytes = Buffer.from(bytes);
  }
  return bytes;
}

describe('mutated timing cache files', () => {
  const facts = { flavor: 'trt10', tensorrtVersion: '10.16.0.72', device: 'GPU' } as const;
  const seed = encodeTimingCache(Buffer.from('ptrt'.repeat(40)), facts);

  it('are read as they are or refused by a typed error', () => {
    const random = new Random(20);
    const outcomes: Record<string, number> = {};
    for (let i = 0; i < 5000; i++) {
      const content = mutate(seed, random);
      let outcome: string;
      try {
        const parsed = parseTimingCache(content, 'it');
        // What kept our magic and was accepted has the digest that it states, so it is the original.
        if (parsed.facts) expect(parsed.bytes.toString()).toBe('ptrt'.repeat(40));
        outcome = parsed.facts ? 'whole' : 'plain';
      } catch (error) {
        outcome = String((error as { code?: string }).code);
        expect(outcome).toBe('ERR_TIMING_CACHE');
      }
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
    console.log('5000 mutated timing cache files:', JSON.stringify(outcomes));
    expect(outcomes.ERR_TIMING_CACHE).toBeGreaterThan(1000);
  });

  describeWithRtx('in the real TensorRT-RTX', () => {
    it('end no process', { timeout: 60_000 }, async () => {
      const random = new Random(21);
      const outcomes: Record<string, number> = {};
      const child = new BuildProcess();
      const file = path.join(folder, 'mutant');
      const job = {
        library: { flavor: 'rtx1' as const, version: '1.7.1.116', ...rtxLibrary! },
        files: [] as string[],
        ignoreMismatch: false,
        edits: [],
        listEntries: false,
      };
      try {
        const real = path.join(folder, 'real');
        await child.runTimingCache({ ...job, output: { file: real, how: 'replace' } });
        const { bytes } = parseTimingCache(readFileSync(real), real);
        const { pid } = child;
        for (let i = 0; i < 300; i++) {
          writeFileSync(file, mutate(Buffer.from(bytes), random));
          const outcome = await child.runTimingCache({ ...job, files: [file] }).then(
            () => 'read',
            (error: { code: string }) => error.code,
          );
          expect(outcome === 'read' || isErrorCode(outcome)).toBe(true);
          outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        }
        console.log('300 mutated caches in TensorRT-RTX:', JSON.stringify(outcomes));
        expect(outcomes.ERR_INTERNAL).toBeUndefined();
        expect(outcomes.ERR_BUILD_CRASHED).toBeUndefined();
        expect(child.isOpen && child.pid).toBe(pid);
      } finally {
        await child.kill();
      }
    });
  });
});
