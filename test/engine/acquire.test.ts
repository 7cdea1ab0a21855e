import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Engine, EngineCache, type EngineMachine, setLogSink } from '../../src';
import { type AcquireOptions, acquireEngine } from '../../src/engine/acquire';
import { encodePlanPrefix } from '../../src/engine/plan-file';
import { createTensorRTBackend } from '../../src/session/backends/tensorrt';
import { openModel } from '../../src/session/model-input';
import { resolveOptions } from '../../src/session/options';
import { requireCompiledWorker } from '../helpers/build-process';
import { addOneModel } from '../helpers/onnx-writer';
import { plan, planFacts } from '../helpers/plan-file';
import { describeWithRtx, hasRtx } from '../helpers/trt';

let folder = '';
let model = '';
let cache: EngineCache;
beforeAll(() => {
  if (hasRtx) requireCompiledWorker();
  folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-test-'));
  model = path.join(folder, 'model.onnx');
  writeFileSync(model, addOneModel(['batch', 4]));
  cache = new EngineCache({ directory: path.join(folder, 'cache') });
  setLogSink(() => {});
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let version: string | undefined;

/** A machine with the TensorRT-RTX of the set-up and one GPU that is not there. */
async function machineWith(computeCapability: string): Promise<EngineMachine> {
  version ??= (await Engine.build(addOneModel(), { cache })).inspect().tensorrtVersion!;
  return {
    platform: `${process.platform}-${process.arch}`,
    libraries: [{ flavor: 'rtx1', version }],
    devices: [{ name: 'a GPU of the test', computeCapability }],
  };
}
const shapes = { x: { min: [1, 4], max: [8, 4] } };

describeWithRtx('the engine of a model, with real TensorRT-RTX', () => {
  it('is built of an ONNX model for the GPU of the machine, and then comes from the cache', async () => {
    const machine = await machineWith('8.9');
    const options: AcquireOptions = { cache, machine, build: { shapes } };
    const first = await acquireEngine(await openModel(model), options);
    expect(first.engine.inspect()).toMatchObject({
      computeCapabilities: ['8.9'],
      profiles: [[{ input: 'x', min: [1, 4], opt: [8, 4], max: [8, 4] }]],
    });
    expect(first).toMatchObject({ compatibility: { runs: 'yes' }, engine: { fromCache: false } });
    expect(first.reasons[0]).toMatch(/^the engine was built by rtx1 1\./);
    const second = await acquireEngine(await openModel(model), options);
    expect(second.engine).toMatchObject({ fromCache: true, path: first.engine.path });
    expect(second.reasons[0]).toMatch(/^the engine was in the cache/);
    const other = await acquireEngine(await openModel(model), {
      ...options,
      machine: await machineWith('12.0'),
    });
    expect(other.engine.inspect().computeCapabilities).toEqual(['12.0']);
    // A GPU that TensorRT-RTX has no target for: its default, and no promise.
    const hopper = await acquireEngine(await openModel(model), {
      ...options,
      machine: await machineWith('9.0'),
    });
    expect(hopper).toMatchObject({ compatibility: { runs: 'unknown' } });
    expect(hopper.engine.inspect().computeCapabilities).toEqual([]);
    const unkept = await acquireEngine(await openModel(addOneModel()), { cache: false, machine });
    expect(unkept.engine.path).toBeUndefined();
  });

  it('is the engine file where that fits, and otherwise a reason', async () => {
    const file = path.join(folder, 'ada.engine');
    await Engine.build(model, { output: file, computeCapabilities: ['8.9'], shapes });
    const fits = await acquireEngine(await openModel(file), { machine: await machineWith('8.9') });
    expect(fits.engine.path).toBe(file);
    const machine = await machineWith('7.5');
    await expect(acquireEngine(await openModel(file), { machine })).rejects.toMatchObject({
      code: 'ERR_ENGINE_INCOMPATIBLE',
      message: expect.stringMatching(
        /ada\.engine cannot be used\. The engine does not run here, because it was built for compute capability 8\.9 .*has 7\.5\. Build it/,
      ),
      details: [expect.stringMatching(/^compute-capability: /)],
    });
    await expect(
      acquireEngine(await openModel(file), { machine, verifyKey: 'no key' }),
    ).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });

  it('is built anew where it does not fit and that is wanted', async () => {
    const file = path.join(folder, 'ada.engine');
    const machine = await machineWith('7.5');
    const acquired = await acquireEngine(await openModel(file), { machine, cache, rebuild: true });
    expect(acquired.compatibility.runs).toBe('yes');
    expect(acquired.engine.inspect()).toMatchObject({
      computeCapabilities: ['7.5'],
      // The rest is as it was.
      profiles: [[{ input: 'x', min: [1, 4], opt: [8, 4], max: [8, 4] }]],
      onnxPath: model,
    });
    expect(acquired.reasons[0]).toMatch(/does not run here/);
    // By Engine.load: into a file, with an option of this build.
    const output = path.join(folder, 'turing.engine');
    const loaded = await Engine.load(file, {
      machine,
      rebuild: { output, optimizationLevel: 1 },
    });
    expect(loaded.inspect()).toMatchObject({
      computeCapabilities: ['7.5'],
      options: { optimizationLevel: 1 },
    });
    expect((await Engine.load(output)).inspect().planSha256).toBe(loaded.inspect().planSha256);
    // What fits is not built.
    const same = await Engine.load(file, { machine: await machineWith('8.9'), rebuild: true });
    expect(same.path).toBe(file);
    // Where no engine would run, none is built.
    await expect(
      Engine.load(file, { machine: { ...machine, devices: [] }, rebuild: true }),
    ).rejects.toMatchObject({ code: 'ERR_ENGINE_INCOMPATIBLE' });
  });

  it('is built anew with all options that it was built with', async () => {
    const engine = await Engine.build(model, {
      computeCapabilities: ['12.0', '8.9'],
      shapes: [shapes, { x: [2, 4] }],
      optimizationLevel: 3,
      tf32: false,
      metadata: { owner: 'someone' },
      precision: { type: 'fp16', keepIoFloat: false },
    });
    const again = await engine.rebuild();
    const stable = ({
      createdAt: _,
      planSha256: __,
      byteLength: ___,
      ...rest
    }: ReturnType<Engine['inspect']>) => rest;
    expect(stable(again.inspect())).toEqual(stable(engine.inspect()));
    expect(again.inspect().inputs).toMatchObject([{ dtype: 'float16' }]);
  });

  it('is not built anew of another model, a missing one, or of bytes', async () => {
    const own = path.join(folder, 'own');
    mkdirSync(own);
    const source = path.join(own, 'gone.onnx');
    writeFileSync(source, addOneModel());
    const file = path.join(own, 'gone.engine');
    const engine = await Engine.build(source, { output: file });
    writeFileSync(source, addOneModel([3, 4]));
    await expect(engine.rebuild()).rejects.toMatchObject({
      code: 'ERR_INVALID_MODEL',
      message: expect.stringMatching(/gone\.onnx to be the model .* changed since \(SHA-256/),
    });
    rmSync(source);
    await expect(engine.rebuild()).rejects.toMatchObject({
      code: 'ERR_IO',
      message: expect.stringMatching(/gone\.onnx .*is not there; name it by the option "model"/),
    });
    const moved = path.join(folder, 'moved.onnx');
    writeFileSync(moved, addOneModel());
    expect((await engine.rebuild({ model: moved })).inspect().onnxPath).toBe(moved);
    // Engine and model went to another folder together.
    const there = path.join(folder, 'there');
    mkdirSync(there);
    copyFileSync(file, path.join(there, 'gone.engine'));
    writeFileSync(path.join(there, 'gone.onnx'), addOneModel());
    const travelled = await Engine.load(path.join(there, 'gone.engine'));
    expect((await travelled.rebuild()).inspect().onnxPath).toBe(path.join(there, 'gone.onnx'));
    await expect((await Engine.build(addOneModel())).rebuild()).rejects.toMatchObject({
      code: 'ERR_IO',
      message: expect.stringContaining('was built from bytes'),
    });
    await expect((await Engine.load(plan)).rebuild()).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('does not tell which ONNX model'),
    });
  });

  it('is got by the TensorRT backend before it says that running is still to come', async () => {
    const machine = await machineWith('8.9');
    const acquire = vi.fn((input, options) => acquireEngine(input, { ...options, machine }));
    const create = (options: object) =>
      createTensorRTBackend(input, resolveOptions(options), async () => undefined, acquire);
    const input = await openModel(model);
    const tensorrt = { cache, build: { shapes } };
    await expect(create({ backend: 'tensorrt', tensorrt })).rejects.toMatchObject({
      code: 'ERR_NOT_IMPLEMENTED',
      details: expect.arrayContaining([
        expect.stringMatching(/^the engine was in the cache/),
        expect.stringMatching(/^the engine is .*\.engine$/),
      ]),
    });
    expect(acquire).toHaveBeenCalledTimes(1);
    // 'auto' would go on to the CPU: no build is waited for.
    await expect(create({ tensorrt })).rejects.toMatchObject({ code: 'ERR_NOT_IMPLEMENTED' });
    expect(acquire).toHaveBeenCalledTimes(1);
    await expect(
      create({ backend: 'tensorrt', tensorrt: { build: { shapes: { x: [1, 5] } }, cache: false } }),
    ).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });
});

describe('options of the TensorRT backend', () => {
  it.each([
    [{ build: { output: 'a.engine' } }, /options\.tensorrt\.build\.output/],
    [{ build: { optimizationLevel: 9 } }, /optimizationLevel/],
    [{ rebuild: 1 }, /options\.tensorrt\.rebuild/],
    [{ engine: { precicion: 'fp16' } }, /precicion/],
    [{ cash: true }, /cash/],
  ])('%j are refused', (tensorrt, message) => {
    expect(() => resolveOptions({ tensorrt } as never)).toThrow(
      expect.objectContaining({
        code: 'ERR_INVALID_ARGUMENT',
        message: expect.stringMatching(message),
      }),
    );
  });

  it('an engine of facts that lie about its version is judged by what they say', async () => {
    const facts = planFacts({ flavor: 'trt10', tensorrtVersion: '10.3.0.26' });
    const engine = await Engine.load(Buffer.concat([encodePlanPrefix({}, facts), plan]));
    const answer = await engine.compatibility({
      platform: 'linux-x64',
      libraries: [{ flavor: 'trt11', version: '11.4.0.106' }],
      devices: [],
    });
    expect(answer.summary).toMatch(/built by TensorRT 10\.3\.0\.26 .*no CUDA device/);
  });
});
