import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readOnnxModel, transformModel } from '../../src/index';
import { requireCompiledWorker } from '../helpers/build-process';
import { projectRoot } from '../helpers/data';
import { convModel, onnxModel } from '../helpers/onnx-writer';

let folder = '';
beforeAll(() => {
  requireCompiledWorker();
  folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-transform-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string): string => path.join(folder, name);

/** A model of two multiplications by weights of 512 KiB, which lie beside the file. */
function writeOutside(name: string): Float32Array {
  const weights = Float32Array.from({ length: 2 * 131072 }, (_, i) => Math.sin(i));
  writeFileSync(file(`${name}.bin`), new Uint8Array(weights.buffer));
  const external = (index: number) => ({
    location: `${name}.bin`,
    offset: index * 524288,
    length: 524288,
  });
  writeFileSync(
    file(name),
    onnxModel({
      nodes: [
        { op: 'MatMul', inputs: ['x', 'w0'], outputs: ['a'] },
        { op: 'MatMul', inputs: ['a', 'w1'], outputs: ['y'] },
      ],
      initializers: [
        { name: 'w0', dtype: 'float32', dims: [256, 512], external: external(0) },
        { name: 'w1', dtype: 'float32', dims: [512, 256], external: external(1) },
      ],
      inputs: [{ name: 'x', dtype: 'float32', dims: [1, 256] }],
      outputs: [{ name: 'y', dtype: 'float32', dims: [1, 256] }],
      metadata: { names: "{0: 'a'}", task: 'detect' },
    }),
  );
  return weights;
}

describe('transformModel', () => {
  it('answers with bytes where no file is asked for, and leaves the source alone', async () => {
    const source = convModel();
    const copy = source.slice();
    const report = await transformModel(source, { precision: 'fp16' });
    expect(source).toEqual(copy);
    expect(report).toMatchObject({
      nodesBefore: 3,
      nodesAfter: 5,
      inputs: [{ name: 'x', dtype: 'float32' }],
      outputs: [{ name: 'y', dtype: 'float32' }],
      passes: [{ name: 'precision', nodesBefore: 3, nodesAfter: 5, options: { type: 'fp16' } }],
    });
    expect(report.path).toBeUndefined();
    const info = await readOnnxModel(report.bytes!);
    expect(info.operators).toEqual({ Cast: 2, Conv: 2, Relu: 1 });
    expect(info.initializers.map(({ dtype }) => dtype)).toEqual(['float16', 'float16']);
  });

  it('without any transform gives the model back byte for byte', async () => {
    const source = convModel();
    const { bytes, passes } = await transformModel(source);
    expect(passes).toEqual([]);
    expect(Buffer.compare(bytes!, source)).toBe(0);
  });

  it('keeps external data beside the file, converted, and metadata inside', async () => {
    const weights = writeOutside('outside.onnx');
    const output = file('outside-fp16.onnx');
    const report = await transformModel(file('outside.onnx'), { output, precision: 'fp16' });
    expect(report.path).toBe(output);
    const info = await readOnnxModel(output);
    expect(info.metadata).toEqual({ names: "{0: 'a'}", task: 'detect' });
    expect(info.externalFiles).toMatchObject([
      { location: 'outside-fp16.onnx.data', tensors: 2, usedBytes: 524288 },
    ]);
    expect(statSync(output).size).toBeLessThan(2000);
    const data = readFileSync(`${output}.data`);
    const { offset } = info.initializers[1]!.external!;
    const halves = new Uint16Array(data.buffer.slice(data.byteOffset + offset).slice(0, 262144));
    // sin(131073) and its bits by NumPy.
    expect(weights[131073]).toBeCloseTo(Math.sin(131073), 6);
    expect(numberOf(halves[1]!)).toBeCloseTo(Math.sin(131073), 3);
  });

  it('moves external data into the file', async () => {
    writeOutside('inline.onnx');
    const output = file('inline-all.onnx');
    await transformModel(file('inline.onnx'), { output, externalData: 'inline' });
    const info = await readOnnxModel(output);
    expect(info.externalFiles).toEqual([]);
    expect(statSync(output).size).toBeGreaterThan(2 * 524288);
    expect(existsSync(`${output}.data`)).toBe(false);
  });

  it('replaces the file that it reads', async () => {
    const both = file('both.onnx');
    writeFileSync(both, convModel());
    await transformModel(both, { output: both, precision: 'fp16' });
    expect((await readOnnxModel(both)).operators.Cast).toBe(2);
  });

  it('runs beside the event loop', async () => {
    writeOutside('beside.onnx');
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await transformModel(file('beside.onnx'), {
      output: file('beside-out.onnx'),
      precision: 'bf16',
    });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
  });

  it.each([
    [{ precison: 'fp16' }, 'ERR_INVALID_ARGUMENT', /"precison"/],
    [{ precision: 'int8' }, 'ERR_INVALID_ARGUMENT', /"fp16", "bf16" for options.precision/],
    [{ externalData: 'file' }, 'ERR_INVALID_ARGUMENT', /options.output for options.externalData/],
    [{ output: '' }, 'ERR_INVALID_ARGUMENT', /options.output/],
    [{ output: '/nowhere/at/all.onnx' }, 'ERR_IO', /can be written/],
    [
      { precision: { type: 'fp16', keepFloatNodes: ['none'] } },
      'ERR_INVALID_ARGUMENT',
      /received "none"/,
    ],
  ])('refuses %o', async (options, code, message) => {
    await expect(transformModel(convModel(), options as object)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it.each([
    ['text', Buffer.from('hello, this is no model at all'), 'ERR_INVALID_MODEL'],
    ['nothing', new Uint8Array(0), 'ERR_INVALID_MODEL'],
    ['a cut-off model', convModel().subarray(0, 200), 'ERR_INVALID_MODEL'],
    ['a path where nothing is', '/nowhere/model.onnx', 'ERR_IO'],
  ])('refuses %s as the model', async (_, source, code) => {
    await expect(transformModel(source, { precision: 'fp16' })).rejects.toMatchObject({ code });
  });

  it('leaves nothing behind when it fails', async () => {
    writeOutside('fails.onnx');
    writeFileSync(file('fails.onnx.bin'), new Uint8Array(1000));
    const before = readdirSync(folder);
    const options = { output: file('fails-out.onnx'), precision: 'fp16' } as const;
    await expect(transformModel(file('fails.onnx'), options)).rejects.toMatchObject({
      code: 'ERR_INVALID_MODEL',
    });
    expect(readdirSync(folder)).toEqual(before);
  });
});

describe('tensorrt-node convert', () => {
  const cli = path.join(projectRoot, 'lib', 'cli', 'main.js');
  const run = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'convert', ...args], {
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };

  it('writes the model and says what was done', () => {
    writeFileSync(file('cli.onnx'), convModel());
    const { status, stdout } = run(
      file('cli.onnx'),
      '-o',
      file('cli-fp16.onnx'),
      '--precision',
      'fp16',
    );
    expect(status).toBe(0);
    expect(stdout).toBe(
      `${file('cli-fp16.onnx')}: 5 nodes, 3 before\n  precision: 3 nodes in fp16, 0 in float32; 2 casts inserted\n`,
    );
  });

  it('passes all flags on, and prints JSON', () => {
    writeFileSync(file('cli.onnx'), convModel());
    const args = [
      '--precision',
      'bf16',
      '--keep-float-operators',
      'Relu, Exp',
      '--keep-float-nodes',
      'conv1',
    ];
    const { status, stdout } = run(
      ...[
        file('cli.onnx'),
        '-o',
        file('cli-bf16.onnx'),
        ...args,
        '--half-io',
        '--half-tail',
        '--json',
      ],
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout).passes[0].options).toEqual({
      type: 'bf16',
      keepFloatOperators: ['Exp', 'Relu'],
      keepFloatNodes: ['conv1'],
      keepIoFloat: false,
      keepTailFloat: false,
    });
  });

  it('ends with 2 for wrong use and 1 for a bad model, one line each', () => {
    writeFileSync(file('bad.onnx'), 'no model');
    const cases = [
      [2, /^ERR_INVALID_ARGUMENT: .*"fp16"/, file('cli.onnx'), '--precision', 'fp4'],
      [2, /^ERR_INVALID_ARGUMENT: .*--half-io/, file('cli.onnx'), '--half-io'],
      [1, /^ERR_INVALID_MODEL: /, file('bad.onnx'), '--precision', 'fp16'],
      [1, /^ERR_IO: /, file('absent.onnx'), '--precision', 'fp16'],
    ] as const;
    for (const [code, text, ...args] of cases) {
      const { status, stderr } = run(...args, '-o', file('never.onnx'));
      expect(status).toBe(code);
      expect(stderr).toMatch(text);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    }
    expect(existsSync(file('never.onnx'))).toBe(false);
  });

  it('has help with examples', () => {
    const help = execFileSync(process.execPath, [cli, 'convert', '--help'], { encoding: 'utf8' });
    expect(help).toContain('--precision <fp16|bf16>');
    expect(help).toMatch(/Examples:\n {2}tensorrt-node convert/);
  });
});

function numberOf(half: number): number {
  const exponent = (half >> 10) & 31;
  const sign = half & 0x8000 ? -1 : 1;
  return sign * (1 + (half & 1023) / 1024) * 2 ** (exponent - 15);
}
