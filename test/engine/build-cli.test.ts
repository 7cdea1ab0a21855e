import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kebab } from '../../src/cli/build-flags';
import { settingNames } from '../../src/engine/build-options';
import { Engine } from '../../src/index';
import { requireCompiledWorker } from '../helpers/build-process';
import { projectRoot } from '../helpers/data';
import { addOneModel } from '../helpers/onnx-writer';
import { describeWithRtx } from '../helpers/trt';

const cli = path.join(projectRoot, 'lib', 'cli', 'main.js');
let folder = '';

beforeAll(() => {
  requireCompiledWorker();
  folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-test-'));
  writeFileSync(path.join(folder, 'fixed.onnx'), addOneModel());
  writeFileSync(path.join(folder, 'dynamic.onnx'), addOneModel(['batch', 4]));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: string[]) {
  const { TENSORRT_NODE_LOG: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    cwd: folder,
    encoding: 'utf8',
    env,
  });
  return { status, stdout, stderr };
}

describe('tensorrt-node build', () => {
  it('explains itself with examples', () => {
    const { status, stdout } = run('build', '--help');
    expect(status).toBe(0);
    for (const text of ['--compute-capability', '--shape-values', '--tensor-format', 'Examples:'])
      expect(stdout).toContain(text);
    // A flag for each builder setting.
    for (const name of settingNames) expect(stdout).toContain(`  --${kebab(name)} `);
  });

  it.each([
    [['build', 'fixed.onnx'], /--output/],
    [['build', 'fixed.onnx', '-o', 'a', '--frobnicate'], /--frobnicate/],
    [
      ['build', 'fixed.onnx', '-o', 'a', '--preview-features', 'a,b'],
      /^ERR_INVALID_ARGUMENT: .*"aliased-plugin-io".* options\.previewFeatures but received "a"/,
    ],
    [
      ['build', 'fixed.onnx', '-o', 'a', '--tensor-format', 'x'],
      /^ERR_INVALID_ARGUMENT: .*--tensor-format/,
    ],
    [
      ['build', 'fixed.onnx', '-o', 'a', '--extra-memory-target', 'much'],
      /^ERR_INVALID_ARGUMENT: .*--extra-memory-target/,
    ],
    [['build', 'fixed.onnx', '-o', 'a', '--shapes', 'x'], /^ERR_INVALID_ARGUMENT: .*--shapes/],
    [['build', 'fixed.onnx', '-o', 'a', '--tf32', 'maybe'], /^ERR_INVALID_ARGUMENT: .*--tf32/],
    [
      ['build', 'fixed.onnx', '-o', 'a', '--timeout-ms', '1s'],
      /^ERR_INVALID_ARGUMENT: .*--timeout-ms/,
    ],
    [['build', 'fixed.onnx', '-o', 'a', '--flavor', 'trt9'], /^ERR_INVALID_ARGUMENT: .*trt9/],
  ])('%j is wrong use: exit code 2', (args, message) => {
    const { status, stdout, stderr } = run(...args);
    expect(stderr).toMatch(message);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });

  it('a missing model: exit code 1 and one line', () => {
    const { status, stderr } = run('build', 'none.onnx', '-o', 'a.engine');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^ERR_IO: .*none\.onnx does not exist\n$/);
    expect(existsSync(path.join(folder, 'a.engine'))).toBe(false);
  });
});

describeWithRtx('tensorrt-node build with real TensorRT-RTX', () => {
  it('writes an engine and says what it is', async () => {
    const { status, stdout, stderr } = run(
      ...['build', 'fixed.onnx', '-o', 'a.engine', '--flavor', 'rtx1'],
      ...['--compute-capability', '8.9, 12.0', '--optimization-level', '1', '--tf32', 'false'],
    );
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /a\.engine: .* MiB, built in .* s by TensorRT 1\..* \(rtx1\) for compute capability 8\.9, 12\.0, peak memory \d+ MiB\n$/,
    );
    expect((await Engine.load(path.join(folder, 'a.engine'))).inspect()).toMatchObject({
      computeCapabilities: ['8.9', '12.0'],
      options: { optimizationLevel: 1, tf32: false },
    });
  });

  it('takes sets, files, formats and several profiles', async () => {
    const { status, stderr } = run(
      ...['build', 'dynamic.onnx', '-o', 'p.engine', '--shapes', 'x:1x4:2x4:8x4', 'x:16x4'],
      ...['--extra-memory-target', '0.5,1', '--tensor-format', 'x:linear', '--workspace-bytes'],
      ...['268435456', '--preview-features', 'runtime-activation-resize', '--parser-flags', ''],
    );
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect((await Engine.load(path.join(folder, 'p.engine'))).inspect()).toMatchObject({
      profiles: [
        [{ input: 'x', min: [1, 4], opt: [2, 4], max: [8, 4] }],
        [{ input: 'x', min: [16, 4], opt: [16, 4], max: [16, 4] }],
      ],
      options: {
        workspaceBytes: 2 ** 28,
        previewFeatures: ['runtime-activation-resize'],
        parserFlags: [],
      },
    });
  });

  it('names flavour, version and what to do where TensorRT lacks an option: exit code 2', () => {
    const { status, stderr } = run(
      ...['build', 'fixed.onnx', '-o', 'l.engine', '--flavor', 'rtx1', '--dla-core', '0'],
    );
    expect(stderr).toMatch(
      /^ERR_INVALID_ARGUMENT: Expected trt10 from 10\.3 or trt11 from 11\.0 for options\.dlaCore but received 0 .* with rtx1 1\.[\d.]+: leave it out, .*DLA.*\n$/,
    );
    expect(status).toBe(2);
    expect(existsSync(path.join(folder, 'l.engine'))).toBe(false);
  });

  it('prints JSON alone with --json', () => {
    const { status, stdout } = run(
      ...['build', 'dynamic.onnx', '-o', 'd.engine', '--json', '--shapes', 'x:1x4:2x4:8x4'],
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      path: path.join(folder, 'd.engine'),
      flavor: 'rtx1',
      profiles: [[{ input: 'x', min: [1, 4], opt: [2, 4], max: [8, 4] }]],
    });
  });

  it('a refused model: one line, TensorRT with --verbose only, no file', () => {
    writeFileSync(path.join(folder, 'bad.onnx'), 'no model');
    const { status, stdout, stderr } = run('build', 'bad.onnx', '-o', 'bad.engine');
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^ERR_INVALID_MODEL: [^\n]+\n$/);
    const verbose = run('--verbose', 'build', 'bad.onnx', '-o', 'bad.engine');
    expect(verbose.stderr.split('\n').length).toBeGreaterThan(3);
    expect(readdirSync(folder).filter((name) => name.startsWith('bad.engine'))).toEqual([]);
  });
});
