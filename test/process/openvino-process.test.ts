import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { builtPackage, runChild } from '../helpers/child';
import { describeWithOpenVino, onOpenVino } from '../helpers/openvino';
import { slowModel } from '../helpers/slow-model';

describeWithOpenVino('the end of a process that uses OpenVINO', () => {
  let folder: string;
  let slow: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'openvino-process-'));
    slow = path.join(folder, 'slow.onnx');
    // Seconds of work.
    writeFileSync(slow, slowModel(600, 512));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const startRuns = () =>
    `pkg.Session.create(${JSON.stringify(slow)}, ${JSON.stringify(onOpenVino)}).then((session) => {
       const x = new pkg.Tensor('float32', new Float32Array(512 * 512), [512, 512]);
       const run = () => session.run({ x }).then(run, () => {});
       for (let i = 0; i < 3; i++) run();
       setTimeout(ready, 50);
     });`;

  it('by process.exit() during runs that go on for ever', async () => {
    const script = `${startRuns()} function ready() { console.log('bye'); process.exit(0); }`;
    expect(await runChild(script)).toBe('bye');
  });

  it('by exit() that no JS is told of, during such runs', async () => {
    const script = `${startRuns()} function ready() { console.log('bye'); process.reallyExit(0); }`;
    expect(await runChild(script)).toBe('bye');
  });

  it('of a worker that is terminated, while the process goes on', async () => {
    const inWorker = `const pkg = require(${JSON.stringify(builtPackage)});
      const { parentPort } = require('node:worker_threads');
      ${startRuns()} function ready() { parentPort.postMessage('running'); }`;
    const script = `const { Worker } = require('node:worker_threads');
      const worker = new Worker(${JSON.stringify(inWorker)}, { eval: true });
      worker.once('message', async () => {
        await worker.terminate();
        const session = await pkg.Session.create(${JSON.stringify(slow)}, ${JSON.stringify(onOpenVino)});
        await session.dispose();
        console.log(session.engine.split(' ')[0]);
      });`;
    expect(await runChild(script)).toBe('OpenVINO');
  });

  it('by itself after the last run', async () => {
    const script = `(async () => {
      const session = await pkg.Session.create(${JSON.stringify(slow)}, ${JSON.stringify(onOpenVino)});
      const x = new pkg.Tensor('float32', new Float32Array(512 * 512), [512, 512]);
      const { y } = await session.run({ x });
      console.log(y.dims.join());
    })();`;
    expect(await runChild(script)).toBe('512,512');
  });
});
