import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  Engine,
  EngineBuilder,
  type EngineBuildOptions,
  type LogRecord,
  setLogSink,
} from '../../src/index';
import { requireCompiledWorker } from '../helpers/build-process';
import { addOneModel, convModel, onnxModel } from '../helpers/onnx-writer';
import { describeWithRtx, hasRtx } from '../helpers/trt';

let folder = '';
beforeAll(() => {
  if (hasRtx) requireCompiledWorker();
  folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-test-'));
  // Refused models are told by their errors here.
  setLogSink(() => {});
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const bad = (code: string, message: RegExp | string) =>
  expect.objectContaining({
    code,
    message: typeof message === 'string' ? message : expect.stringMatching(message),
  });

describeWithRtx('Engine.build with real TensorRT-RTX', () => {
  it('builds in memory from bytes, and saves a file that loads again', async () => {
    const model = addOneModel([1, 4], { metadata: { note: 'tests' } });
    const engine = await Engine.build(model, {
      flavor: 'rtx1',
      computeCapabilities: ['8.9', '12.0'],
      optimizationLevel: 1,
      metadata: { owner: 'someone' },
    });
    expect(engine.path).toBeUndefined();
    const facts = engine.inspect();
    expect(facts).toMatchObject({
      format: 'tensorrt-node',
      flavor: 'rtx1',
      computeCapabilities: ['8.9', '12.0'],
      inputs: [{ name: 'x', dtype: 'float32', shape: [1, 4] }],
      outputs: [{ name: 'y', dtype: 'float32', shape: [1, 4] }],
      profiles: [],
      options: { optimizationLevel: 1 },
      onnxSha256: createHash('sha256').update(model).digest('hex'),
      metadata: { owner: 'someone' },
    });
    expect(facts.tensorrtVersion).toMatch(/^1\.\d+\.\d+\.\d+$/);

    const file = path.join(folder, 'saved.engine');
    await engine.save(file);
    const loaded = await Engine.load(file);
    expect(loaded.inspect()).toEqual(facts);
    expect(loaded.path).toBe(file);
    const bytes = await loaded.toBuffer();
    expect(bytes.equals(await engine.toBuffer())).toBe(true);
    expect((await Engine.load(bytes)).inspect()).toEqual(facts);
    // Ultralytics' layout, the plan right behind the JSON.
    const length = bytes.readUInt32LE(0);
    expect(JSON.parse(bytes.subarray(4, 4 + length).toString())).toHaveProperty('tensorrtNode');
    expect(bytes.subarray(4 + length, 8 + length).toString('latin1')).toBe('vtrt');
    await engine.dispose();
    await expect(engine.save(file)).rejects.toThrow(bad('ERR_DISPOSED', /disposed/));
    expect(readdirSync(folder)).toEqual(['saved.engine']);
  });

  it('starts no process for a builder that is disposed before it needs one', async () => {
    const builder = new EngineBuilder();
    let disposed: Promise<void> | undefined;
    const onStage = (): void => {
      disposed ??= builder.dispose();
    };
    await expect(builder.build(addOneModel(), { onStage })).rejects.toThrow(
      bad('ERR_DISPOSED', /disposed/),
    );
    await disposed;
    expect(builder.pid).toBeUndefined();
  });

  it('tells log lines and nested phases in order', async () => {
    const records: LogRecord[] = [];
    const phases: string[] = [];
    const open = new Set<string>();
    await Engine.build(addOneModel(), {
      logLevel: 'verbose',
      onLog: (record) => records.push(record),
      onProgress: ({ phase, parent, step, steps, finished }) => {
        expect(step).toBeLessThanOrEqual(steps);
        if (!open.has(phase) && !finished) {
          if (parent !== undefined) expect(open.has(parent)).toBe(true);
          open.add(phase);
          phases.push(phase);
        }
        if (finished) open.delete(phase);
      },
    });
    expect(new Set(records.map((record) => record.level))).toContain('verbose');
    expect(records.every((record) => record.source === 'tensorrt')).toBe(true);
    expect(phases[0]).toBe('Building engine');
    expect(phases.length).toBeGreaterThan(3);
    expect([...open]).toEqual([]);
  });

  it('passes only wanted log lines on, and survives listeners that throw', async () => {
    const records: LogRecord[] = [];
    const fail = (): never => {
      throw new Error('listener');
    };
    await using builder = new EngineBuilder();
    await builder.build(addOneModel(), {
      logLevel: 'error',
      onLog: (record) => records.push(record),
      onProgress: fail,
    });
    expect(records).toEqual([]);
    await builder.build(addOneModel(), { logLevel: 'info', onLog: fail });
  });

  it('builds dynamic inputs with one profile, several, or none where none is needed', async () => {
    const model = addOneModel(['batch', 4]);
    await using builder = new EngineBuilder();
    await expect(builder.build(model)).rejects.toThrow(
      bad('ERR_INVALID_ARGUMENT', /dynamic input "x" of shape -1x4 .* but received none/),
    );
    const range = { min: [1, 4], opt: [2, 4], max: [8, 4] };
    const one = await builder.build(model, { shapes: { x: range } });
    expect(one.inspect().profiles).toEqual([[{ input: 'x', ...range }]]);
    expect(one.inspect().inputs).toEqual([{ name: 'x', dtype: 'float32', shape: [-1, 4] }]);
    const two = await builder.build(model, {
      shapes: [{ x: [1, 4] }, { x: { min: [2, 4], max: [4, 4] } }],
    });
    expect(two.inspect().profiles).toEqual([
      [{ input: 'x', min: [1, 4], opt: [1, 4], max: [1, 4] }],
      [{ input: 'x', min: [2, 4], opt: [4, 4], max: [4, 4] }],
    ]);
  });

  it('refuses shapes that do not fit the network, naming inputs and shapes', async () => {
    await using builder = new EngineBuilder();
    const model = addOneModel(['batch', 4]);
    const build = (shapes: object) => builder.build(model, { shapes: shapes as never });
    await expect(build({ nothing: [1, 4] })).rejects.toThrow(
      bad('ERR_INVALID_ARGUMENT', 'Expected names of inputs (x) for shapes but received "nothing"'),
    );
    await expect(build({ x: [1, 5] })).rejects.toThrow(bad('ERR_INVALID_ARGUMENT', /-1x4.*1x5/));
    await expect(build({ x: [1] })).rejects.toThrow(bad('ERR_INVALID_ARGUMENT', /-1x4/));
    await expect(build([{ x: [1, 4] }, {}])).rejects.toThrow(
      bad('ERR_INVALID_ARGUMENT', /dynamic input "x".*every profile/),
    );
    // The process lives on: these are answers, not crashes.
    const { pid } = builder;
    await build({ x: [3, 4] });
    expect(builder.pid).toBe(pid);
  });

  it('reads weights that lie beside the model', async () => {
    const nested = path.join(folder, 'external');
    mkdirSync(nested);
    writeFileSync(path.join(nested, 'weights.bin'), new Float32Array([1, 2, 3, 4]));
    const file = path.join(nested, 'model.onnx');
    const model = onnxModel({
      nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'] }],
      initializers: [
        {
          name: 'w',
          dtype: 'float32',
          dims: [4],
          external: { location: 'weights.bin', offset: 0, length: 16 },
        },
      ],
      inputs: [{ name: 'x', dtype: 'float32', dims: [1, 4] }],
      outputs: [{ name: 'y', dtype: 'float32', dims: [1, 4] }],
    });
    writeFileSync(file, model);
    const engine = await Engine.build(file);
    expect(engine.byteLength).toBeGreaterThan(1000);
    // Bytes have no folder: the weights cannot be found.
    await expect(Engine.build(model)).rejects.toMatchObject({
      code: 'ERR_IO',
      message: expect.stringMatching(/weights\.bin/),
      details: expect.arrayContaining([expect.stringMatching(/open file: .*weights\.bin/)]),
    });
    // The digest is the weights' too.
    const first = engine.inspect().onnxSha256;
    writeFileSync(path.join(nested, 'weights.bin'), new Float32Array([1, 2, 3, 5]));
    expect((await Engine.build(file)).inspect().onnxSha256).not.toBe(first);
  });

  it('replaces the output file in one step and leaves nothing beside it', async () => {
    const nested = path.join(folder, 'output');
    mkdirSync(nested);
    const output = path.join(nested, 'a.engine');
    writeFileSync(output, 'old');
    const engine = await Engine.build(addOneModel(), { output });
    expect(engine.path).toBe(output);
    expect(engine.byteLength).toBe(readFileSync(output).length);
    // A refused build leaves the old file alone.
    const before = readFileSync(output);
    await expect(Engine.build(Buffer.from('garbage'), { output })).rejects.toThrow();
    expect(readFileSync(output).equals(before)).toBe(true);
    expect(readdirSync(nested)).toEqual(['a.engine']);
  });

  it('names what is wrong with options only TensorRT can judge', async () => {
    await expect(Engine.build(addOneModel(), { computeCapabilities: ['6.1'] })).rejects.toThrow(
      bad('ERR_INVALID_ARGUMENT', /7\.5, 8\.0, .* but received 6\.1/),
    );
  });

  it('takes every builder setting, or says why TensorRT does not', async () => {
    const accepted: EngineBuildOptions[] = [
      { optimizationLevel: 0 },
      { optimizationLevel: 5 },
      { workspaceBytes: 2 ** 30 },
      { maxAuxStreams: 0 },
      { builderThreads: 2 },
      { previewFeatures: ['runtime-activation-resize'] },
      { profilingVerbosity: 'detailed' },
      { versionCompatible: true, excludeLeanRuntime: true },
      { tf32: false },
      { sparseWeights: true },
      { refittable: false, stripWeights: false },
      { weightStreaming: true },
    ];
    await using builder = new EngineBuilder();
    const model = convModel({ channels: 8 });
    for (const options of accepted) {
      const engine = await builder.build(model, options);
      expect(engine.inspect().options).toEqual(options);
    }
    await expect(builder.build(model, { excludeLeanRuntime: true })).rejects.toThrow(
      bad('ERR_ENGINE_BUILD', /refused the build option excludeLeanRuntime: .*VERSION_COMPATIBLE/),
    );
    await expect(builder.build(model, { hardwareCompatibility: 'ampere+' })).rejects.toThrow(
      bad(
        'ERR_INVALID_ARGUMENT',
        /for options\.hardwareCompatibility but .*"ampere\+" .*with rtx1 1\..*computeCapabilities/,
      ),
    );
    await expect(builder.build(model, { workspaceBytes: 0 })).rejects.toThrow(
      bad('ERR_ENGINE_BUILD', /workspace/i),
    );
  });

  it('ends every other flavour with a typed error where it cannot run', async () => {
    for (const flavor of ['trt10', 'trt11'] as const) {
      await expect(Engine.build(addOneModel(), { flavor })).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_(TENSORRT_UNAVAILABLE|TENSORRT_VERSION|NO_DEVICE)$/),
      });
    }
  });
});

describeWithRtx('models that cannot be built', () => {
  it.each([
    ['an empty buffer', Buffer.alloc(0), 'ERR_INVALID_MODEL', /empty/],
    ['random bytes', Buffer.from('0123456789abcdef'.repeat(20)), 'ERR_INVALID_MODEL', /ONNX/],
    ['a text', Buffer.from('This is not a model.\n'), 'ERR_INVALID_MODEL', /ONNX/],
  ])('%s', async (_, model, code, message) => {
    await expect(Engine.build(model)).rejects.toThrow(bad(code, message));
  });

  it('a truncated model', async () => {
    const model = addOneModel();
    await expect(Engine.build(model.subarray(0, model.length - 9))).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_(INVALID_MODEL|ENGINE_BUILD)$/),
    });
  });

  it('a missing file, a folder, a file without model, an engine', async () => {
    await expect(Engine.build(path.join(folder, 'none.onnx'))).rejects.toThrow(
      bad('ERR_IO', /none\.onnx does not exist/),
    );
    await expect(Engine.build(folder)).rejects.toThrow(bad('ERR_INVALID_MODEL', /directory/));
    const pipe = path.join(folder, 'pipe.onnx');
    execFileSync('mkfifo', [pipe]);
    await expect(Engine.build(pipe)).rejects.toThrow(bad('ERR_INVALID_MODEL', /no regular file/));
    rmSync(pipe);
    const engine = await (await Engine.build(addOneModel())).toBuffer();
    await expect(Engine.build(engine)).rejects.toThrow(
      bad('ERR_INVALID_MODEL', /is a TensorRT engine/),
    );
  });

  it('an operator that TensorRT does not know: node, name, operator and reason', async () => {
    const model = onnxModel({
      nodes: [
        { op: 'Relu', inputs: ['x'], outputs: ['r'], name: 'first' },
        { op: 'Frobnicate', inputs: ['r'], outputs: ['y'], name: 'second' },
      ],
      inputs: [{ name: 'x', dtype: 'float32', dims: [1, 4] }],
      outputs: [{ name: 'y', dtype: 'float32', dims: [1, 4] }],
    });
    await expect(Engine.build(model)).rejects.toMatchObject({
      code: 'ERR_ENGINE_BUILD',
      message: expect.stringMatching(/node 1 "second" \(Frobnicate\): .+/),
      details: expect.arrayContaining([expect.stringMatching(/node 1 "second" \(Frobnicate\)/)]),
    });
  });

  it('an output that cannot be written, before any build starts', async () => {
    await expect(
      Engine.build(addOneModel(), { output: path.join(folder, 'no', 'such', 'a.engine') }),
    ).rejects.toThrow(bad('ERR_IO', /options\.output/));
    await expect(Engine.build(addOneModel(), { output: folder })).rejects.toThrow(
      bad('ERR_IO', /is a directory/),
    );
    expect(existsSync(path.join(folder, 'no'))).toBe(false);
  });
});
