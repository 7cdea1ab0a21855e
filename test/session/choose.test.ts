import { describe, expect, it, vi } from 'vitest';
import { type ErrorCode, Session, TensorRTNodeError } from '../../src';
import { native } from '../../src/native/binding';
import type { Backend } from '../../src/session/backend';
import { createTensorRTBackend, findObstacle } from '../../src/session/backends/tensorrt';
import { chooseBackend } from '../../src/session/choose';
import { openModel } from '../../src/session/model-input';
import { resolveOptions } from '../../src/session/options';
import { addOneModel } from '../helpers/onnx-writer';

const backend = (name: 'cpu' | 'tensorrt'): Backend => ({
  name,
  description: `a test's ${name}`,
  inputs: [],
  outputs: [],
  metadata: {},
  concurrency: 1,
  run: async () => [],
  dispose: async () => {},
});

const failing = (code: ErrorCode) => async () => {
  throw new TensorRTNodeError(code, `no luck with ${code}`);
};

const onnx = () => openModel(addOneModel());
const engine = () => openModel(Buffer.concat([Buffer.from('ftrt'), Buffer.alloc(100)]));

describe('choosing a backend', () => {
  it('auto takes the first that can run and says why not the others', async () => {
    for (const code of [
      'ERR_TENSORRT_UNAVAILABLE',
      'ERR_TENSORRT_VERSION',
      'ERR_NO_DEVICE',
      'ERR_NOT_IMPLEMENTED',
    ] as const) {
      const choice = await chooseBackend(await onnx(), resolveOptions(), [
        ['tensorrt', failing(code)],
        ['cpu', async () => backend('cpu')],
      ]);
      expect(choice.backend.name).toBe('cpu');
      expect(choice.reasons).toEqual([
        `tensorrt: no luck with ${code} (${code})`,
        "cpu: a test's cpu runs here",
      ]);
    }
  });

  it('auto stays with TensorRT where it runs', async () => {
    const second = vi.fn(async () => backend('cpu'));
    const choice = await chooseBackend(await onnx(), resolveOptions(), [
      ['tensorrt', async () => backend('tensorrt')],
      ['cpu', second],
    ]);
    expect(choice.backend.name).toBe('tensorrt');
    expect(second).not.toHaveBeenCalled();
  });

  it('auto does not hide a failure that is about the model', async () => {
    const choice = chooseBackend(await onnx(), resolveOptions(), [
      ['tensorrt', failing('ERR_ENGINE_BUILD')],
      ['cpu', async () => backend('cpu')],
    ]);
    await expect(choice).rejects.toMatchObject({ code: 'ERR_ENGINE_BUILD' });
  });

  it('an explicit backend never falls back', async () => {
    const cpu = vi.fn(async () => backend('cpu'));
    const choice = chooseBackend(await onnx(), resolveOptions({ backend: 'tensorrt' }), [
      ['tensorrt', failing('ERR_NO_DEVICE')],
      ['cpu', cpu],
    ]);
    await expect(choice).rejects.toMatchObject({ code: 'ERR_NO_DEVICE' });
    expect(cpu).not.toHaveBeenCalled();
  });

  it('an engine file is not given to the CPU', async () => {
    await expect(
      chooseBackend(await engine(), resolveOptions(), [
        ['tensorrt', failing('ERR_NO_DEVICE')],
        ['cpu', async () => backend('cpu')],
      ]),
    ).rejects.toMatchObject({
      code: 'ERR_NO_DEVICE',
      message: expect.stringContaining('is a TensorRT engine, which only a GPU can run'),
    });
    const bytes = Buffer.concat([Buffer.from('ftrt'), Buffer.alloc(100)]);
    await expect(Session.create(bytes, { backend: 'cpu' })).rejects.toMatchObject({
      code: 'ERR_INVALID_MODEL',
      message: expect.stringContaining('give the ONNX file'),
    });
  });

  it('knows engines by their content: plain plans and those behind JSON metadata', async () => {
    const json = Buffer.from('{"names": {"0": "can"}}');
    const length = Buffer.alloc(4);
    length.writeUInt32LE(json.length);
    const ultralytics = Buffer.concat([length, json, Buffer.from('ftrt')]);
    expect((await engine()).kind).toBe('engine');
    expect((await openModel(ultralytics)).kind).toBe('engine');
    expect((await onnx()).kind).toBe('onnx');
  });
});

describe('the TensorRT backend of this version', () => {
  it('names what the machine lacks first', async () => {
    const error = new TensorRTNodeError('ERR_TENSORRT_UNAVAILABLE', 'no library');
    await expect(
      createTensorRTBackend(await onnx(), resolveOptions(), async () => error),
    ).rejects.toBe(error);
  });

  it('tells a machine without a device from one without TensorRT', async () => {
    const probe = vi.spyOn(native(), 'cudaProbe');
    probe.mockResolvedValue({ devices: [], reason: 'The driver is asleep' });
    expect(await findObstacle()).toMatchObject({
      code: 'ERR_NO_DEVICE',
      message: expect.stringContaining('The driver is asleep'),
    });
    probe.mockResolvedValue({ devices: [{} as never] });
    vi.stubEnv('TENSORRT_NODE_LIBRARY_PATH', '/nowhere');
    expect(await findObstacle()).toMatchObject({
      code: 'ERR_TENSORRT_UNAVAILABLE',
      details: [expect.stringContaining('/nowhere')],
    });
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
  });

  it('says that running is still to come where a device exists', async () => {
    await expect(
      createTensorRTBackend(await onnx(), resolveOptions(), async () => undefined),
    ).rejects.toMatchObject({
      code: 'ERR_NOT_IMPLEMENTED',
      status: 501,
      message: expect.stringContaining('use backend "cpu"'),
    });
  });

  it('fails with a code of its table when asked for outright', async () => {
    await expect(Session.create(addOneModel(), { backend: 'tensorrt' })).rejects.toMatchObject({
      code: expect.stringMatching(
        /^ERR_(TENSORRT_UNAVAILABLE|TENSORRT_VERSION|NO_DEVICE|NOT_IMPLEMENTED)$/,
      ),
    });
  });

  it('is passed over by auto, with its reason kept', async () => {
    await using session = await Session.create(addOneModel());
    expect(session.backend).toBe('cpu');
    expect(session.reasons).toHaveLength(2);
    expect(session.reasons[0]).toMatch(/^tensorrt: .+\(ERR_[A-Z_]+\)$/);
    expect(session.reasons[1]).toMatch(/^cpu: ONNX Runtime 1\./);
  });
});
