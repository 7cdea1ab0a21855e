import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type DType, findOpenVino, Session, Tensor, type TensorValues } from '../../src';
import { addOneModel, type Dim, onnxModel } from '../helpers/onnx-writer';
import { describeWithOpenVino, onOpenVino, openVinoLibrary } from '../helpers/openvino';

const x = () => Tensor.from([[1, 2, 3, 4]]);

function passModel(dtype: DType, dims: readonly Dim[], op = 'Identity'): Uint8Array {
  return onnxModel({
    opset: 19,
    irVersion: 9,
    nodes: [{ op, inputs: ['x'], outputs: ['y'], name: 'pass' }],
    inputs: [{ name: 'x', dtype, dims }],
    outputs: [{ name: 'y', dtype, dims }],
  });
}

describe('finding OpenVINO', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'openvino-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  afterEach(() => vi.unstubAllEnvs());

  const place = (...parts: string[]): string => {
    const file = path.join(folder, ...parts, 'libopenvino_c.so.2641');
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, '');
    return file;
  };

  it('the environment variable is the only candidate: a file, its folder, an installation, or neither', async () => {
    const file = place('wheel', 'openvino', 'libs');
    const libs = path.dirname(file);
    const found = [{ path: file, origin: 'environment', exists: true }];
    for (const given of [file, libs, path.dirname(libs), path.join(folder, 'wheel')]) {
      vi.stubEnv('TENSORRT_NODE_OPENVINO', given);
      expect(await findOpenVino()).toEqual(found);
    }
    vi.stubEnv('TENSORRT_NODE_OPENVINO', folder);
    expect(await findOpenVino()).toEqual([
      {
        path: folder,
        origin: 'environment',
        exists: false,
        reason: 'the folder holds no libopenvino_c.so',
      },
    ]);
  });

  it('finds the Python package, LD_LIBRARY_PATH and INTEL_OPENVINO_DIR, in this order after the library path', async () => {
    vi.stubEnv('TENSORRT_NODE_OPENVINO', '');
    const arch = process.arch === 'arm64' ? 'aarch64' : 'intel64';
    const files = [
      place('path'),
      place('intel', 'runtime', 'lib', arch),
      place('venv', 'lib', 'python3.12', 'site-packages', 'openvino', 'libs'),
    ];
    vi.stubEnv('LD_LIBRARY_PATH', path.join(folder, 'path'));
    vi.stubEnv('INTEL_OPENVINO_DIR', path.join(folder, 'intel'));
    vi.stubEnv('VIRTUAL_ENV', path.join(folder, 'venv'));
    const found = (await findOpenVino()).map((candidate) => candidate.path);
    expect(found.filter((file) => file.startsWith(folder))).toEqual(files);
  });

  it('a file that is no library, or another one, is refused with a reason', async () => {
    const engine = 'openvino';
    for (const [library, reason] of [
      [place('broken'), /OpenVINO library but .+ is none/],
      [path.join(folder, 'absent'), /it does not exist/],
      [process.execPath, /is none/],
    ] as const) {
      await expect(
        Session.create(addOneModel(), { backend: 'cpu', cpu: { engine, library } }),
      ).rejects.toMatchObject({
        code: 'ERR_CPU_BACKEND_UNAVAILABLE',
        details: [expect.stringMatching(reason)],
      });
    }
  });
});

describe('options', () => {
  it('bfloat16 needs the engine to be named', async () => {
    for (const engine of ['auto', 'onnxruntime'] as const) {
      await expect(
        Session.create(addOneModel(), { cpu: { engine, precision: 'bf16' } }),
      ).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    }
    await expect(
      Session.create(addOneModel(), { cpu: { engine: 'tvm' as never } }),
    ).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });
});

describeWithOpenVino('a session on OpenVINO', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('tells about itself as one on ONNX Runtime does', async () => {
    const model = addOneModel(['batch', 4], { metadata: { names: "{0: 'can'}" } });
    await using session = await Session.create(model, onOpenVino);
    expect(session.backend).toBe('cpu');
    expect(session.engine).toMatch(/^OpenVINO \d+\.\d+\.\d+$/);
    await using other = await Session.create(model, { backend: 'cpu' });
    for (const key of ['inputs', 'outputs', 'metadata', 'concurrency'] as const) {
      expect(session[key]).toEqual(other[key]);
    }
  });

  it('is what auto takes where there is no ONNX Runtime, and only there', async () => {
    vi.stubEnv('TENSORRT_NODE_OPENVINO', openVinoLibrary!);
    const onnxruntime = await import('../../src/session/onnxruntime');
    const { TensorRTNodeError } = await import('../../src');
    const select = vi
      .spyOn(onnxruntime, 'selectOnnxRuntime')
      .mockRejectedValue(new TensorRTNodeError('ERR_CPU_BACKEND_UNAVAILABLE', 'absent'));
    try {
      await using session = await Session.create(addOneModel(), { backend: 'cpu' });
      expect(session.engine).toMatch(/^OpenVINO /);
      await expect(
        Session.create(addOneModel(), { backend: 'cpu', cpu: { engine: 'onnxruntime' } }),
      ).rejects.toMatchObject({ code: 'ERR_CPU_BACKEND_UNAVAILABLE', message: 'absent' });
      vi.stubEnv('TENSORRT_NODE_ONNXRUNTIME', '/nowhere');
      await expect(Session.create(addOneModel(), { backend: 'cpu' })).rejects.toThrow('absent');
    } finally {
      select.mockRestore();
    }
  });

  const samples: [DType, TensorValues][] = [
    ['float32', Float32Array.of(0, -0, 1.5, Number.NaN, Number.POSITIVE_INFINITY)],
    ['float64', Float64Array.of(0.5, -1e30, 3)],
    ['float16', Uint16Array.of(0x3c00, 0xfc00, 0x7bff)],
    ['bfloat16', Uint16Array.of(0x3f80, 0xff80, 0x4049)],
    ['int8', Int8Array.of(-128, 127, 0)],
    ['uint8', Uint8Array.of(0, 255, 7)],
    ['int16', Int16Array.of(-32768, 32767)],
    ['uint16', Uint16Array.of(0, 65535)],
    ['int32', Int32Array.of(-(2 ** 31), 2 ** 31 - 1)],
    ['uint32', Uint32Array.of(0, 2 ** 31 - 1)],
    ['int64', BigInt64Array.of(-(2n ** 31n), 2n ** 31n - 1n)],
    ['uint64', BigUint64Array.of(0n, 2n ** 31n - 1n)],
    ['bool', Uint8Array.of(1, 0, 1)],
  ];
  it.each(samples)('%s comes back as it went in', async (dtype, values) => {
    const fed = new Tensor(dtype, values);
    for (const dims of [['n'], fed.dims]) {
      await using session = await Session.create(passModel(dtype, dims), onOpenVino);
      expect(session.inputs).toEqual([{ name: 'x', dtype, dims }]);
      for (const nativeOutputs of [false, true]) {
        const { y } = await session.run({ x: fed }, { nativeOutputs });
        expect([y!.dtype, y!.dims]).toEqual([dtype, fed.dims]);
        expect(y!.data).toEqual(fed.data);
      }
    }
  });

  it('scalars, empty dims and rank 8', async () => {
    for (const dims of [[], [0], [3, 0, 2], [1, 1, 2, 1, 1, 1, 1, 1]]) {
      await using session = await Session.create(passModel('float32', dims, 'Neg'), onOpenVino);
      const fed = new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)), dims);
      const { y } = await session.run({ x: fed });
      expect(y!.dims).toEqual(dims);
      expect(y!.data.length).toBe(fed.size);
    }
  });

  it('free sizes change from run to run', async () => {
    await using session = await Session.create(addOneModel(['batch', 4]), onOpenVino);
    for (const batch of [1, 7, 0, 2]) {
      const data = Float32Array.from({ length: 4 * batch }, (_, i) => i);
      const { y } = await session.run({ x: new Tensor('float32', data, [batch, 4]) });
      expect(y!.dims).toEqual([batch, 4]);
      expect(y!.data).toEqual(data.map((value) => value + 1));
    }
  });

  it('concurrent runs each get their own result, which outlives the session', async () => {
    const session = await Session.create(addOneModel(), { ...onOpenVino, concurrency: 3 });
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        session.run({ x: Tensor.from([[i, i, i, i]]) }, { nativeOutputs: i % 2 === 0 }),
      ),
    );
    await session.dispose();
    for (const [i, { y }] of results.entries()) {
      expect([...(y!.data as Float32Array)]).toEqual([i + 1, i + 1, i + 1, i + 1]);
    }
    await expect(session.run({ x: x() })).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  });

  it('computes some outputs of several, into a given tensor too', async () => {
    const dims = [2];
    const model = onnxModel({
      nodes: [
        { op: 'Neg', inputs: ['x'], outputs: ['a'], name: 'neg' },
        { op: 'Abs', inputs: ['x'], outputs: ['b'], name: 'abs' },
      ],
      inputs: [{ name: 'x', dtype: 'float32', dims }],
      outputs: ['b', 'x', 'a'].map((name) => ({ name, dtype: 'float32', dims })),
    });
    await using session = await Session.create(model, onOpenVino);
    expect(session.outputNames).toEqual(['b', 'x', 'a']);
    const feeds = { x: new Tensor('float32', [1, -2]) };
    const all = await session.run(feeds);
    expect(Object.values(all).map(({ data }) => [...(data as Float32Array)])).toEqual([
      [1, 2],
      [1, -2],
      [-1, 2],
    ]);
    const target = new Tensor('float32', [0, 0]);
    expect(Object.keys(await session.run(feeds, { a: target }))).toEqual(['a']);
    expect([...(target.data as Float32Array)]).toEqual([-1, 2]);
  });

  it('refuses what it cannot load with the code that says so', async () => {
    const unknown = onnxModel({
      nodes: [{ op: 'NoSuchThing', inputs: ['x'], outputs: ['y'], name: 'n' }],
      inputs: [{ name: 'x', dtype: 'float32', dims: [1] }],
      outputs: [{ name: 'y', dtype: 'float32', dims: [1] }],
    });
    for (const [model, code, text] of [
      [passModel('string', ['n']), 'ERR_UNSUPPORTED_MODEL', /strings/],
      [unknown, 'ERR_UNSUPPORTED_MODEL', /NoSuchThing/],
      [Uint8Array.of(1, 2, 3), 'ERR_INVALID_MODEL', /./],
    ] as const) {
      await expect(Session.create(model, onOpenVino)).rejects.toMatchObject({
        code,
        message: expect.stringMatching(text),
      });
    }
    await expect(
      Session.create(addOneModel(), {
        backend: 'cpu',
        cpu: { ...onOpenVino.cpu, config: { NO_SUCH_PROPERTY: '1' } },
      }),
    ).rejects.toMatchObject({ message: expect.stringContaining('NO_SUCH_PROPERTY') });
  });

  it('a run whose sizes contradict each other fails, and the next one succeeds', async () => {
    const model = onnxModel({
      nodes: [{ op: 'Add', inputs: ['a', 'b'], outputs: ['y'], name: 'add' }],
      inputs: ['a', 'b'].map((name) => ({ name, dtype: 'float32', dims: [`n${name}`] })),
      outputs: [{ name: 'y', dtype: 'float32', dims: ['n'] }],
    });
    await using session = await Session.create(model, onOpenVino);
    const of = (size: number) => new Tensor('float32', new Float32Array(size).fill(2));
    await expect(session.run({ a: of(3), b: of(4) })).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_(INFERENCE|SHAPE_MISMATCH)$/),
    });
    const { y } = await session.run({ a: of(3), b: of(3) });
    expect([...(y!.data as Float32Array)]).toEqual([4, 4, 4]);
  });
});
