import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import nodeGypBuild from 'node-gyp-build';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findOnnxRuntime } from '../../src';
import { builtPackage, runChild } from '../helpers/child';
import { projectRoot } from '../helpers/data';
import { addOneModel, onnxModel } from '../helpers/onnx-writer';

let folder: string;
let quick: string;
let endless: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'session-process-'));
  quick = path.join(folder, 'quick.onnx');
  writeFileSync(quick, addOneModel());
  endless = path.join(folder, 'endless.onnx');
  writeFileSync(endless, endlessModel());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A loop of 2^40 additions: a run that ends by cancellation only. */
function endlessModel(): Uint8Array {
  return onnxModel({
    nodes: [
      {
        op: 'Loop',
        inputs: ['count', '', 'x'],
        outputs: ['y'],
        name: 'loop',
        attributes: {
          body: {
            g: {
              name: 'body',
              nodes: [
                { op: 'Add', inputs: ['v', 'one'], outputs: ['w'], name: 'add' },
                { op: 'Identity', inputs: ['go'], outputs: ['on'], name: 'on' },
              ],
              initializers: [{ name: 'one', dtype: 'float32', dims: [1], data: [1] }],
              inputs: [
                { name: 'i', dtype: 'int64', dims: [] },
                { name: 'go', dtype: 'bool', dims: [] },
                { name: 'v', dtype: 'float32', dims: [4] },
              ],
              outputs: [
                { name: 'on', dtype: 'bool', dims: [] },
                { name: 'w', dtype: 'float32', dims: [4] },
              ],
            },
          },
        },
      },
    ],
    initializers: [{ name: 'count', dtype: 'int64', dims: [], data: [2n ** 40n] }],
    inputs: [{ name: 'x', dtype: 'float32', dims: [4] }],
    outputs: [{ name: 'y', dtype: 'float32', dims: [4] }],
  });
}

const startRun = (file: string) =>
  `pkg.Session.create(${JSON.stringify(file)}, {backend: 'cpu'}).then(async (session) => {
     const feeds = { x: pkg.Tensor.from(new Float32Array(4), session.inputs[0].dims) };
     const run = () => session.run(feeds).then(run, () => {});
     for (let i = 0; i < 3; i++) run();
     setTimeout(ready, 20);
   });`;

describe('the end of a process', () => {
  it('by process.exit() during a run that would never end', async () => {
    const script = `${startRun(endless)} function ready() { console.log('bye'); process.exit(0); }`;
    expect(await runChild(script)).toBe('bye');
  });

  it('by exit() that no JS is told of, during such a run', async () => {
    const script = `${startRun(endless)} function ready() { console.log('bye'); process.reallyExit(0); }`;
    expect(await runChild(script)).toBe('bye');
  });

  it('by process.exit() while a model is being loaded', async () => {
    for (const delayMs of [0, 2, 5, 8, 10, 12, 15, 20, 30, 40]) {
      const script = `
        for (let i = 0; i < 4; i++) pkg.Session.create(${JSON.stringify(quick)}, { backend: 'cpu' });
        setTimeout(() => { console.log('bye'); process.exit(0); }, ${delayMs});`;
      expect(await runChild(script), `${delayMs} ms`).toBe('bye');
    }
  });

  it('by an uncaught error during a run gives exit code 1, no crash', async () => {
    const script = `${startRun(endless)} function ready() { throw new Error('on purpose'); }`;
    await expect(runChild(script)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('on purpose'),
    });
  });

  it('comes by itself with sessions undisposed, and with native results unread', async () => {
    const script = `pkg.Session.create(${JSON.stringify(quick)}).then(async (session) => {
      globalThis.kept = await session.run({ x: pkg.Tensor.from([[1, 2, 3, 4]]) }, { nativeOutputs: true });
      globalThis.session = session;
      console.log(kept.y.dims.join());
    });`;
    for (let i = 0; i < 5; i++) expect(await runChild(script)).toBe('1,4');
  });

  it('comes cleanly with sessions that only the garbage collector takes down', async () => {
    const script = `(async () => {
      for (let i = 0; i < 50; i++) {
        const session = await pkg.Session.create(${JSON.stringify(quick)}, { backend: 'cpu' });
        await session.run({ x: pkg.Tensor.from([[1, 2, 3, 4]]) });
        if (i % 10 === 9) global.gc();
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
      const tasks = require('fs').readdirSync('/proc/self/task').length;
      console.log(tasks < 40 ? 'few threads' : tasks + ' threads');
    })();`;
    expect(await runChild(script, ['--expose-gc'])).toBe('few threads');
  });
});

describe('worker threads', () => {
  it('8 of them load, run and are terminated mid-run, 20 times over', async () => {
    const body = (file: string) => `
      const pkg = require(${JSON.stringify(builtPackage)});
      const { parentPort } = require('node:worker_threads');
      function ready() { parentPort.postMessage('running'); }
      ${startRun(file)}`;
    for (let round = 0; round < 20; round++) {
      const workers = Array.from(
        { length: 8 },
        (_, i) => new Worker(body(i % 2 === 0 ? endless : quick), { eval: true }),
      );
      await Promise.all(
        workers.map(
          (worker) =>
            new Promise((resolve, reject) => {
              worker.once('message', resolve);
              worker.once('error', reject);
            }),
        ),
      );
      const codes = await Promise.all(workers.map((worker) => worker.terminate()));
      expect(codes).toEqual(Array(8).fill(1));
    }
    expect(
      await runChild(
        `${startRun(quick)} function ready() { console.log('fine'); process.exit(); }`,
      ),
    ).toBe('fine');
  });

  it('are terminated while they load', async () => {
    const body = `
      const pkg = require(${JSON.stringify(builtPackage)});
      for (let i = 0; i < 3; i++) pkg.Session.create(${JSON.stringify(quick)}).catch(() => {});
      require('node:worker_threads').parentPort.postMessage('loading');`;
    for (let round = 0; round < 10; round++) {
      const workers = Array.from({ length: 4 }, () => new Worker(body, { eval: true }));
      await Promise.all(
        workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))),
      );
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
  });
});

describe('two copies of the addon in one process', () => {
  it('both run models, and refuse each other’s handles', async () => {
    const original = (nodeGypBuild as unknown as { resolve(root: string): string }).resolve(
      projectRoot,
    );
    const copy = path.join(folder, 'copy.node');
    copyFileSync(original, copy);
    const library = findOnnxRuntime().find(({ exists }) => exists)!.path;
    const script = `
      const options = { concurrency: 1, intraOpThreads: 1, interOpThreads: 1, parallelExecution: false,
        graphOptimizationLevel: 99, cpuMemoryArena: true, memoryPattern: true, spinning: false, config: {} };
      const addons = [${JSON.stringify(original)}, ${JSON.stringify(copy)}].map((file) => require(file));
      const library = ${JSON.stringify(library)};
      (async () => {
        const sessions = await Promise.all(
          addons.map((addon) => addon.cpuSessionCreate(library, ${JSON.stringify(quick)}, options)));
        const feed = { name: 'x', dtype: 1, dims: [1, 4], data: Float32Array.of(1, 2, 3, 4) };
        for (const [i, addon] of addons.entries()) {
          const [y] = await addon.cpuSessionRun(sessions[i], [feed], ['y'], false);
          console.log(new Float32Array(y.data).join());
          try { addon.cpuSessionRun(sessions[1 - i], [feed], ['y'], false); console.log('taken'); }
          catch (error) { console.log(error.code); }
        }
        await addons[0].cpuSessionDispose(sessions[0]);
        const [y] = await addons[1].cpuSessionRun(sessions[1], [feed], ['y'], false);
        console.log(new Float32Array(y.data).join());
      })();`;
    expect((await runChild(script)).split('\n')).toEqual([
      '2,3,4,5',
      'ERR_INVALID_ARGUMENT',
      '2,3,4,5',
      'ERR_INVALID_ARGUMENT',
      '2,3,4,5',
    ]);
  });

  it('onnxruntime-node itself may be loaded beside, before or after', async () => {
    const ours = `const session = await pkg.Session.create(file, { backend: 'cpu' });
      const { y } = await session.run({ x: pkg.Tensor.from([[1, 2, 3, 4]]) });
      console.log(y.data.join()); await session.dispose();`;
    const theirs = `const ort = require('onnxruntime-node');
      const other = await ort.InferenceSession.create(file);
      const out = await other.run({ x: new ort.Tensor('float32', Float32Array.of(1, 2, 3, 4), [1, 4]) });
      console.log(out.y.data.join()); await other.release();`;
    for (const parts of [
      [ours, theirs],
      [theirs, ours],
    ]) {
      const blocks = parts.map((part) => `{ ${part} }`).join('\n');
      const script = `const file = ${JSON.stringify(quick)}; (async () => { ${blocks} })();`;
      expect((await runChild(script)).split('\n')).toEqual(['2,3,4,5', '2,3,4,5']);
    }
  });
});
