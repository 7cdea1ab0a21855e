import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Diagnosis } from '../../src/doctor/diagnose';
import { Engine, EngineBuilder, findTensorRT, selectTensorRT } from '../../src/index';
import { native } from '../../src/native/binding';
import { requireCompiledWorker } from '../helpers/build-process';
import { projectRoot } from '../helpers/data';
import { addOneModel } from '../helpers/onnx-writer';
import { describeWithTrt10, trt10Folder, trt10Library } from '../helpers/trt';

it.runIf(process.env.CI === 'true' && !process.env.TENSORRT_NODE_SKIP_NVIDIA)(
  'the real TensorRT 10 library is there in continuous integration',
  () => {
    expect(trt10Library, 'run "npm run setup -- --tests"').toBeDefined();
  },
);

const pathsOf = ({ libraryPath, parserPath }: { libraryPath: string; parserPath: string }) => ({
  path: libraryPath,
  parserPath,
});

describeWithTrt10('the real TensorRT 10.15 library', async () => {
  // The device decides what a build may answer; a driver that is there without a device counts as none.
  const { devices } = await native().cudaProbe();
  const withoutDevice = it.skipIf(devices.length > 0);

  let outer: string | undefined;
  beforeEach(() => {
    requireCompiledWorker();
    outer = process.env.TENSORRT_NODE_LIBRARY_PATH;
    process.env.TENSORRT_NODE_LIBRARY_PATH = trt10Folder;
  });
  afterEach(() => {
    if (outer === undefined) delete process.env.TENSORRT_NODE_LIBRARY_PATH;
    else process.env.TENSORRT_NODE_LIBRARY_PATH = outer;
  });

  it('tells its flavour and version, without CUDA', async () => {
    const info = await native().trtLibraryInfo(trt10Library!.libraryPath);
    expect(info).toMatchObject({
      flavor: 'trt10',
      version: { major: 10, minor: 15, patch: 1 },
    });
    expect(info.version.text).toMatch(/^10\.15\.1\./);
    expect(info.buildRefusal).toBeUndefined();
  });

  it('is found with its parser, and taken where trt10 is wanted', async () => {
    const candidates = await findTensorRT();
    expect(candidates).toEqual([
      {
        ...pathsOf(trt10Library!),
        origin: 'environment',
        flavor: 'trt10',
        version: expect.stringMatching(/^10\.15\.1\./),
      },
    ]);
    expect(await selectTensorRT({ flavor: 'trt10', purpose: 'build' })).toMatchObject({
      flavor: 'trt10',
      ...trt10Library,
    });
    await expect(selectTensorRT({ flavor: 'trt11', purpose: 'run' })).rejects.toMatchObject({
      code: 'ERR_TENSORRT_UNAVAILABLE',
      details: [expect.stringMatching(/trt10 10\.15\.1.*it is not trt11/)],
    });
  });

  it('is listed by doctor, as text and as JSON', () => {
    const doctor = (...flags: string[]) =>
      spawnSync(
        process.execPath,
        [path.join(projectRoot, 'lib', 'cli', 'main.js'), 'doctor', ...flags],
        { encoding: 'utf8' },
      ).stdout;
    expect(doctor()).toMatch(/trt10 10\.15\.1/);
    const found = JSON.parse(doctor('--json')) as Diagnosis;
    expect(found.tensorrt).toMatchObject([
      { flavor: 'trt10', version: expect.stringMatching(/^10\.15\.1/), ...pathsOf(trt10Library!) },
    ]);
    expect(found.abilities.build.works).toBe(devices.length > 0);
  });

  withoutDevice('answers ERR_NO_DEVICE to a build, again and again, and no crash', async () => {
    await expect(Engine.build(addOneModel(), { flavor: 'trt10' })).rejects.toMatchObject({
      code: 'ERR_NO_DEVICE',
      message: expect.stringMatching(/CUDA/),
    });
    await using builder = new EngineBuilder();
    const pids = new Set<number | undefined>();
    for (let round = 0; round < 3; round++) {
      await expect(builder.build(addOneModel())).rejects.toMatchObject({ code: 'ERR_NO_DEVICE' });
      pids.add(builder.pid);
    }
    // One process answered all of them, with NVIDIA's library loaded in it.
    expect(pids.size).toBe(1);
    expect(readFileSync(`/proc/${builder.pid}/maps`, 'utf8')).toContain(trt10Library!.libraryPath);
  });

  withoutDevice('answers the same on the command line', () => {
    const run = spawnSync(
      process.execPath,
      [
        path.join(projectRoot, 'lib', 'cli', 'main.js'),
        'build',
        path.join(projectRoot, 'examples', 'models', 'shelf.onnx'),
        ...['-o', path.join(tmpdir(), 'none.engine'), '--flavor', 'trt10'],
      ],
      { encoding: 'utf8' },
    );
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(/^ERR_NO_DEVICE: .*CUDA/m);
  });
});
