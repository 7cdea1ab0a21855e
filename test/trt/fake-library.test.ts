import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/native/binding';
import { projectRoot } from '../helpers/data';

const compiler = process.env.CC ?? 'cc';
const hasCompiler = spawnSync(compiler, ['--version']).status === 0;

/** A library that states a version and ends the process as soon as a factory is called. */
const source = `
#include <stdlib.h>
#ifndef PACKED_ONLY
int getInferLibMajorVersion(void) { return MAJOR; }
int getInferLibMinorVersion(void) { return MINOR; }
int getInferLibPatchVersion(void) { return PATCH; }
int getInferLibBuildVersion(void) { return 7; }
#endif
int getInferLibVersion(void) { return PACKED; }
int getNvOnnxParserVersion(void) { return 200; }
void* createInferBuilder_INTERNAL(void* logger, int version) { abort(); }
void* createInferRuntime_INTERNAL(void* logger, int version) { abort(); }
void* createNvOnnxParser_INTERNAL(void* network, void* logger, int version) { abort(); }
`;

let folder = '';

function fakeLibrary(version: string, packedOnly = false): string {
  const [major, minor, patch] = version.split('.').map(Number) as [number, number, number];
  const file = path.join(folder, `libfake-${version}${packedOnly ? '-packed' : ''}.so`);
  const packed =
    major >= 10 || major === 1
      ? major * 10000 + minor * 100 + patch
      : major * 1000 + minor * 100 + patch;
  const defines = { MAJOR: major, MINOR: minor, PATCH: patch, PACKED: packed };
  execFileSync(compiler, [
    '-shared',
    '-fPIC',
    '-w',
    ...Object.entries(defines).map(([name, value]) => `-D${name}=${value}`),
    ...(packedOnly ? ['-DPACKED_ONLY'] : []),
    ...['-o', file, path.join(folder, 'fake.c')],
  ]);
  return file;
}

/** Builds in a process of its own, which a called factory would end. */
function build(library: string): { status: number | null; output: string } {
  const script = `
    const addon = require('node-gyp-build')(${JSON.stringify(projectRoot)});
    addon.trtBuild(
      { libraryPath: ${JSON.stringify(library)}, parserPath: ${JSON.stringify(library)},
        modelPath: 'none.onnx', profiles: [], computeCapabilities: [], settings: [],
        extraMemoryTargets: [], tensors: [], maxSeverity: 1 },
      () => {},
    ).then(() => console.log('built'), (error) => console.log(error.code, error.message));`;
  const { status, stdout } = spawnSync(process.execPath, ['-e', script], {
    cwd: projectRoot,
    encoding: 'utf8',
    // No driver to be found, on machines with a GPU too.
    env: { ...process.env, CUDA_VISIBLE_DEVICES: '' },
  });
  return { status, output: stdout.trim() };
}

describe.skipIf(!hasCompiler)('libraries that state a version', () => {
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-test-'));
    writeFileSync(path.join(folder, 'fake.c'), source);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(['1.3.0', '1.4.1', '8.6.1', '10.0.1', '10.2.0', '12.0.0'])(
    'are refused with ERR_TENSORRT_VERSION and never called: %s',
    async (version) => {
      const library = fakeLibrary(version);
      await expect(native().trtLibraryInfo(library)).rejects.toMatchObject({
        code: 'ERR_TENSORRT_VERSION',
        message: expect.stringContaining(`TensorRT ${version}.7 at ${library} is refused`),
      });
      const { status, output } = build(library);
      expect(output).toMatch(/^ERR_TENSORRT_VERSION/);
      expect(status).toBe(0);
    },
  );

  it('are known by the packed number alone when they are that old', async () => {
    await expect(native().trtLibraryInfo(fakeLibrary('8.5.3', true))).rejects.toMatchObject({
      code: 'ERR_TENSORRT_VERSION',
      message: expect.stringContaining('TensorRT 8.5.3 '),
    });
  });

  it('of 10.8 may run engines and must not build them', async () => {
    const library = fakeLibrary('10.8.0');
    const info = await native().trtLibraryInfo(library);
    expect(info).toMatchObject({ flavor: 'trt10', version: { text: '10.8.0.7' }, path: library });
    expect(info.buildRefusal).toMatch(/10\.8/);
    expect(build(library).output).toMatch(/^ERR_TENSORRT_VERSION.*10\.8/);
  });

  it.each(['10.3.0', '10.15.1', '11.0.0', '11.9.0'])(
    'of TensorRT %s are asked for nothing where there is no device',
    async (version) => {
      const library = fakeLibrary(version);
      expect((await native().trtLibraryInfo(library)).version.text).toBe(`${version}.7`);
      const { status, output } = build(library);
      // Without that flavour's headers the binary says so even earlier.
      expect(output).toMatch(/^ERR_(NO_DEVICE|TENSORRT_UNAVAILABLE)/);
      expect(status).toBe(0);
    },
  );

  it('end the process where a factory is reached: the fake does what these tests rely on', () => {
    if (!native().trtFlavors().compiled.rtx1) return;
    expect(build(fakeLibrary('1.5.0')).status).toBeNull();
  });
});
