import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Engine, EngineBuilder, setLogSink } from '../../src/index';
import {
  buildFolders,
  childrenOf,
  isAlive,
  openFiles,
  requireCompiledWorker,
  residentBytes,
  until,
} from '../helpers/build-process';
import { projectRoot } from '../helpers/data';
import { addOneModel, convModel } from '../helpers/onnx-writer';
import { describeWithRtx, hasRtx } from '../helpers/trt';

let folder = '';
/** Builds that are stopped half-way need one that takes its time: this one takes about a second. */
const slowModel = convModel({ channels: 512, size: 64 });

beforeAll(() => {
  if (hasRtx) requireCompiledWorker();
  folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-test-'));
  // Private folders of these builds go here, apart from those of other tests.
  process.env.TMPDIR = folder;
  setLogSink(() => {});
});
afterAll(() => {
  delete process.env.TMPDIR;
  rmSync(folder, { recursive: true, force: true });
});

/** A build that is known to have reached TensorRT's builder. */
function startBuild(builder: EngineBuilder, options: object = {}) {
  let started = (): void => {};
  const running = new Promise<void>((resolve) => {
    started = resolve;
  });
  const result = builder.build(slowModel, { ...options, onProgress: () => started() });
  result.catch(() => {});
  return { result, running };
}

describeWithRtx('a build process', () => {
  it('that is killed gives ERR_BUILD_CRASHED with its last lines, and the next build a new one', async () => {
    await using builder = new EngineBuilder();
    const output = path.join(folder, 'killed.engine');
    const { result, running } = startBuild(builder, { output });
    await running;
    const pid = builder.pid!;
    process.kill(pid, 'SIGKILL');
    await expect(result).rejects.toMatchObject({
      code: 'ERR_BUILD_CRASHED',
      message: expect.stringContaining('SIGKILL'),
      details: expect.arrayContaining([expect.stringMatching(/^info: /)]),
    });
    expect(readdirSync(folder)).toEqual([]);
    await builder.build(addOneModel());
    expect(builder.pid).not.toBe(pid);
  });

  it('that crashes by a fault of its own says by which signal', async () => {
    await using builder = new EngineBuilder();
    const { result, running } = startBuild(builder);
    await running;
    process.kill(builder.pid!, 'SIGSEGV');
    await expect(result).rejects.toMatchObject({
      code: 'ERR_BUILD_CRASHED',
      message: expect.stringContaining('SIGSEGV'),
    });
  });

  it('is ended by the time limit and by an abort, whose reason is passed on', async () => {
    await using builder = new EngineBuilder();
    await expect(builder.build(slowModel, { timeoutMs: 1 })).rejects.toMatchObject({
      code: 'ERR_DEADLINE',
      message: expect.stringContaining('1 ms'),
    });

    const reason = new Error('changed my mind');
    const controller = new AbortController();
    const { result, running } = startBuild(builder, { signal: controller.signal });
    await running;
    const pid = builder.pid!;
    controller.abort(reason);
    await expect(result).rejects.toBe(reason);
    expect(isAlive(pid)).toBe(false);

    await expect(builder.build(slowModel, { signal: controller.signal })).rejects.toBe(reason);
    await builder.build(addOneModel(), { signal: new AbortController().signal });
    expect(childrenOf(process.pid).filter(({ state }) => state === 'Z')).toEqual([]);
    expect(buildFolders(folder)).toEqual([]);
  });

  it('is shared by waiting builds; each has its own limit, and dispose ends them all', async () => {
    const builder = new EngineBuilder();
    const { result: first, running } = startBuild(builder);
    const second = builder.build(addOneModel(), { timeoutMs: 1 });
    await expect(second).rejects.toMatchObject({ code: 'ERR_DEADLINE' });
    await first;
    const third = startBuild(builder);
    const fourth = builder.build(addOneModel());
    fourth.catch(() => {});
    await running;
    await third.running;
    const pid = builder.pid!;
    await builder.dispose();
    await builder.dispose();
    await expect(third.result).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    await expect(fourth).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    await expect(builder.build(addOneModel())).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    expect(isAlive(pid)).toBe(false);
    expect(buildFolders(folder)).toEqual([]);
  });

  const parentScript = (model: string): string => `
    const { EngineBuilder, setLogSink } = require(${JSON.stringify(projectRoot)});
    setLogSink(() => {});
    const builder = new EngineBuilder();
    let told = false;
    builder.build(require('fs').readFileSync(${JSON.stringify(model)}), {
      onProgress() {
        if (!told) console.log(builder.pid);
        told = true;
      },
    }).then(() => console.log('built'), (error) => console.log(error.code));`;

  function startParent(): { parent: ChildProcess; childPid: Promise<number> } {
    const model = path.join(folder, 'slow.onnx');
    writeFileSync(model, slowModel);
    const parent = spawn(process.execPath, ['-e', parentScript(model)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, TMPDIR: folder },
    });
    const childPid = new Promise<number>((resolve) => {
      parent.stdout!.once('data', (text) => resolve(Number(String(text).split('\n')[0])));
    });
    return { parent, childPid };
  }

  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'dies with a parent that gets %s, leaving no file',
    async (signal) => {
      const { parent, childPid } = startParent();
      const pid = await childPid;
      expect(isAlive(pid)).toBe(true);
      expect(buildFolders(folder)).toHaveLength(1);
      parent.kill(signal);
      expect(await until(() => !isAlive(pid))).toBe(true);
      expect(await until(() => buildFolders(folder).length === 0)).toBe(true);
    },
  );

  it('does not keep an idle parent alive', async () => {
    const script = `
      const { EngineBuilder } = require(${JSON.stringify(projectRoot)});
      const builder = new EngineBuilder();
      builder.build(Buffer.from(${JSON.stringify(Buffer.from(addOneModel()).toString('base64'))}, 'base64'))
        .then(() => console.log(builder.pid));`;
    const parent = spawn(process.execPath, ['-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    parent.stdout.on('data', (text) => {
      out += text;
    });
    const code = await new Promise((resolve) => parent.once('close', resolve));
    expect(code).toBe(0);
    expect(Number(out)).toBeGreaterThan(0);
    expect(await until(() => !isAlive(Number(out)))).toBe(true);
  });

  it('leaves the event loop free', async () => {
    const builder = new EngineBuilder();
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    const { result } = startBuild(builder);
    await result;
    clearInterval(timer);
    await builder.dispose();
    expect(ticks).toBeGreaterThan(5);
  });

  it('leaves memory flat over 300 builds of a tiny graph', async () => {
    await using builder = new EngineBuilder();
    const model = addOneModel();
    const sizes: number[] = [];
    let pid: number | undefined;
    for (let i = 0; i < 330; i++) {
      await builder.build(model, { computeCapabilities: ['8.9'], logLevel: 'error' });
      pid ??= builder.pid;
      expect(builder.pid).toBe(pid);
      sizes.push(residentBytes(pid!));
    }
    const mean = (part: number[]) => part.reduce((sum, size) => sum + size, 0) / part.length;
    const first = mean(sizes.slice(30, 130));
    const last = mean(sizes.slice(-100));
    console.log(
      `300 builds in one process: resident ${(first / 2 ** 20).toFixed(1)} MiB (first 100), ${(last / 2 ** 20).toFixed(1)} MiB (last 100)`,
    );
    expect(last / first).toBeLessThan(1.03);
  }, 300_000);

  it('leaves nothing behind in the parent over 50 Engine.build calls', async () => {
    const model = addOneModel();
    const build = () => Engine.build(model, { computeCapabilities: ['8.9'], logLevel: 'error' });
    for (let i = 0; i < 10; i++) await build();
    globalThis.gc?.();
    const filesBefore = openFiles().length;
    const childrenBefore = childrenOf(process.pid).length;
    const before = residentBytes('self');
    for (let i = 0; i < 50; i++) await build();
    globalThis.gc?.();
    const growth = residentBytes('self') - before;
    console.log(`50 Engine.build calls: parent grew by ${(growth / 2 ** 20).toFixed(1)} MiB`);
    expect(openFiles().length).toBe(filesBefore);
    expect(childrenOf(process.pid).length).toBe(childrenBefore);
    expect(readdirSync(folder).filter((name) => name !== 'slow.onnx')).toEqual([]);
    expect(growth).toBeLessThan(16 * 2 ** 20);
  }, 300_000);
});
