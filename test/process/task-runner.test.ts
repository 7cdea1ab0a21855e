import { execFileSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/native/binding';
import { projectRoot } from '../helpers/data';

const loadAddon = `const addon = require('node-gyp-build')(${JSON.stringify(projectRoot)});`;

describe('the native task runner', () => {
  it('settles many tasks, failed ones among them, with code and details', async () => {
    const addon = native();
    const values = await Promise.all(
      Array.from({ length: 50 }, (_, i) => addon.testTask(0, i, false)),
    );
    expect(values).toEqual(Array.from({ length: 50 }, (_, i) => i));
    await expect(addon.testTask(0, 1, true)).rejects.toMatchObject({
      code: 'ERR_INTERNAL',
      details: ['a detail'],
    });
  });

  it('keeps the process alive while a task is in flight, and no longer', () => {
    const out = execFileSync(
      process.execPath,
      ['-e', `${loadAddon} addon.testTask(200, 7, false).then((v) => console.log('got', v));`],
      { encoding: 'utf8', cwd: projectRoot, timeout: 20_000 },
    );
    expect(out.trim()).toBe('got 7');
  });

  it('lets process.exit() through while tasks run', () => {
    const out = execFileSync(
      process.execPath,
      [
        '-e',
        `${loadAddon} for (let i = 0; i < 8; i++) addon.testTask(100, i, false); setTimeout(() => { console.log('bye'); process.exit(0); }, 20);`,
      ],
      { encoding: 'utf8', cwd: projectRoot, timeout: 20_000 },
    );
    expect(out.trim()).toBe('bye');
  });

  it('survives workers that are terminated with tasks in flight', async () => {
    for (let round = 0; round < 10; round++) {
      const workers = Array.from(
        { length: 4 },
        () =>
          new Worker(
            `${loadAddon} require('worker_threads').parentPort.postMessage('up'); setInterval(() => { for (let i = 0; i < 4; i++) addon.testTask(3, i, i % 2 === 0).catch(() => {}); }, 1);`,
            { eval: true },
          ),
      );
      await Promise.all(
        workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))),
      );
      await new Promise((resolve) => setTimeout(resolve, 15));
      await Promise.all(workers.map((worker) => worker.terminate()));
    }
    expect(await native().testTask(0, 42, false)).toBe(42);
  });
});
