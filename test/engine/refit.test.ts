import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EngineFacts, encodePlanPrefix } from '../../src/engine/plan-file';
import { Engine, type RefitOptions, type RefitSource, Tensor } from '../../src/index';
import { native } from '../../src/native/binding';
import { requireCompiledWorker } from '../helpers/build-process';
import { projectRoot } from '../helpers/data';
import { addOneModel, convModel } from '../helpers/onnx-writer';
import { describeWithRtx, describeWithTrt10, rtxLibrary, trt10Library } from '../helpers/trt';

const cli = path.join(projectRoot, 'lib', 'cli', 'main.js');
// What these engines hold is no plan: on a device TensorRT says so, without one the driver's absence comes first.
const withoutDevice = (name: string, body: () => Promise<void> | void): void => {
  it(name, async ({ skip }) => {
    const { devices } = await native().cudaProbe();
    skip(devices.length > 0, 'a device is here');
    await body();
  });
};
let folder = '';
let modelSha256 = '';

beforeAll(async () => {
  requireCompiledWorker();
  folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-test-'));
  writeFileSync(path.join(folder, 'model.onnx'), convModel());
  writeFileSync(path.join(folder, 'other.onnx'), convModel({ size: 8 }));
  writeFileSync(
    path.join(folder, 'add.onnx'),
    addOneModel([1, 4], { outputs: [{ name: 'z', dtype: 'float32', dims: [1, 4] }] }),
  );
  const { createHash } = await import('node:crypto');
  modelSha256 = createHash('sha256').update(convModel()).digest('hex');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An engine file as a build with these options writes it, around something that is no plan. */
async function engineOf(options: Record<string, unknown>, more: Partial<EngineFacts> = {}) {
  const plan = Buffer.from('ftrt this is no plan');
  const { createHash } = await import('node:crypto');
  const facts: EngineFacts = {
    format: 1,
    packageVersion: '0.0.0',
    createdAt: '2026-01-01T00:00:00.000Z',
    flavor: 'rtx1',
    tensorrtVersion: '1.7.1.116',
    computeCapabilities: ['8.9'],
    profiles: [],
    options,
    onnxSha256: modelSha256,
    planSha256: createHash('sha256').update(plan).digest('hex'),
    inputs: [{ name: 'x', dtype: 'float32', shape: [1, 3, 16, 16] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: [1, 3, 16, 16] }],
    ...more,
  };
  return Engine.load(Buffer.concat([encodePlanPrefix({}, facts), plan]));
}

const weights = { w1: Tensor.from(new Float32Array(81)) };
const model = () => path.join(folder, 'model.onnx');

describe('engine.refit', () => {
  it.each<[string, () => unknown, RegExp]>([
    ['no tensor at all', () => ({}), /at least one tensor/],
    ['no tensor', () => ({ w1: 1 }), /a Tensor for weights\.w1/],
    [
      'a type without weights',
      () => ({ w1: Tensor.from(['a']) }),
      /weights\.w1 but received string/,
    ],
    [
      'float64',
      () => ({ w1: Tensor.from(new Float64Array(2)) }),
      /weights\.w1 but received float64/,
    ],
    ['an empty tensor', () => ({ w1: new Tensor('float32', [], [0]) }), /at least one value/],
    ['an empty name', () => ({ '': Tensor.from([1]) }), /names that are not empty/],
    ['an engine', () => Buffer.from('ftrt and more bytes'), /an ONNX model or tensors/],
    ['a number', () => 3, /model/],
  ])('refuses %s before a device is asked for', async (_, source, message) => {
    const engine = await engineOf({ refittable: true });
    await expect(engine.refit(source() as RefitSource)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    });
  });

  it.each<[RefitOptions]>([
    [{ outptu: 'a' } as RefitOptions],
    [{ output: '' }],
    [{ keepRefittable: 1 as unknown as boolean }],
    [{ flavor: 'trt9' as 'rtx1' }],
    [{ timeoutMs: 0 }],
    [{ signal: {} as AbortSignal }],
    [{ allowHostCode: 'yes' as unknown as boolean }],
  ])('refuses the options %j', async (options) => {
    const engine = await engineOf({ refittable: true });
    await expect(engine.refit(weights, options)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
    });
  });

  it('wants an engine that was built for it', async () => {
    for (const options of [{}, { refittable: false, stripWeights: false }]) {
      const engine = await engineOf(options);
      const refused = {
        code: 'ERR_INVALID_ARGUMENT',
        message: expect.stringMatching(/refittable or stripWeights.*build it anew/),
      };
      await expect(engine.refit(weights)).rejects.toMatchObject(refused);
      await expect(engine.weights()).rejects.toMatchObject(refused);
    }
  });

  it.each([
    { stripWeights: true },
    { refitIdentical: true },
    { refitIdentical: true, stripWeights: true },
  ])('wants the very model back for %j', async (built) => {
    const engine = await engineOf(built);
    const other = path.join(folder, 'other.onnx');
    await expect(engine.refit(other)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(/the model that the engine was built from, .* \(SHA-256 /),
    });
    await expect(engine.refit(weights)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(/but received tensors by name/),
    });
    await expect(engine.refit(path.join(folder, 'absent.onnx'))).rejects.toMatchObject({
      code: 'ERR_IO',
    });
    await expect(engine.refit(Buffer.from('no model'))).rejects.toMatchObject({
      code: 'ERR_INVALID_MODEL',
    });
  });

  it('wants a model with the inputs and outputs of the engine', async () => {
    const engine = await engineOf({ refittable: true });
    await expect(engine.refit(path.join(folder, 'add.onnx'))).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(/engine's outputs "y" for weights but received .* with "z"/),
    });
  });

  withoutDevice('ends with ERR_NO_DEVICE when all else is right, and leaves nothing', async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('tensorrt-node-engine-'));
    const none = {
      code: 'ERR_NO_DEVICE',
      message: expect.stringMatching(/^Expected a CUDA device/),
    };
    const refittable = await engineOf({ refittable: true });
    await expect(refittable.refit(weights)).rejects.toMatchObject(none);
    await expect(refittable.refit(path.join(folder, 'other.onnx'))).rejects.toMatchObject(none);
    await expect(refittable.weights()).rejects.toMatchObject(none);
    await expect(refittable.inspectOnDevice()).rejects.toMatchObject(none);
    const stripped = await engineOf({ stripWeights: true });
    await expect(stripped.refit(model())).rejects.toMatchObject(none);
    await expect(stripped.refit(convModel())).rejects.toMatchObject(none);
    const other = { output: path.join(folder, 'out.engine'), allowOtherModel: true };
    await expect(stripped.refit(path.join(folder, 'other.onnx'), other)).rejects.toMatchObject(
      none,
    );
    await expect(stripped.refit(weights, { allowOtherModel: true })).rejects.toMatchObject(none);
    const individual = await engineOf({ refitIndividual: true, stripWeights: true });
    await expect(individual.refit(weights)).rejects.toMatchObject(none);
    // Edits of the graph are made again, and then other names are right.
    const edited = await engineOf({ refittable: true }, { given: { topK: 100, refittable: true } });
    await expect(edited.refit(path.join(folder, 'add.onnx'))).rejects.toMatchObject(none);
    const plain = await Engine.load(Buffer.from('ftrt this is no plan'));
    await expect(plain.refit(weights)).rejects.toMatchObject(none);
    expect(readdirSync(folder)).not.toContain('out.engine');
    expect(
      readdirSync(tmpdir()).filter((name) => name.startsWith('tensorrt-node-engine-')),
    ).toEqual(before);
  });

  it('of a disposed engine', async () => {
    const engine = await engineOf({ refittable: true });
    await engine.dispose();
    await expect(engine.refit(weights)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    await expect(engine.weights()).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    await expect(engine.inspectOnDevice()).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  });
});

describeWithRtx('stripped and refittable engines of the real TensorRT-RTX', () => {
  withoutDevice(
    'are not built without a device: TensorRT compiles their weights on it',
    async () => {
      for (const wish of [{ refittable: true }, { stripWeights: true }]) {
        const options = { flavor: 'rtx1', computeCapabilities: ['8.9'], ...wish } as const;
        await expect(Engine.build(convModel(), options)).rejects.toMatchObject({
          code: 'ERR_ENGINE_BUILD',
          message: expect.stringMatching(
            /Myelin.*needs a CUDA device to build an engine with (refittable|stripWeights)/,
          ),
        });
      }
    },
  );
});

/** Straight to the native half, past the check in TypeScript: TensorRT must not be asked without a device. */
function nativeCalls(library: { libraryPath: string; parserPath: string }) {
  const plan = { ...library, planPath: model(), planOffset: 0, allowHostCode: false };
  return [
    () => native().trtInspectEngine(plan),
    () => native().trtEngineWeights(plan),
    () =>
      native().trtRefit({
        ...plan,
        modelPath: model(),
        weightsPath: '',
        weights: [],
        keepRefittable: false,
      }),
  ];
}

describeWithRtx('the native half with rtx1', () => {
  withoutDevice('answers ERR_NO_DEVICE', async () => {
    for (const call of nativeCalls(rtxLibrary!)) {
      await expect(call()).rejects.toMatchObject({ code: 'ERR_NO_DEVICE' });
    }
  });

  it('checks what it is given', () => {
    const good = {
      ...rtxLibrary!,
      planPath: model(),
      planOffset: 0,
      allowHostCode: false,
      modelPath: '',
      weightsPath: model(),
      keepRefittable: false,
    };
    const weight = { name: 'w', dtype: 'float32', offset: 0, count: 1 };
    const wrong = { code: 'ERR_INVALID_ARGUMENT' };
    const call = (request: object) => () => native().trtRefit(request as never);
    for (const bad of [
      {},
      { ...good, weights: undefined },
      { ...good, weights: [{ ...weight, dtype: 'float64' }] },
      { ...good, weights: [{ ...weight, count: -1 }] },
      { ...good, weights: [{ ...weight, count: 2 ** 52 }] },
      { ...good, weights: [{ ...weight, offset: 0.5 }] },
      { ...good, weights: [weight], planOffset: -1 },
    ]) {
      expect(call(bad)).toThrow(expect.objectContaining(wrong));
    }
  });
});

describeWithTrt10('the native half with the real TensorRT 10.15', () => {
  withoutDevice('answers ERR_NO_DEVICE, to a check of a model too', async () => {
    for (const call of nativeCalls(trt10Library!)) {
      await expect(call()).rejects.toMatchObject({ code: 'ERR_NO_DEVICE' });
    }
    await expect(
      native().trtCheckModel({ ...trt10Library!, modelPath: model(), operators: ['Conv'] }),
    ).rejects.toMatchObject({ code: 'ERR_NO_DEVICE' });
  });
});

describe('tensorrt-node refit', () => {
  const run = (...args: string[]) => {
    const { TENSORRT_NODE_LOG: _, ...env } = process.env;
    return spawnSync(process.execPath, [cli, 'refit', ...args], {
      cwd: folder,
      encoding: 'utf8',
      env,
    });
  };
  beforeAll(async () => {
    writeFileSync(
      path.join(folder, 'a.engine'),
      await (await engineOf({ refittable: true })).toBuffer(),
    );
    writeFileSync(path.join(folder, 'plain.engine'), await (await engineOf({})).toBuffer());
  });

  it('explains itself with examples', () => {
    const { status, stdout } = run('--help');
    expect(status).toBe(0);
    for (const text of ['--onnx', '--keep-refittable', 'Examples:', 'Needs a GPU'])
      expect(stdout).toContain(text);
  });

  it.each([
    [['a.engine'], 2, /--onnx/],
    [['a.engine', '--onnx', 'model.onnx'], 2, /--output/],
    [['a.engine', '--list', '--timeout-ms', 'x'], 2, /--timeout-ms/],
    [['plain.engine', '--onnx', 'model.onnx', '-o', 'b.engine'], 2, /refittable/],
    [['absent.engine', '--onnx', 'model.onnx', '-o', 'b.engine'], 1, /absent\.engine/],
    [['a.engine', '--onnx', 'absent.onnx', '-o', 'b.engine'], 1, /absent\.onnx/],
  ])('%j: exit code %i and one line', (args, status, message) => {
    const result = run(...args);
    expect(result.stderr).toMatch(/^ERR_\w+: [^\n]+\n$/);
    expect(result.stderr).toMatch(message);
    expect(result.status).toBe(status);
  });

  withoutDevice('ends with ERR_NO_DEVICE where there is none', () => {
    for (const args of [['--onnx', 'model.onnx', '-o', 'b.engine'], ['--list']]) {
      const { status, stderr } = run('a.engine', ...args);
      expect(stderr).toMatch(/^ERR_NO_DEVICE: Expected a CUDA device to [^\n]+\n$/);
      expect(status).toBe(1);
    }
    expect(() => readFileSync(path.join(folder, 'b.engine'))).toThrow();
  });
});
