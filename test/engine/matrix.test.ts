import { createHash, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  buildMatrix,
  Engine,
  EngineCache,
  type EngineMachine,
  type EngineManifest,
  type MatrixResult,
  Session,
  setLogSink,
} from '../../src';
import { acquireEngine } from '../../src/engine/acquire';
import { openModel } from '../../src/session/model-input';
import { requireCompiledWorker } from '../helpers/build-process';
import { runCli } from '../helpers/cli';
import { addOneModel } from '../helpers/onnx-writer';
import { describeWithRtx, hasRtx } from '../helpers/trt';

let folder = '';
let model = '';
let engines = '';
beforeAll(() => {
  if (hasRtx) requireCompiledWorker();
  folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-test-'));
  model = path.join(folder, 'tiny.onnx');
  engines = path.join(folder, 'engines');
  writeFileSync(model, addOneModel(['batch', 4]));
  setLogSink(() => {});
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const one = { x: [1, 4] };
const many = { x: { min: [2, 4], opt: [8, 4], max: [32, 4] } };

/** A machine with the library that built the manifest and one GPU that is not there. */
const machineOf = (manifest: EngineManifest, computeCapability: string): EngineMachine => ({
  platform: `${process.platform}-${process.arch}`,
  libraries: [{ flavor: 'rtx1', version: manifest.engines[0]!.facts.tensorrtVersion }],
  devices: [{ name: 'a GPU of the test', computeCapability }],
});

describeWithRtx('an engine matrix, with real TensorRT-RTX', () => {
  let manifest: EngineManifest;
  const results: MatrixResult[] = [];

  it('builds every target, goes on past those that fail, and tells of all', async () => {
    manifest = await buildMatrix(model, {
      output: engines,
      options: { flavor: 'rtx1' },
      matrix: { computeCapabilities: [['7.5'], ['8.9', '12.0']], shapes: [one, many] },
      targets: [
        { name: 'half', computeCapabilities: ['8.9'], precision: 'fp16', shapes: one },
        { name: 'bad-capability', computeCapabilities: ['6.1'], shapes: one },
        { name: 'bad-shapes', shapes: { x: [1, 5] } },
      ],
      onTarget: (result) => {
        results.push(result);
        throw new Error('a listener must not matter');
      },
    });
    expect(manifest.engines.map(({ name }) => name)).toEqual([
      'half',
      'tiny-rtx1-sm7.5-batch1',
      'tiny-rtx1-sm7.5-batch2-32',
      'tiny-rtx1-sm8.9+12.0-batch1',
      'tiny-rtx1-sm8.9+12.0-batch2-32',
    ]);
    expect(manifest.failures).toMatchObject([
      {
        name: 'bad-capability',
        code: 'ERR_INVALID_ARGUMENT',
        message: expect.stringMatching(/6\.1/),
      },
      { name: 'bad-shapes', code: 'ERR_INVALID_ARGUMENT' },
    ]);
    expect(results.map(({ ok }) => ok)).toEqual([true, false, false, true, true, true, true]);
    expect(readdirSync(engines).sort()).toEqual(
      [...manifest.engines.map(({ file }) => file), 'manifest.json'].sort(),
    );
    for (const { file, sha256, byteLength, facts } of manifest.engines) {
      const bytes = readFileSync(path.join(engines, file));
      expect(bytes.length).toBe(byteLength);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
      expect((await Engine.load(bytes)).inspect().planSha256).toBe(facts.planSha256);
    }
    expect(JSON.parse(readFileSync(path.join(engines, 'manifest.json'), 'utf8'))).toEqual(manifest);
  });

  it.each([
    ['7.5', {}, 'tiny-rtx1-sm7.5-batch1'],
    ['7.5', { shapes: { x: [16, 4] } }, 'tiny-rtx1-sm7.5-batch2-32'],
    ['12.0', { shapes: one }, 'tiny-rtx1-sm8.9+12.0-batch1'],
    ['12.0', { shapes: { x: { min: [4, 4], max: [32, 4] } } }, 'tiny-rtx1-sm8.9+12.0-batch2-32'],
    ['8.9', {}, 'half'],
    ['8.9', { precision: 'fp32' }, 'tiny-rtx1-sm8.9+12.0-batch1'],
    ['8.9', { name: 'tiny-rtx1-sm8.9+12.0-batch2-32' }, 'tiny-rtx1-sm8.9+12.0-batch2-32'],
  ])('gives a machine of %s with %j the engine %s', async (capability, wanted, name) => {
    const machine = machineOf(manifest, capability);
    const engine = await Engine.fromManifest(engines, { ...wanted, machine });
    expect(path.basename(engine.path!)).toBe(`${name}.engine`);
    const acquired = await acquireEngine(await openModel(engines), { machine, wanted });
    expect(acquired.engine.path).toBe(engine.path);
    expect(acquired.reasons[0]).toContain(`engine "${name}"`);
  });

  it('says why none of them fits', async () => {
    const machine = machineOf(manifest, '8.6');
    await expect(Engine.fromManifest(engines, { machine })).rejects.toMatchObject({
      code: 'ERR_ENGINE_INCOMPATIBLE',
      message: expect.stringMatching(/none of its 5 fits\. half: .* 8\.9 .* has 8\.6\.$/),
      details: expect.arrayContaining([expect.stringMatching(/^tiny-rtx1-sm7\.5-batch1: .*7\.5/)]),
    });
    const shapes = { x: [64, 4] };
    await expect(
      Engine.fromManifest(path.join(engines, 'manifest.json'), {
        machine: machineOf(manifest, '7.5'),
        shapes,
      }),
    ).rejects.toMatchObject({
      details: expect.arrayContaining([
        expect.stringContaining('none of its profiles holds x 64x4'),
      ]),
    });
    await expect(
      Engine.fromManifest(engines, { machine, presision: 'fp16' } as never),
    ).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });

  it('is what Session takes, a folder or its manifest, and only for a GPU', async () => {
    for (const source of [engines, path.join(engines, 'manifest.json')]) {
      await expect(Session.create(source)).rejects.toMatchObject({
        message: expect.stringContaining('is a manifest of TensorRT engines, which only a GPU'),
      });
      await expect(Session.create(source, { backend: 'cpu' })).rejects.toMatchObject({
        code: 'ERR_INVALID_MODEL',
      });
      await expect(Engine.build(source)).rejects.toMatchObject({ code: 'ERR_INVALID_MODEL' });
    }
  });

  it('notices an engine that is not the one of its manifest', async () => {
    const machine = machineOf(manifest, '7.5');
    const file = (index: number) => path.join(engines, manifest.engines[index]!.file);
    const kept = readFileSync(file(1));
    writeFileSync(file(1), readFileSync(file(2)));
    await expect(Engine.fromManifest(engines, { machine })).rejects.toMatchObject({
      code: 'ERR_ENGINE_DESERIALIZE',
      message: expect.stringContaining('was changed'),
    });
    rmSync(file(1));
    await expect(Engine.fromManifest(engines, { machine })).rejects.toMatchObject({
      code: 'ERR_IO',
    });
    writeFileSync(file(1), kept);
  });

  it('uses the cache, signs, and stops with its signal', async () => {
    const output = path.join(folder, 'second');
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const cache = new EngineCache({ directory: path.join(folder, 'cache') });
    const targets = [{ shapes: one }, { shapes: one }, { shapes: many }];
    const seen: MatrixResult[] = [];
    const options = {
      ...{ output, targets, cache, signingKey: privateKey },
      onTarget: (result: MatrixResult) => seen.push(result),
    };
    const second = await buildMatrix(model, options);
    expect(second.engines.map(({ name }) => name)).toEqual([
      'tiny-batch1',
      'tiny-batch1-2',
      'tiny-batch2-32',
    ]);
    expect(seen.map((result) => result.ok && result.fromCache)).toEqual([false, true, false]);
    const machine = machineOf(second, '8.9');
    await Engine.fromManifest(output, { machine, verifyKey: publicKey });
    await expect(
      Engine.fromManifest(engines, { machine, verifyKey: publicKey }),
    ).rejects.toMatchObject({ code: 'ERR_ENGINE_SIGNATURE' });
    const before = readFileSync(path.join(output, 'manifest.json'));
    const stop = new AbortController();
    await expect(
      buildMatrix(model, {
        ...options,
        signal: stop.signal,
        onTarget: () => stop.abort(new Error('enough')),
      }),
    ).rejects.toThrow('enough');
    expect(readFileSync(path.join(output, 'manifest.json')).equals(before)).toBe(true);
  });

  it('is a command that exits with 1 when a target failed', async () => {
    const config = path.join(folder, 'matrix.json');
    const output = path.join(folder, 'by-command');
    const run = (...args: string[]) =>
      runCli(['build-matrix', model, '--config', config, '-o', output, ...args]);
    writeFileSync(
      config,
      JSON.stringify({ targets: [{ shapes: one }], options: { flavor: 'rtx1' } }),
    );
    const good = await run('--cache', path.join(folder, 'cache'));
    expect(good).toMatchObject({ status: 0, stderr: '' });
    expect(good.stdout).toMatch(
      /^ok {4}tiny-rtx1-batch1 {2}.*\n1 engines, 0 failed: .*manifest\.json\n$/,
    );
    const inspected = await runCli(['inspect', output]);
    expect(inspected.stdout).toMatch(
      /manifest\.json: 1 engines, 0 failed\n {2}tiny-rtx1-batch1 .* runs here: (yes|no|unknown)\nThis machine takes /,
    );
    const { kind, compatibility } = JSON.parse(
      (await runCli(['inspect', output, '--json'])).stdout,
    );
    expect({ kind, compatibility }).toMatchObject({
      kind: 'manifest',
      compatibility: [{ summary: expect.stringMatching(/\.$/) }],
    });
    writeFileSync(
      config,
      JSON.stringify({ targets: [{ name: 'bad', shapes: { x: [1, 5] } }, { shapes: one }] }),
    );
    const bad = await run();
    expect(bad.status).toBe(1);
    expect(bad.stdout).toMatch(
      /FAIL {2}bad {2}ERR_INVALID_ARGUMENT: .*\nok {4}tiny-batch1 .*\n1 engines, 1 failed/,
    );
    writeFileSync(config, '{');
    expect(await run()).toMatchObject({ status: 2, stderr: expect.stringMatching(/--config/) });
    writeFileSync(config, '{"engines": []}');
    expect(await run()).toMatchObject({ status: 2, stderr: expect.stringMatching(/engines/) });
  });
});

describe('an engine matrix that makes no sense', () => {
  it.each([
    [{}, /options\.output/],
    [{ output: 'a' }, /at least one target/],
    [{ output: 'a', targets: 5 }, /options\.targets/],
    [{ output: 'a', targets: [5] }, /options\.targets\[0\]/],
    [{ output: 'a', targets: [{ output: 'b' }] }, /options\.targets\[0\]\.output/],
    [{ output: 'a', targets: [{ name: '../b' }] }, /options\.targets\[0\]\.name/],
    [{ output: 'a', targets: [{ name: 'b' }, { name: 'b' }] }, /options\.targets\[1\]\.name/],
    [{ output: 'a', matrix: { tf32: true } }, /options\.matrix\.tf32/],
    [{ output: 'a', matrix: 5 }, /options\.matrix/],
    [{ output: 'a', turgets: [] }, /turgets/],
  ])('%j is refused before anything is built', async (options, message) => {
    await expect(buildMatrix(addOneModel(), options as never)).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    });
    expect(existsSync('a')).toBe(false);
  });

  it('is refused for what is no model', async () => {
    const options = { output: path.join(folder, 'none'), targets: [{}] };
    await expect(buildMatrix(path.join(folder, 'no.onnx'), options)).rejects.toMatchObject({
      code: 'ERR_IO',
    });
  });
});
