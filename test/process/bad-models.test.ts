import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { EngineBuilder } from '../../src/engine/builder';
import { TensorRTNodeError } from '../../src/errors';
import { setLogLevel } from '../../src/log';
import { readOnnxModel } from '../../src/onnx/model';
import { ProtoWriter } from '../../src/onnx/proto-writer';
import { Session } from '../../src/session/session';
import { VisionModel } from '../../src/vision/model';
import { addOneModel, convModel } from '../helpers/onnx-writer';
import { hasRtx } from '../helpers/trt';

const folder = mkdtempSync(path.join(tmpdir(), 'bad-models-'));
const output = path.join(folder, 'output');
mkdirSync(output);
// What TensorRT logs is part of the errors.
setLogLevel('silent');
const builder = new EngineBuilder();
afterAll(async () => {
  await builder.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const whole = convModel();
const claim = (bytes: number): Uint8Array =>
  new ProtoWriter().varint(1, 8).tag(7, 2).rawVarint(bytes).string(2, 'graph').toUint8Array();
const noise = Uint8Array.from({ length: 5000 }, (_, i) => (i * 7919 + (i >> 3) * 104_729) & 255);

const models: [string, Uint8Array][] = [
  ['empty', new Uint8Array(0)],
  ['one byte', Uint8Array.of(8)],
  ['cut in half', whole.subarray(0, whole.length / 2)],
  ['cut by one byte', whole.subarray(0, whole.length - 1)],
  ['random bytes', noise],
  ['zeros', new Uint8Array(2 ** 16)],
  ['claiming 10 GB', claim(10_000_000_000)],
  ['claiming 2^63 bytes', claim(Number.MAX_SAFE_INTEGER)],
  [
    'a weight claiming 10 GB',
    addOneModel([1, 4], {
      initializers: [{ name: 'one', dtype: 'float32', dims: [2_500_000_000], data: [1] }],
    }),
  ],
  ['text', Buffer.from('This is not a model.\n'.repeat(50))],
  ['JSON', Buffer.from('{"model": "none"}')],
  ['a ZIP', Buffer.from('PK\x03\x04\x14\0\0\0\x08\0checkpoint')],
];

const targets: [string, (model: string | Uint8Array) => Promise<unknown>][] = [
  ['readOnnxModel', (model) => readOnnxModel(model)],
  ['Session.create', (model) => Session.create(model, { backend: 'cpu' })],
  ['VisionModel.load', (model) => VisionModel.load(model, { backend: 'cpu' })],
];
if (hasRtx) {
  targets.push([
    'Engine.build',
    (model) => builder.build(model, { flavor: 'rtx1', output: path.join(output, 'model.engine') }),
  ]);
}

async function failure(work: Promise<unknown>): Promise<TensorRTNodeError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(TensorRTNodeError);
  return error as TensorRTNodeError;
}

describe.each(targets)('%s', (_, load) => {
  it.each(models)('answers a model that is %s with one sentence', async (name, bytes) => {
    const file = path.join(folder, `${name}.onnx`);
    writeFileSync(file, bytes);
    for (const model of [file, bytes]) {
      const error = await failure(load(model));
      expect(error.code).toBe('ERR_INVALID_MODEL');
      expect(error.message).toMatch(/\S{3,} .*\S/);
      expect(error.message).not.toContain('\n');
    }
    expect(readdirSync(output)).toEqual([]);
  });

  it('answers a folder and a missing file', async () => {
    expect((await failure(load(folder))).code).toBe('ERR_INVALID_MODEL');
    const missing = await failure(load(path.join(folder, 'missing.onnx')));
    expect(missing.code).toBe('ERR_IO');
    expect(missing.message).toContain('missing.onnx');
  });
});
