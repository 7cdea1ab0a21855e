import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { engineReport, registerInspect } from '../../../src/cli/commands/inspect';
import { columns, formatBytes, printable, table, truncate } from '../../../src/cli/text';
import { addOneModel, convModel } from '../../helpers/onnx-writer';

const folder = mkdtempSync(path.join(tmpdir(), 'cli-inspect-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('tensorrt-node inspect', () => {
  let out: string;
  const run = async (bytes: Uint8Array, ...flags: string[]): Promise<string> => {
    const file = path.join(folder, 'model.onnx');
    writeFileSync(file, bytes);
    out = '';
    const program = new Command().exitOverride();
    registerInspect(program);
    await program.parseAsync(['node', 'cli', 'inspect', file, ...flags]);
    return out;
  };

  beforeEach(() => {
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      out += String(text);
      return true;
    });
  });
  afterEach(() => vi.restoreAllMocks());

  it('shows what a model is', async () => {
    const metadata = { task: 'detect', names: "{0: 'can', 1: \"it's\"}" };
    expect(await run(convModel({ batch: 'batch', extra: { metadata } }))).toBe(`model.onnx
693 B · ONNX IR 8 · ai.onnx 17 · by tensorrt-node tests

Inputs
  x  float32  [batch, 3, 16, 16]

Outputs
  y  float32  [batch, 3, 16, 16]

Operators: 3 nodes
  Conv  2    Relu  1

Weights: 2 tensors, 90 parameters, 360 B (float32 360 B)
  w1  float32  [3, 3, 3, 3]  324 B
  w2  float32  [3, 3, 1, 1]  36 B

Metadata
  task   detect
  names  2: can, it's
`);
  });

  it('prints everything as JSON', async () => {
    const json = JSON.parse(await run(addOneModel(), '--json'));
    expect(json).toMatchObject({
      kind: 'onnx',
      path: path.join(folder, 'model.onnx'),
      operators: { Add: 1 },
      initializers: [{ name: 'one', byteLength: 4 }],
    });
  });

  it('stays within 100 columns and lets no escape sequence of the file through', async () => {
    const evil = '\x1b[2J\u202eevil\nline';
    const long = 'n'.repeat(300);
    const text = await run(
      addOneModel(Array(40).fill('a_symbolic_name'), {
        producer: evil,
        metadata: { [evil]: evil, [long]: long },
        nodes: [
          { op: evil, inputs: ['x', 'one'], outputs: ['y'] },
          { op: long, inputs: ['x'], outputs: ['z'] },
        ],
      }),
    );
    expect(Math.max(...text.split('\n').map((line) => [...line].length))).toBe(100);
    expect(text).not.toMatch(/[\p{Cf}]|(?!\n)\p{Cc}/u);
    expect(text).toContain('\\u001b[2J\\u202eevil\\nline');
  });

  it('fails with one typed error', async () => {
    await expect(run(Buffer.from('no model'))).rejects.toMatchObject({ code: 'ERR_INVALID_MODEL' });
    expect(out).toBe('');
  });

  it('shows an engine file', () => {
    const text = engineReport('m.engine', {
      format: 'tensorrt-node',
      byteLength: 2 ** 20,
      flavor: 'rtx1',
      tensorrtVersion: '1.7.1.116',
      computeCapabilities: ['8.9', '12.0'],
      inputs: [{ name: 'x', dtype: 'float32', shape: [-1, 3] }],
      outputs: [{ name: 'y', dtype: 'float32', shape: [-1, 3] }],
      profiles: [[{ input: 'x', min: [1, 3], opt: [2, 3], max: [4, 3] }]],
      options: { optimizationLevel: 3 },
      onnxSha256: undefined,
      planSha256: undefined,
      createdAt: undefined,
      layers: undefined,
      metadata: { names: { 0: 'can' }, tensorrtNode: { format: 1 } },
    });
    expect(text).toBe(`m.engine
1.0 MiB · tensorrt-node file · TensorRT 1.7.1.116, rtx1 · for compute capability 8.9, 12.0

Inputs
  x  float32  [?, 3]

Outputs
  y  float32  [?, 3]

Profiles
  0  x  [1,3] to [4,3], best at [2,3]

Options
  optimizationLevel  3

Metadata
  names  1: can
`);
  });
});

describe('text for terminals', () => {
  it('is cut, aligned and set in columns', () => {
    expect(truncate('abcdef', 4)).toBe('abc…');
    expect(truncate('abcd', 4)).toBe('abcd');
    expect(printable('a\tb\u0007')).toBe('a\\tb\\u0007');
    expect(
      table([
        ['a', 'b'],
        ['long name', 'c', 'd'],
      ]),
    ).toEqual(['a          b', 'long name  c  d']);
    expect(columns([], 10)).toEqual([]);
    expect(
      columns(
        [
          ['a', '1'],
          ['b', '22'],
          ['c', '3'],
        ],
        16,
      ),
    ).toEqual(['a   1    c   3', 'b  22']);
  });

  it('gives sizes in three digits', () => {
    expect([0, 1023, 1024, 1536, 1048575, 2 ** 20, 5 * 2 ** 40].map(formatBytes)).toEqual([
      '0 B',
      '1023 B',
      '1.0 KiB',
      '1.5 KiB',
      '1.0 MiB',
      '1.0 MiB',
      '5.0 TiB',
    ]);
  });
});
