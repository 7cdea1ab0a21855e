import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BuildProcess } from '../../src/engine/build-process';
import {
  BuildProcessExit,
  type BuildStage,
  EngineBuilder,
  setLogSink,
  type TensorRTNodeError,
} from '../../src/index';
import { buildJob } from '../helpers/build-job';
import { isAlive, requireCompiledWorker, residentBytes } from '../helpers/build-process';
import { builtPackage } from '../helpers/child';
import { addOneModel, convModel } from '../helpers/onnx-writer';
import { describeWithRtx, hasRtx } from '../helpers/trt';

const mib = 2 ** 20;
const slowModel = convModel({ channels: 512, size: 64 });
let folder = '';

beforeAll(() => {
  if (hasRtx) requireCompiledWorker();
  folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-test-'));
  setLogSink(() => {});
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const failureOf = (promise: Promise<unknown>): Promise<TensorRTNodeError> =>
  promise.then(
    () => expect.unreachable('the build should have failed'),
    (error) => error as TensorRTNodeError,
  );

/** A memory control group that a test may put processes into; undefined where this machine does not let us. */
function makeMemoryGroup(limitBytes: number): string | undefined {
  for (const [root, limit] of [
    ['/sys/fs/cgroup', 'memory.max'],
    ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes'],
  ] as const) {
    const group = path.join(root, `tensorrt-node-test-${process.pid}`);
    try {
      mkdirSync(group);
    } catch {
      continue;
    }
    try {
      if (!existsSync(path.join(group, limit))) throw new Error('no memory controller');
      writeFileSync(path.join(group, limit), String(limitBytes));
      return group;
    } catch {
      rmdirSync(group);
    }
  }
  return undefined;
}
const probe = makeMemoryGroup(2 ** 30);
if (probe) rmdirSync(probe);

describeWithRtx('the memory of a build', () => {
  it('is reported with its times and its stages', async () => {
    await using builder = new EngineBuilder();
    const stages: BuildStage[] = [];
    const options = { flavor: 'rtx1', computeCapabilities: ['8.9'] } as const;
    const big = await builder.build(slowModel, {
      ...options,
      onStage: ({ stage, elapsedMs }) => {
        expect(elapsedMs).toBeGreaterThanOrEqual(0);
        stages.push(stage);
      },
    });
    expect(stages).toEqual(['start', 'load', 'parse', 'build', 'write']);
    const report = big.buildReport!;
    expect(report.peakMemoryBytes).toBeGreaterThan(100 * mib);
    expect(report.memoryGrowthBytes).toBeGreaterThan(0);
    expect(report.memoryGrowthBytes).toBeLessThan(report.peakMemoryBytes!);
    for (const name of ['queuedMs', 'startMs', 'loadMs', 'parseMs', 'buildMs', 'writeMs'] as const)
      expect(report[name]).toBeGreaterThanOrEqual(0);
    const { queuedMs, startMs, loadMs, parseMs, buildMs, writeMs, totalMs } = report;
    expect(queuedMs + startMs + loadMs + parseMs + buildMs + writeMs).toBeLessThanOrEqual(totalMs);
    expect(Number.isInteger(report.warnings)).toBe(true);

    // The kernel's peak starts anew: a small build after a large one has the smaller one.
    const { buildReport: small } = await builder.build(addOneModel(), options);
    if (small!.peakMemoryIsOfThisBuild)
      expect(small!.peakMemoryBytes).toBeLessThan(report.peakMemoryBytes!);
    else expect(small!.peakMemoryBytes).toBeGreaterThanOrEqual(report.peakMemoryBytes!);
  });

  it('counts warnings whatever the log level is', async () => {
    await using builder = new EngineBuilder();
    let heard = 0;
    const build = (logLevel: 'warn' | 'error') =>
      builder.build(addOneModel(), {
        flavor: 'rtx1',
        sparseWeights: true,
        logLevel,
        onLog: ({ level }) => {
          if (level === 'warn') heard++;
        },
      });
    const loud = await build('warn');
    expect(loud.buildReport!.warnings).toBe(heard);
    const quiet = await build('error');
    expect(quiet.buildReport!.warnings).toBe(heard);
  });

  it('above its limit ends the build with both sizes, and the next one is built', async () => {
    await using builder = new EngineBuilder();
    const error = await failureOf(builder.build(slowModel, { memoryLimitBytes: 120 * mib }));
    expect(error.code).toBe('ERR_BUILD_MEMORY');
    expect(error.message).toContain(`${120 * mib} bytes (120 MiB)`);
    const exit = error.cause as BuildProcessExit;
    expect(exit).toBeInstanceOf(BuildProcessExit);
    expect(exit).toMatchObject({ reason: 'memory-limit', signal: 'SIGKILL' });
    expect(exit.peakMemoryBytes).toBeGreaterThan(120 * mib);
    expect(error.message).toContain(`${exit.peakMemoryBytes} bytes`);
    expect(builder.pid).toBeUndefined();

    const engine = await builder.build(addOneModel(), { memoryLimitBytes: 4096 * mib });
    expect(engine.buildReport!.peakMemoryBytes).toBeLessThan(4096 * mib);
    // What an earlier build took does not count against a later one's limit.
    await builder.build(slowModel);
    const limit = residentBytes(builder.pid!) + 128 * mib;
    await builder.build(addOneModel(), { memoryLimitBytes: limit });
  });

  it('does not kill for memory what an abort or the time limit ended', async () => {
    await using builder = new EngineBuilder();
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await expect(builder.build(slowModel, { signal, memoryLimitBytes: 1 })).rejects.toBe(reason);
    await expect(
      builder.build(slowModel, { timeoutMs: 1, memoryLimitBytes: 4096 * mib }),
    ).rejects.toMatchObject({ code: 'ERR_DEADLINE' });
  });

  it('killed from outside is told from a kill by the kernel', async () => {
    const run = async (kills: (number | undefined)[]): Promise<TensorRTNodeError> => {
      const readings = [...kills];
      const child = new BuildProcess(() => readings.shift());
      const model = path.join(folder, 'slow.onnx');
      writeFileSync(model, slowModel);
      const job = buildJob(model, path.join(folder, 'plan.engine'));
      const failed = failureOf(
        child.run(job, (events) => {
          if (events.some(({ type }) => type === 'stage')) process.kill(child.pid!, 'SIGKILL');
        }),
      );
      const error = await failed;
      await child.closed;
      expect(readings).toEqual([]);
      expect(isAlive(child.pid!)).toBe(false);
      return error;
    };
    const killed = await run([7, 7]);
    expect(killed).toMatchObject({ code: 'ERR_BUILD_CRASHED', cause: { reason: 'signal' } });
    expect(killed.message).toContain('counted no kill for lack of memory');
    const unknown = await run([undefined]);
    expect(unknown).toMatchObject({ code: 'ERR_BUILD_CRASHED', cause: { reason: 'signal' } });
    expect(unknown.message).toContain('is not known');
    const starved = await run([7, 8]);
    expect(starved).toMatchObject({
      code: 'ERR_BUILD_MEMORY',
      cause: { reason: 'out-of-memory', signal: 'SIGKILL' },
      message: expect.stringContaining('lack of memory'),
    });
    expect((starved.cause as BuildProcessExit).peakMemoryBytes).toBeGreaterThan(10 * mib);
  });

  it.skipIf(!probe)('that the kernel takes for lack of memory leaves its parent alive', () => {
    const group = makeMemoryGroup(110 * mib)!;
    const model = path.join(folder, 'slow.onnx');
    writeFileSync(model, slowModel);
    const script = `
      require('fs').writeFileSync(${JSON.stringify(path.join(group, 'cgroup.procs'))}, String(process.pid));
      const { Engine, setLogSink } = require(${JSON.stringify(builtPackage)});
      setLogSink(() => {});
      Engine.build(${JSON.stringify(model)}, { flavor: 'rtx1' }).then(
        () => console.log('built'),
        (error) => console.log(JSON.stringify({ code: error.code, ...error.cause, message: error.message })),
      );`;
    try {
      const { stdout, status } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
      expect(status).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({
        code: 'ERR_BUILD_MEMORY',
        reason: 'out-of-memory',
        signal: 'SIGKILL',
      });
    } finally {
      rmdirSync(group);
    }
  });

  it('that exits by itself says with which code', async () => {
    const child = new BuildProcess();
    const failed = failureOf(
      child.run({ ...({} as Parameters<BuildProcess['run']>[0]), modelPath: '/none' }, () => {}),
    );
    // A job without a library is a fault of the caller that the process answers, not one that ends it.
    expect((await failed).code).toBe('ERR_INTERNAL');
    await child.kill();
  });
});
