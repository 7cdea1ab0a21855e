import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Feeds, Session, Tensor } from '../../src';
import { addOneModel, onnxModel } from '../helpers/onnx-writer';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'session-errors-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string, content: Uint8Array | string) => {
  const full = path.join(folder, name);
  writeFileSync(full, content);
  return full;
};

const create = (model: unknown, options?: unknown) =>
  Session.create(model as string, options as object);

describe('a model that is none', () => {
  const cases: [string, () => unknown, string, RegExp][] = [
    ['no path', () => '', 'ERR_INVALID_ARGUMENT', /Expected a path/],
    ['a number', () => 7, 'ERR_INVALID_ARGUMENT', /7 of type number/],
    ['a web address', () => new URL('http://x/'), 'ERR_INVALID_ARGUMENT', /an instance of URL/],
    ['shared memory', () => new SharedArrayBuffer(9), 'ERR_INVALID_ARGUMENT', /SharedArrayBuffer/],
    ['a file that is not there', () => path.join(folder, 'x.onnx'), 'ERR_IO', /does not exist/],
    ['a path with a NUL', () => 'a\0b', 'ERR_IO', /cannot be read/],
    ['a directory', () => folder, 'ERR_INVALID_MODEL', /is a directory/],
    ['an empty file', () => file('empty.onnx', ''), 'ERR_INVALID_MODEL', /is empty/],
    ['no bytes', () => new Uint8Array(0), 'ERR_INVALID_MODEL', /is empty/],
    ['text', () => file('text.onnx', 'not a model\n'.repeat(99)), 'ERR_INVALID_MODEL', /text.onnx/],
    [
      'random bytes',
      () => Uint8Array.from({ length: 4000 }, (_, i) => (i * 7919 + (i >> 3) * 104729) & 255),
      'ERR_INVALID_MODEL',
      /a model of 4000 bytes cannot be loaded/,
    ],
    [
      'a truncated model',
      () => file('truncated.onnx', addOneModel().subarray(0, 60)),
      'ERR_INVALID_MODEL',
      /truncated.onnx/,
    ],
    [
      'a field that claims 10 GB',
      () => Uint8Array.of(0x3a, 0x80, 0x90, 0xdf, 0xc0, 0x25, 1, 2, 3),
      'ERR_INVALID_MODEL',
      /cannot be loaded/,
    ],
    [
      'a weight that claims 10 GB',
      () =>
        addOneModel([1, 4], {
          initializers: [{ name: 'one', dtype: 'float32', dims: [2_500_000_000], data: [1] }],
        }),
      'ERR_INVALID_MODEL',
      /cannot be loaded/,
    ],
    [
      'an unknown operator',
      () =>
        onnxModel({
          nodes: [{ op: 'NoSuchOperator', inputs: ['x'], outputs: ['y'] }],
          inputs: [{ name: 'x', dtype: 'float32', dims: [1] }],
          outputs: [{ name: 'y', dtype: 'float32', dims: [1] }],
        }),
      'ERR_INVALID_MODEL',
      /NoSuchOperator/,
    ],
    [
      'an operator without a kernel',
      () =>
        onnxModel({
          nodes: [{ op: 'Add', inputs: ['x', 'x'], outputs: ['y'] }],
          inputs: [{ name: 'x', dtype: 'bfloat16', dims: [1] }],
          outputs: [{ name: 'y', dtype: 'bfloat16', dims: [1] }],
        }),
      'ERR_UNSUPPORTED_MODEL',
      /Add/,
    ],
    [
      'external weights that are not there',
      () =>
        file(
          'external.onnx',
          addOneModel([1, 4], {
            initializers: [
              { name: 'one', dtype: 'float32', dims: [1], external: { location: 'no.bin' } },
            ],
          }),
        ),
      'ERR_IO',
      /no.bin/,
    ],
  ];
  for (const [what, model, code, message] of cases) {
    it(`says so: ${what}`, async () => {
      const error = await create(model(), { backend: 'cpu' }).then(
        () => undefined,
        (thrown: unknown) => thrown as Error & { code: string },
      );
      expect(error).toMatchObject({ name: 'TensorRTNodeError', code });
      expect(error!.message).toMatch(message);
      expect(error!.stack).toContain('errors.test');
    });
  }

  it('refuses a file larger than ONNX can be, without reading it', async () => {
    const full = file('huge.onnx', addOneModel());
    truncateSync(full, 10 * 2 ** 30);
    await expect(create(full)).rejects.toMatchObject({
      code: 'ERR_INVALID_MODEL',
      message: expect.stringContaining('at most 2 GiB'),
    });
  });

  it('finds weights in a file beside the model', async () => {
    file('weights.bin', new Uint8Array(new Float32Array([0, 5]).buffer));
    const external = { location: 'weights.bin', offset: 4, length: 4 };
    const model = addOneModel([1, 4], {
      initializers: [{ name: 'one', dtype: 'float32', dims: [1], external }],
    });
    await using session = await Session.create(file('beside.onnx', model));
    const { y } = await session.run({ x: new Tensor('float32', [1, 2, 3, 4], [1, 4]) });
    expect([...(y!.data as Float32Array)]).toEqual([6, 7, 8, 9]);
  });
});

describe('session options', () => {
  const cases: [string, unknown, RegExp][] = [
    ['an unknown key', { provider: 'cpu' }, /"provider"/],
    ['an unknown backend', { backend: 'cuda' }, /"auto", "cpu", "tensorrt"/],
    ['no concurrency', { concurrency: 0 }, /options.concurrency/],
    ['a fraction', { maxQueued: 1.5 }, /options.maxQueued/],
    ['an unknown CPU key', { cpu: { threads: 2 } }, /"threads"/],
    ['no threads', { cpu: { intraOpThreads: 0 } }, /intraOpThreads/],
    ['a level', { cpu: { graphOptimizationLevel: 'max' } }, /"disabled", "basic"/],
    ['text for a boolean', { cpu: { spinning: 'no' } }, /spinning/],
    ['a number in config', { cpu: { config: { a: 1 } } }, /config\["a"\]/],
  ];
  for (const [what, options, message] of cases) {
    it(`are checked: ${what}`, async () => {
      await expect(create(addOneModel(), options)).rejects.toMatchObject({
        code: 'ERR_INVALID_ARGUMENT',
        message: expect.stringMatching(message),
      });
    });
  }

  it('reach ONNX Runtime, every one of them', async () => {
    await using session = await Session.create(addOneModel(), {
      backend: 'cpu',
      concurrency: 2,
      cpu: {
        intraOpThreads: 2,
        interOpThreads: 2,
        executionMode: 'parallel',
        graphOptimizationLevel: 'disabled',
        enableCpuMemArena: false,
        enableMemPattern: false,
        spinning: true,
        config: { 'session.set_denormal_as_zero': '1' },
      },
    });
    const { y } = await session.run({ x: Tensor.from([[1, 2, 3, 4]]) });
    expect([...(y!.data as Float32Array)]).toEqual([2, 3, 4, 5]);
    await expect(
      create(addOneModel(), { cpu: { config: { 'session.intra_op_thread_affinities': 'bad' } } }),
    ).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_/) });
  });
});

describe('feeds and fetches that do not fit', () => {
  const x = () => new Tensor('float32', [1, 2, 3, 4], [1, 4]);
  const cases: [string, unknown, unknown, string, RegExp][] = [
    ['no feeds', undefined, undefined, 'ERR_INVALID_ARGUMENT', /feeds/],
    ['an array', [x()], undefined, 'ERR_INVALID_ARGUMENT', /feeds/],
    ['a missing name', {}, undefined, 'ERR_INVALID_ARGUMENT', /input "x" but received none/],
    ['an extra name', { x: x(), z: x() }, undefined, 'ERR_INVALID_ARGUMENT', /one of "x".*"z"/],
    ['no tensor', { x: [1, 2, 3, 4] }, undefined, 'ERR_INVALID_ARGUMENT', /feeds\["x"\]/],
    [
      'a wrong dtype',
      { x: new Tensor('float64', [1, 2, 3, 4], [1, 4]) },
      undefined,
      'ERR_SHAPE_MISMATCH',
      /Expected float32 \[1, 4\] for input "x" but received float64 \[1, 4\]/,
    ],
    [
      'a wrong size',
      { x: new Tensor('float32', [1, 2], [1, 2]) },
      undefined,
      'ERR_SHAPE_MISMATCH',
      /\[1, 2\]/,
    ],
    [
      'a wrong rank',
      { x: new Tensor('float32', [1, 2, 3, 4]) },
      undefined,
      'ERR_SHAPE_MISMATCH',
      /\[4\]/,
    ],
    ['an unknown fetch', { x: x() }, ['z'], 'ERR_INVALID_ARGUMENT', /one of "y".*"z"/],
    ['no fetch', { x: x() }, [], 'ERR_INVALID_ARGUMENT', /at least one/],
    ['a fetch of text', { x: x() }, 'y', 'ERR_INVALID_ARGUMENT', /fetches/],
    ['a target that is none', { x: x() }, { y: 3 }, 'ERR_INVALID_ARGUMENT', /fetches\["y"\]/],
    [
      'a target of a wrong size',
      { x: x() },
      { y: new Tensor('float32', [1, 2], [1, 2]) },
      'ERR_SHAPE_MISMATCH',
      /output "y"/,
    ],
    ['an unknown option', { x: x() }, { native: true }, 'ERR_INVALID_ARGUMENT', /"native"/],
  ];
  it('are refused with a code and a sentence, and the session goes on', async () => {
    await using session = await Session.create(addOneModel(), { backend: 'cpu' });
    for (const [what, feeds, fetches, code, message] of cases) {
      const error = await session.run(feeds as Feeds, fetches as []).then(
        () => undefined,
        (thrown: unknown) => thrown as Error & { code: string },
      );
      expect(error, what).toMatchObject({ name: 'TensorRTNodeError', code });
      expect(error!.message, what).toMatch(message);
    }
    expect([...((await session.run({ x: x() })).y!.data as Float32Array)]).toEqual([2, 3, 4, 5]);
  });

  it('a detached or shrunk array is noticed when it is fed', async () => {
    await using session = await Session.create(addOneModel(), { backend: 'cpu' });
    const detached = x();
    structuredClone(detached.data.buffer, { transfer: [detached.data.buffer as ArrayBuffer] });
    await expect(session.run({ x: detached })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining('detached or resized'),
    });
    const Resizable = ArrayBuffer as unknown as new (
      size: number,
      options: object,
    ) => ArrayBuffer & { resize(size: number): void };
    const buffer = new Resizable(16, { maxByteLength: 64 });
    const resized = new Tensor('float32', new Float32Array(buffer), [1, 4]);
    buffer.resize(8);
    await expect(session.run({ x: resized })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
    });
    buffer.resize(64);
    await expect(session.run({ x: resized })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
    });
  });

  it('shapes that only the graph itself forbids fail as inference errors', async () => {
    const model = onnxModel({
      nodes: [{ op: 'Add', inputs: ['a', 'b'], outputs: ['y'], name: 'sum' }],
      inputs: [
        { name: 'a', dtype: 'float32', dims: ['n'] },
        { name: 'b', dtype: 'float32', dims: ['m'] },
      ],
      outputs: [{ name: 'y', dtype: 'float32', dims: ['k'] }],
    });
    await using session = await Session.create(model, { backend: 'cpu' });
    await expect(
      session.run({ a: Tensor.from([1, 2]), b: Tensor.from([1, 2, 3]) }),
    ).rejects.toMatchObject({ code: 'ERR_INFERENCE', message: expect.stringContaining('sum') });
  });
});

it('reads a model whose path has spaces and letters of other scripts', async () => {
  const full = file('modèle 模型.onnx', addOneModel());
  expect(readFileSync(full).length).toBeGreaterThan(0);
  await using session = await Session.create(new URL(`file://${full}`));
  expect(session.inputNames).toEqual(['x']);
});
