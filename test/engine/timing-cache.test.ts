import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BuildProcess } from '../../src/engine/build-process';
import {
  encodeTimingCache,
  parseTimingCache,
  saveTimingCache,
} from '../../src/engine/timing-cache-file';
import { Engine, setLogSink, TimingCache } from '../../src/index';
import { buildJob } from '../helpers/build-job';
import { requireCompiledWorker } from '../helpers/build-process';
import { projectRoot } from '../helpers/data';
import { addOneModel, onnxModel } from '../helpers/onnx-writer';
import { describeWithRtx, rtxLibrary } from '../helpers/trt';

let folder = '';
beforeAll(() => {
  requireCompiledWorker();
  folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-test-'));
  setLogSink(() => {});
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => path.join(folder, name);
const facts = { flavor: 'trt10', tensorrtVersion: '10.16.0.72', device: 'Some GPU' } as const;

describe('timing cache files', () => {
  it('hold TensorRT’s bytes with flavour, version, GPU and digest', async () => {
    const bytes = Buffer.from('measured');
    writeFileSync(at('ours'), encodeTimingCache(bytes, facts));
    expect(await TimingCache.read(at('ours'))).toMatchObject({
      path: at('ours'),
      format: 'tensorrt-node',
      ...facts,
      cacheBytes: 8,
      updatedAt: expect.stringMatching(/^\d{4}-/),
    });
    expect(parseTimingCache(readFileSync(at('ours')), 'it').bytes.equals(bytes)).toBe(true);
    writeFileSync(at('plain'), 'ptrt of trtexec');
    expect(await TimingCache.read(at('plain'))).toMatchObject({
      format: 'plain',
      flavor: undefined,
      tensorrtVersion: undefined,
      cacheBytes: 15,
    });
  });

  it.each([
    ['nothing', () => Buffer.alloc(0), /is empty/],
    ['only the magic', (whole: Buffer) => whole.subarray(0, 8), /cut short/],
    ['half of the JSON', (whole: Buffer) => whole.subarray(0, 60), /cut short/],
    ['no bytes of TensorRT', (whole: Buffer) => whole.subarray(0, -8), /cut short/],
    ['one byte less', (whole: Buffer) => whole.subarray(0, -1), /digest/],
    [
      'a changed byte',
      (whole: Buffer) => Buffer.concat([whole.subarray(0, -1), Buffer.from([0])]),
      /digest/,
    ],
    [
      'no JSON',
      (whole: Buffer) =>
        Buffer.concat([whole.subarray(0, 12), Buffer.from('!'), whole.subarray(13)]),
      /no JSON/,
    ],
    [
      'another flavour',
      (whole: Buffer) => Buffer.from(whole.toString('latin1').replace('trt10', 'trt99'), 'latin1'),
      /not one that this version knows/,
    ],
  ])('with %s are refused', async (name, change, message) => {
    const file = at(`bad ${name}`);
    writeFileSync(file, change(encodeTimingCache(Buffer.from('measured'), facts)));
    await expect(TimingCache.read(file)).rejects.toMatchObject({
      code: 'ERR_TIMING_CACHE',
      message: expect.stringMatching(message),
    });
  });

  it('that are not there or are no file give ERR_IO', async () => {
    await expect(TimingCache.read(at('none'))).rejects.toMatchObject({ code: 'ERR_IO' });
    await expect(TimingCache.read(folder)).rejects.toMatchObject({ code: 'ERR_IO' });
  });
});

describe('saveTimingCache', () => {
  it('combines with what is there, clears what a killed writer left, and keeps a corrupt file', async () => {
    const file = at('saved');
    writeFileSync(`${file}.partial-1-dead`, 'half');
    const first = await saveTimingCache(file, Buffer.from('a'), facts, () =>
      expect.unreachable('nothing is there yet'),
    );
    expect(first.merged).toBe(false);
    // The same bytes need no TensorRT.
    await saveTimingCache(file, Buffer.from('a'), facts, () => expect.unreachable('equal'));
    const second = await saveTimingCache(file, Buffer.from('b'), facts, async ({ bytes }) =>
      Buffer.concat([Buffer.from('b'), bytes]),
    );
    expect(second).toEqual({ merged: true, byteLength: readFileSync(file).length });
    expect(parseTimingCache(readFileSync(file), file).bytes.toString()).toBe('ba');
    expect(readdirSync(folder).filter((name) => name.startsWith('saved'))).toEqual(['saved']);

    const corrupt = readFileSync(file).subarray(0, -1);
    writeFileSync(file, corrupt);
    await expect(
      saveTimingCache(file, Buffer.from('c'), facts, async () => Buffer.from('never')),
    ).rejects.toMatchObject({ code: 'ERR_TIMING_CACHE' });
    expect(readFileSync(file).equals(corrupt)).toBe(true);
    // What the combiner throws is passed on, and the lock is free again.
    writeFileSync(file, 'plain');
    const fault = new Error('mismatch');
    for (let i = 0; i < 2; i++)
      await expect(
        saveTimingCache(file, Buffer.from('c'), facts, () => Promise.reject(fault)),
      ).rejects.toBe(fault);
    expect(existsSync(`${file}.lock`)).toBe(false);
  });
});

describe('the options of timing caches', () => {
  it.each([
    [5, /options\.timingCache/],
    ['', /options\.timingCache/],
    [{ file: 'x' }, /file/],
    [{ load: [1] }, /options\.timingCache\.load/],
    [{ save: '' }, /options\.timingCache\.save/],
    [{ ignoreMismatch: 'yes' }, /ignoreMismatch/],
  ])('%j is refused', async (timingCache, message) => {
    await expect(
      Engine.build(addOneModel(), { timingCache: timingCache as string }),
    ).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    });
  });

  it('edits are checked before TensorRT is looked for', async () => {
    const key = '0'.repeat(32);
    for (const edit of [
      { key: 'x', timingMs: null },
      { key, timingMs: 1 },
      { key, tacticHash: '0'.repeat(16), timingMs: -1 },
      { key, tacticHash: 'F'.repeat(16), timingMs: 1 },
    ])
      await expect(TimingCache.edit(at('ours'), [edit as never])).rejects.toMatchObject({
        code: 'ERR_INVALID_ARGUMENT',
        message: expect.stringContaining('edits[0]'),
      });
    await expect(TimingCache.merge([], at('out'))).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
    });
  });

  it('caches of two flavours are not joined', async () => {
    writeFileSync(at('ten'), encodeTimingCache(Buffer.from('a'), facts));
    writeFileSync(at('eleven'), encodeTimingCache(Buffer.from('a'), { ...facts, flavor: 'trt11' }));
    await expect(TimingCache.merge([at('ten'), at('eleven')], at('out'))).rejects.toMatchObject({
      code: 'ERR_TIMING_CACHE',
      message: expect.stringContaining('flavours do not share'),
    });
  });
});

describe('tensorrt-node timing-cache', () => {
  const run = (...args: string[]) => {
    const cli = path.join(projectRoot, 'lib', 'cli', 'main.js');
    return spawnSync(process.execPath, [cli, 'timing-cache', ...args], { encoding: 'utf8' });
  };

  it('info says what a file is, or why it is none', () => {
    writeFileSync(at('cli'), encodeTimingCache(Buffer.from('measured'), facts));
    const { status, stdout } = run('info', at('cli'));
    expect(stdout).toMatch(/cli: 8 bytes, by TensorRT 10\.16\.0\.72 \(trt10\) on Some GPU, of \d/);
    expect(status).toBe(0);
    expect(JSON.parse(run('info', at('cli'), '--json').stdout)).toMatchObject({
      format: 'tensorrt-node',
      tensorrtVersion: '10.16.0.72',
    });
    writeFileSync(at('cli plain'), 'ptrt');
    expect(run('info', at('cli plain')).stdout).toContain('plain');
    writeFileSync(at('cli empty'), '');
    const empty = run('info', at('cli empty'));
    expect(empty.stderr).toMatch(/^ERR_TIMING_CACHE: .*is empty\n$/);
    expect(empty.status).toBe(1);
  });

  it('merge needs an output and a flavour that has timings', () => {
    expect(run('merge', at('cli')).status).toBe(2);
    writeFileSync(at('cli plain'), 'ptrt');
    const { status, stderr } = run('merge', at('cli plain'), '-o', at('out'), '--flavor', 'trt9');
    expect(stderr).toMatch(/^ERR_INVALID_ARGUMENT: .*trt9/);
    expect(status).toBe(2);
    expect(existsSync(at('out'))).toBe(false);
  });
});

describeWithRtx('timing caches with the real TensorRT-RTX', () => {
  it('are refused by name, with the alternative', async () => {
    const refused = {
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(/rtx1.*measures nothing.*options\.cache/),
    };
    await expect(
      Engine.build(addOneModel(), { flavor: 'rtx1', timingCache: at('any') }),
    ).rejects.toMatchObject(refused);
    writeFileSync(at('rtx plain'), 'ptrt');
    await expect(
      TimingCache.merge([at('rtx plain')], at('out'), { flavor: 'rtx1' }),
    ).rejects.toMatchObject(refused);
    await expect(TimingCache.entries(at('rtx plain'), { flavor: 'rtx1' })).rejects.toMatchObject(
      refused,
    );
  });

  // The library has the functions and keeps nothing in them: it is what their calls can be held to here.
  const library = { flavor: 'rtx1' as const, version: '1.7.1.116', ...rtxLibrary! };
  const job = (files: string[], more = {}) => ({
    library,
    files,
    ignoreMismatch: false,
    edits: [],
    listEntries: false,
    ...more,
  });

  it('are created, given to a build and serialised: there is no entry in them', async () => {
    const child = new BuildProcess();
    try {
      const model = at('model.onnx');
      writeFileSync(model, addOneModel());
      const saved = at('rtx.cache');
      const options = { timingCache: saved, computeCapabilities: ['8.9'] };
      await child.run(buildJob(model, at('a.engine'), options), () => {});
      const description = await TimingCache.read(saved);
      expect(description).toMatchObject({ format: 'tensorrt-node', flavor: 'rtx1' });
      expect(description.cacheBytes).toBeGreaterThan(0);
      const made = await child.runTimingCache(
        job([], { listEntries: true, output: { file: at('made'), how: 'combine' } }),
      );
      expect(made).toMatchObject({ entries: [], cacheBytes: description.cacheBytes });
      expect((await TimingCache.read(at('made'))).sha256).toBe(description.sha256);
      await expect(
        child.runTimingCache(job([], { edits: [{ key: '0'.repeat(32), timingMs: null }] })),
      ).rejects.toMatchObject({
        code: 'ERR_INVALID_ARGUMENT',
        message: expect.stringContaining('0'.repeat(32)),
      });
    } finally {
      await child.kill();
    }
  });

  it('that TensorRT cannot read give ERR_TIMING_CACHE with its words, in a build too', async () => {
    const child = new BuildProcess();
    try {
      const model = at('model.onnx');
      writeFileSync(model, addOneModel());
      writeFileSync(at('garbage'), 'no timing cache at all');
      const refused = {
        code: 'ERR_TIMING_CACHE',
        message: expect.stringContaining(at('garbage')),
        details: expect.arrayContaining([expect.stringMatching(/timing cache/i)]),
      };
      await expect(child.runTimingCache(job([at('garbage')]))).rejects.toMatchObject(refused);
      const load = { timingCache: { load: at('garbage') } };
      await expect(
        child.run(buildJob(model, at('b.engine'), load), () => {}),
      ).rejects.toMatchObject(refused);
      expect(existsSync(at('b.engine'))).toBe(false);
      // However much the parser has complained of before, here once for each input.
      const names = Array.from({ length: 70 }, (_, i) => `x${i}`);
      const output = (i: number) => (i === names.length - 1 ? 'y' : `v${i}`);
      const complained = at('complained.onnx');
      writeFileSync(
        complained,
        onnxModel({
          nodes: names.map((name, i) => ({
            op: 'Add',
            inputs: [name, i === 0 ? name : output(i - 1)],
            outputs: [output(i)],
          })),
          inputs: names.map((name) => ({ name, dtype: 'int64', dims: [4] })),
          outputs: [{ name: 'y', dtype: 'int64', dims: [4] }],
        }),
      );
      await expect(
        child.run(buildJob(complained, at('c.engine'), load), () => {}),
      ).rejects.toMatchObject(refused);
      // Nor can it be saved there, but what was built is.
      const save = { timingCache: { save: at('garbage') } };
      await expect(
        child.run(buildJob(model, at('d.engine'), save), () => {}),
      ).rejects.toMatchObject({ code: 'ERR_TIMING_CACHE' });
      expect(existsSync(at('d.engine'))).toBe(true);
      // The process goes on.
      await child.run(buildJob(model, at('b.engine')), () => {});
    } finally {
      await child.kill();
    }
  });
});
