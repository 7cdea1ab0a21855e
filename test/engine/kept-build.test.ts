import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Engine, EngineBuilder, EngineCache, setLogSink } from '../../src';
import { engineCacheKey, givenOptions } from '../../src/engine/build-key';
import { buildKept } from '../../src/engine/kept-build';
import { rebuildEngine, recordedOptions } from '../../src/engine/rebuild';
import { native } from '../../src/native/binding';
import { openModel } from '../../src/session/model-input';
import { requireCompiledWorker } from '../helpers/build-process';
import { addOneModel, onnxModel } from '../helpers/onnx-writer';
import { describeWithRtx, hasRtx } from '../helpers/trt';

let folder = '';
beforeAll(() => {
  if (hasRtx) requireCompiledWorker();
  folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-test-'));
  setLogSink(() => {});
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

const library = { flavor: 'rtx1', version: '1.7.1.116' } as const;
const keyOf = async (options = {}, model: string | Uint8Array = addOneModel()) =>
  engineCacheKey(await openModel(model), options, library);
const idOf = async (...args: Parameters<typeof keyOf>) => EngineCache.idOf(await keyOf(...args));

describe('the key of a build', () => {
  it('is the same however the same build is asked for', async () => {
    const plain = await idOf();
    for (const options of [
      { flavor: 'rtx1' },
      { optimizationLevel: 3, tf32: true, sparseWeights: false, profilingVerbosity: 'layer-names' },
      { output: 'a.engine', timeoutMs: 5, logLevel: 'error', onLog: () => {}, cache: true },
    ])
      expect(await idOf(options)).toBe(plain);
    expect(await idOf({ computeCapabilities: ['12.0', '8.9'] })).toBe(
      await idOf({ computeCapabilities: ['8.9', '12.0', '8.9'] }),
    );
    expect(await idOf({ shapes: { x: [1, 4], a: [2] } })).toBe(
      await idOf({ shapes: [{ a: { min: [2], max: [2] }, x: { min: [1, 4], max: [1, 4] } }] }),
    );
    const file = path.join(folder, 'same.onnx');
    writeFileSync(file, addOneModel());
    expect(await idOf({}, file)).toBe(plain);
  });

  it('differs with whatever changes the plan', async () => {
    const ids = await Promise.all([
      idOf(),
      idOf({ tf32: false }),
      idOf({ optimizationLevel: 2 }),
      idOf({ computeCapabilities: ['8.9'] }),
      idOf({ shapes: { x: [1, 4] } }),
      idOf({ metadata: { a: 1 } }),
      idOf({ precision: 'fp16' }),
      idOf({ precision: 'bf16' }),
      idOf({}, addOneModel([2, 4])),
      engineCacheKey(await openModel(addOneModel()), {}, { ...library, version: '1.8.0.1' }).then(
        EngineCache.idOf,
      ),
      engineCacheKey(await openModel(addOneModel()), {}, library, 'ab').then(EngineCache.idOf),
    ]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('is made of all that the build process is told', async () => {
    expect(await idOf({ precision: 'fp16' })).toBe(await idOf({ precision: { type: 'fp16' } }));
    // What is recorded for a build anew is all but what belongs to the call.
    const given = { tf32: true, shapes: { x: [1, 4] }, precision: 'fp16' } as const;
    expect(
      givenOptions({ ...given, output: 'a', signal: AbortSignal.abort(), metadata: { a: 1 } }),
    ).toEqual(given);
  });

  it('counts plug-in libraries by their content, and measurements only where they bind', async () => {
    const plugin = path.join(folder, 'libplugin.so');
    const timing = path.join(folder, 'timing.cache');
    const trt = { flavor: 'trt10', version: '10.16.1.11' } as const;
    const idWith = async (options: object) =>
      EngineCache.idOf(await engineCacheKey(await openModel(addOneModel()), options, trt));
    const ids = async () => [
      await idWith({ pluginLibraries: [plugin] }),
      await idWith({ timingCache: timing, editableTimingCache: true }),
      await idWith({ timingCache: timing }),
    ];
    writeFileSync(plugin, 'one');
    writeFileSync(timing, 'one');
    const before = await ids();
    expect(before[2]).toBe(await idWith({}));
    writeFileSync(plugin, 'two');
    writeFileSync(timing, 'two');
    const after = await ids();
    expect(after.map((id, i) => id === before[i])).toEqual([false, false, true]);
  });

  it('holds the data that lies beside the model', async () => {
    const file = path.join(folder, 'external.onnx');
    writeFileSync(
      file,
      onnxModel({
        nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }],
        inputs: [{ name: 'x', dtype: 'float32', dims: [4] }],
        outputs: [{ name: 'y', dtype: 'float32', dims: [4] }],
        initializers: [{ name: 'w', dtype: 'float32', dims: [4], external: { location: 'w.bin' } }],
      }),
    );
    writeFileSync(path.join(folder, 'w.bin'), Buffer.alloc(16, 0));
    const before = await idOf({}, file);
    writeFileSync(path.join(folder, 'w.bin'), Buffer.alloc(16, 1));
    expect(await idOf({}, file)).not.toBe(before);
  });

  it('names the GPU and its driver where the plan is made for it', async () => {
    vi.spyOn(native(), 'cudaProbe').mockResolvedValue({
      cudaVersion: '12.4',
      devices: [{ name: 'NVIDIA L4', computeCapability: '8.9' } as never],
    });
    const trt = { flavor: 'trt10', version: '10.16.1.11' } as const;
    const key = await engineCacheKey(await openModel(addOneModel()), {}, trt);
    expect(key.target).toEqual(['NVIDIA L4', '8.9', 'CUDA 12.4']);
    expect((await keyOf()).target).toEqual(['default']);
  });
});

describe('what an engine file says of its build', () => {
  const description = (facts: Record<string, unknown>) =>
    ({ metadata: { names: ['a'] }, ...facts }) as never;

  it('is where no file of a build anew is written, and what no listener is taken from', () => {
    const hostile = {
      tf32: false,
      output: '/somewhere/else',
      timingCache: '/somewhere/else',
      cache: { directory: '/somewhere/else' },
      signingKey: 'key',
      memoryLimitBytes: 1,
    };
    const expected = { tf32: false, metadata: { names: ['a'] } };
    expect(recordedOptions(description({ given: hostile }))).toEqual(expected);
    expect(recordedOptions(description({ options: hostile }))).toEqual(expected);
  });

  it('refuses a build anew that would lose weights replaced since', async () => {
    await expect(
      rebuildEngine(description({ onnxSha256: 'ab', refittedWeights: 2 }), undefined, {
        model: path.join(folder, 'any.onnx'),
      }),
    ).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('replaced by name'),
    });
  });
});

describeWithRtx('Engine.build through the cache, with real TensorRT-RTX', () => {
  it('builds once and then takes the plan, for other options builds anew', async () => {
    const cache = new EngineCache({ directory: path.join(folder, 'cache') });
    await using builder = new EngineBuilder();
    const first = await builder.build(addOneModel(), { cache });
    expect(first.fromCache).toBe(false);
    expect(path.dirname(first.path!)).toBe(cache.directory);
    const second = await Engine.build(addOneModel(), { cache: { directory: cache.directory } });
    expect(second.fromCache).toBe(true);
    expect(second.path).toBe(first.path);
    expect(second.inspect()).toEqual(first.inspect());
    const output = path.join(folder, 'out.engine');
    const third = await builder.build(addOneModel(), { cache, output, tf32: true });
    expect(third).toMatchObject({ fromCache: true, path: output });
    expect(readFileSync(output).equals(readFileSync(first.path!))).toBe(true);
    expect((await builder.build(addOneModel(), { cache, tf32: false })).fromCache).toBe(false);
    expect((await builder.build(addOneModel([2, 4]), { cache })).fromCache).toBe(false);
    const entries = await cache.list();
    expect(entries.map(({ key }) => key)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ flavor: 'rtx1', target: ['default'] }),
        expect.objectContaining({ options: expect.objectContaining({ tf32: false }) }),
      ]),
    );
    expect(entries).toHaveLength(3);
    expect(await cache.verify()).toMatchObject({ bad: [] });
  });

  it('builds once for callers of one process, and is asked nothing once it is disposed', async () => {
    const cache = new EngineCache({ directory: path.join(folder, 'at-once') });
    const builder = new EngineBuilder();
    const asked = ['a', 'b', 'c'].map((name) =>
      builder.build(addOneModel(), { cache, output: path.join(folder, `${name}.engine`) }),
    );
    const engines = await Promise.all(asked);
    expect(engines.filter(({ fromCache }) => !fromCache)).toHaveLength(1);
    const output = path.join(folder, 'no', 'such', 'a.engine');
    await expect(builder.build(addOneModel(), { cache, output })).rejects.toMatchObject({
      code: 'ERR_IO',
      message: expect.stringContaining('options.output'),
    });
    await builder.dispose();
    await expect(builder.build(addOneModel(), { cache })).rejects.toMatchObject({
      code: 'ERR_DISPOSED',
    });
  });

  it('does not let a file of the cache be signed in place', async () => {
    const cache = new EngineCache({ directory: path.join(folder, 'at-once') });
    const kept = await Engine.build(addOneModel(), { cache });
    const { privateKey } = generateKeyPairSync('ed25519');
    await expect(kept.sign(privateKey)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('signingKey'),
    });
    expect((await cache.verify()).bad).toEqual([]);
    const output = path.join(folder, 'own.engine');
    await (await Engine.build(addOneModel(), { cache, output })).sign(privateKey);
    expect((await cache.verify()).bad).toEqual([]);
  });

  it('keeps nothing of a build that fails, and waits no longer than it may', async () => {
    const cache = new EngineCache({ directory: path.join(folder, 'failing') });
    const bad = onnxModel({
      nodes: [{ op: 'Frobnicate', inputs: ['x'], outputs: ['y'] }],
      inputs: [{ name: 'x', dtype: 'float32', dims: [4] }],
      outputs: [{ name: 'y', dtype: 'float32', dims: [4] }],
    });
    await expect(Engine.build(bad, { cache })).rejects.toMatchObject({ code: 'ERR_ENGINE_BUILD' });
    await expect(Engine.build(bad, { cache: 5 as never })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('options.cache'),
    });
    expect(await cache.list()).toEqual([]);
    // Somebody else holds the lock of the build.
    const id = EngineCache.idOf(await engineCacheKey(await openModel(addOneModel()), {}, library));
    const lock = native().fileTryLock(path.join(cache.directory, `${id}.lock`))!;
    try {
      await expect(Engine.build(addOneModel(), { cache, timeoutMs: 200 })).rejects.toMatchObject({
        code: 'ERR_DEADLINE',
      });
      const signal = AbortSignal.abort(new Error('enough'));
      await expect(Engine.build(addOneModel(), { cache, signal })).rejects.toThrow('enough');
    } finally {
      native().fileUnlock(lock, true);
    }
    expect(readdirSync(cache.directory).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('has one time limit for the wait and the build', async () => {
    const cache = new EngineCache({ directory: path.join(folder, 'limited') });
    const failed = buildKept(
      addOneModel(),
      { cache, timeoutMs: 50, signal: new AbortController().signal },
      (_, { signal, timeoutMs }) => {
        expect(timeoutMs).toBeUndefined();
        return new Promise((_, reject) => {
          signal!.addEventListener('abort', () => reject(signal!.reason));
        });
      },
    );
    await expect(failed).rejects.toMatchObject({ code: 'ERR_DEADLINE' });
  });

  it('signs what it builds, kept or not', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const cache = new EngineCache({ directory: path.join(folder, 'signed') });
    const options = { signingKey: privateKey };
    const inMemory = await Engine.build(addOneModel(), options);
    await Engine.load(await inMemory.toBuffer(), { verifyKey: publicKey });
    const kept = await Engine.build(addOneModel(), { ...options, cache });
    await Engine.load(kept.path!, { verifyKey: publicKey });
    expect((await Engine.build(addOneModel(), { ...options, cache })).fromCache).toBe(true);
    // One without signature is another engine.
    expect((await Engine.build(addOneModel(), { cache })).fromCache).toBe(false);
    await expect(Engine.build(addOneModel(), { signingKey: 'no key' })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
    });
  });

  it('tells in the plan where it comes from, as NVIDIA places the version', async () => {
    const file = path.join(folder, 'facts.onnx');
    writeFileSync(
      file,
      onnxModel({
        nodes: [{ op: 'Relu', inputs: ['x'], outputs: ['y'] }],
        inputs: [{ name: 'x', dtype: 'float32', dims: [4] }],
        outputs: [{ name: 'y', dtype: 'float32', dims: [4] }],
      }),
    );
    const engine = await Engine.build(file);
    const facts = engine.inspect();
    expect(facts).toMatchObject({
      onnxPath: file,
      platform: `${process.platform}-${process.arch}`,
      plugins: [],
    });
    const bytes = await engine.toBuffer();
    const plain = await Engine.load(bytes.subarray(4 + bytes.readUInt32LE(0)));
    expect(plain.inspect()).toMatchObject({
      format: 'plain',
      flavor: 'rtx1',
      tensorrtVersion: facts.tensorrtVersion,
    });
  });
});
