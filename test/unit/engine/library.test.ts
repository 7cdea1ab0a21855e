import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findTensorRT, selectTensorRT } from '../../../src/engine/library';
import { probeLibraries } from '../../../src/engine/library-probe';
import { native } from '../../../src/native/binding';
import { compileLibrary, versionSource } from '../../helpers/compile';

let folder: string;
const at = (...parts: string[]) => path.join(folder, ...parts);
const library = (file: string, ...version: [number, number, number?, number?]) =>
  compileLibrary(at(file), versionSource(...version));
const parser = (file: string) => {
  mkdirSync(path.dirname(at(file)), { recursive: true });
  writeFileSync(at(file), '');
  return at(file);
};
const only = (...parts: string[]) => vi.stubEnv('TENSORRT_NODE_LIBRARY_PATH', at(...parts));

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tn-library-'));
  for (const name of ['TENSORRT_NODE_LIBRARY_PATH', 'TENSORRT_ROOT', 'LD_LIBRARY_PATH']) {
    vi.stubEnv(name, '');
  }
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

/** Fixes which flavours the addon speaks: those of the build depend on the headers that were there. */
const speak = (...flavors: string[]) =>
  vi.spyOn(native(), 'trtFlavors').mockReturnValue({
    compiled: Object.fromEntries(flavors.map((flavor) => [flavor, {} as never])),
    absent: [],
  });

describe('finding TensorRT', () => {
  beforeEach(() => speak('rtx1', 'trt10', 'trt11'));

  it('reads flavour and version of a named file, and finds the parser beside it', async () => {
    const file = library('libnvinfer.so.10', 10, 9, 0, 34);
    const parserPath = parser('libnvonnxparser.so.10');
    only('libnvinfer.so.10');
    expect(await findTensorRT()).toEqual([
      { path: file, origin: 'environment', flavor: 'trt10', version: '10.9.0.34', parserPath },
    ]);
  });

  it('lists each file of a folder once, the newest product first', async () => {
    library('lib/libnvinfer.so.10.16.1', 10, 16, 1);
    symlinkSync('libnvinfer.so.10.16.1', at('lib/libnvinfer.so.10'));
    symlinkSync('libnvinfer.so.10', at('lib/libnvinfer.so'));
    library('lib/libnvinfer.so.11', 11, 4);
    library('lib/libtensorrt_rtx.so.1', 1, 7);
    library('lib/libnvinfer_plugin.so.11', 11, 4);
    only('lib');
    const found = await findTensorRT();
    expect(found.map((one) => [path.basename(one.path), one.flavor])).toEqual([
      ['libnvinfer.so.11', 'trt11'],
      ['libnvinfer.so.10', 'trt10'],
      ['libtensorrt_rtx.so.1', 'rtx1'],
    ]);
  });

  it('says what is wrong with each that cannot be used', async () => {
    library('a/libnvinfer.so.8', 8, 6, 1);
    writeFileSync(at('a/libnvinfer.so.10'), 'no library');
    library('a/libtensorrt_rtx.so.1', 1, 4);
    compileLibrary(at('a/libnvinfer.so.11'), 'int unrelated(void) { return 0; }');
    only('a');
    const refusals = Object.fromEntries(
      (await findTensorRT()).map((one) => [path.basename(one.path), one.refusal]),
    );
    expect(refusals).toEqual({
      'libnvinfer.so.11': expect.stringContaining('exports no version'),
      'libnvinfer.so.10': expect.stringContaining('could not be opened'),
      'libnvinfer.so.8': expect.stringMatching(/TensorRT 8\.6\.1 .*is refused/),
      'libtensorrt_rtx.so.1': expect.stringMatching(/before 1\.5/),
    });
  });

  it('survives a library that crashes while it is loaded, and one that hangs', async () => {
    const crash = compileLibrary(
      at('crash/libnvinfer.so.10'),
      '__attribute__((constructor)) static void start(void) { __builtin_trap(); }',
    );
    const hang = compileLibrary(
      at('hang/libnvinfer.so.10'),
      '#include <unistd.h>\n__attribute__((constructor)) static void start(void) { for (;;) pause(); }',
    );
    const good = library('good/libnvinfer.so.10', 10, 3);
    const answers = await probeLibraries([crash, hang, good], 3000);
    expect(answers).toEqual([
      expect.objectContaining({ refusal: expect.stringMatching(/ended the process .*by SIG/) }),
      expect.objectContaining({ refusal: `${hang} took longer than 3 s to load` }),
      { flavor: 'trt10', version: '10.3.0' },
    ]);
  });

  it('looks again when a file has changed', async () => {
    library('libnvinfer.so.10', 10, 3);
    only('libnvinfer.so.10');
    expect((await findTensorRT())[0]!.version).toBe('10.3.0');
    rmSync(at('libnvinfer.so.10'));
    library('libnvinfer.so.10', 10, 15);
    expect((await findTensorRT())[0]!.version).toBe('10.15.0');
  });

  it('looks through TENSORRT_ROOT, the library path and Python packages, in this order', async () => {
    library('root/lib/libnvinfer.so.10', 10, 7);
    library('path/libnvinfer.so.11', 11, 1);
    library('venv/lib/python3.11/site-packages/tensorrt_rtx_libs/libtensorrt_rtx.so.1', 1, 6);
    copyFileSync(at('path/libnvinfer.so.11'), at('root/lib/libnvinfer.so.11'));
    vi.stubEnv('TENSORRT_ROOT', at('root'));
    vi.stubEnv('LD_LIBRARY_PATH', `${at('nowhere')}:${at('path')}`);
    vi.stubEnv('VIRTUAL_ENV', at('venv'));
    const found = await findTensorRT();
    const ours = found.filter((one) => one.path.startsWith(folder));
    expect(ours.map((one) => [one.origin, one.version])).toEqual([
      ['environment', '11.1.0'],
      ['environment', '10.7.0'],
      ['library-path', '11.1.0'],
      ['python', '1.6.0'],
    ]);
  });

  it('names a place that holds nothing, and then looks nowhere else', async () => {
    only('nothing');
    vi.stubEnv('TENSORRT_ROOT', folder);
    expect(await findTensorRT()).toEqual([
      {
        path: at('nothing'),
        origin: 'environment',
        refusal: 'TENSORRT_NODE_LIBRARY_PATH names it and it does not exist',
      },
    ]);
  });
});

describe('selecting TensorRT', () => {
  beforeEach(() => speak('rtx1', 'trt10', 'trt11'));

  it('takes the flavour that is asked for, and says why the others are not taken', async () => {
    library('lib/libnvinfer.so.11', 11, 4);
    const file = library('lib/libnvinfer.so.10', 10, 16);
    const parserPath = parser('lib/libnvonnxparser.so.10');
    only('lib');
    expect(await selectTensorRT({ flavor: 'trt10', purpose: 'build' })).toEqual({
      flavor: 'trt10',
      version: '10.16.0',
      libraryPath: file,
      parserPath,
      reasons: [
        `${at('lib/libnvinfer.so.11')} (trt11 11.4.0): it is not trt10`,
        `${file} (trt10 10.16.0): taken`,
      ],
    });
  });

  it('runs engines without a parser and with 10.8, and builds with neither', async () => {
    const file = library('libnvinfer.so.10', 10, 8);
    only('libnvinfer.so.10');
    expect(await selectTensorRT({ purpose: 'run' })).toMatchObject({
      libraryPath: file,
      parserPath: '',
    });
    await expect(selectTensorRT({ purpose: 'build' })).rejects.toMatchObject({
      code: 'ERR_TENSORRT_VERSION',
      message: expect.stringContaining('10.8'),
    });
    library('other/libnvinfer.so.11', 11, 0);
    only('other');
    await expect(selectTensorRT({ purpose: 'build' })).rejects.toMatchObject({
      code: 'ERR_TENSORRT_UNAVAILABLE',
      message: expect.stringContaining('parser'),
    });
  });

  it('prefers rtx1 for building without a device alone', async () => {
    library('lib/libnvinfer.so.11', 11, 4);
    library('lib/libtensorrt_rtx.so.1', 1, 7);
    parser('lib/libnvonnxparser.so.11');
    parser('lib/libtensorrt_onnxparser_rtx.so.1');
    only('lib');
    const devices = vi.spyOn(native(), 'cudaProbe').mockResolvedValue({ devices: [] });
    expect((await selectTensorRT({ purpose: 'build' })).flavor).toBe('rtx1');
    expect((await selectTensorRT({ purpose: 'run' })).flavor).toBe('trt11');
    devices.mockResolvedValue({ devices: [{} as never] });
    expect((await selectTensorRT({ purpose: 'build' })).flavor).toBe('trt11');
  });

  it('tells a version that is refused from a library that is absent', async () => {
    library('old/libnvinfer.so.10', 10, 2);
    only('old');
    await expect(selectTensorRT({ purpose: 'run' })).rejects.toMatchObject({
      code: 'ERR_TENSORRT_VERSION',
      details: [expect.stringMatching(/10\.2\.0/)],
    });
    only('nothing');
    await expect(selectTensorRT({ purpose: 'run' })).rejects.toMatchObject({
      code: 'ERR_TENSORRT_UNAVAILABLE',
      details: [expect.stringContaining('does not exist')],
    });
  });

  it('takes no flavour that the addon does not speak', async () => {
    speak('rtx1');
    library('libnvinfer.so.11', 11, 4);
    only('libnvinfer.so.11');
    await expect(selectTensorRT({ purpose: 'run' })).rejects.toMatchObject({
      code: 'ERR_TENSORRT_UNAVAILABLE',
      message: expect.stringContaining('does not speak trt11'),
    });
  });

  it('refuses other purposes and flavours', async () => {
    await expect(selectTensorRT({ purpose: 'look' as never })).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
    });
    await expect(selectTensorRT({ purpose: 'run', flavor: 'trt9' as never })).rejects.toMatchObject(
      { code: 'ERR_INVALID_ARGUMENT' },
    );
  });
});
