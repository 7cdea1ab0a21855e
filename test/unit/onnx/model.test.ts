import { execFileSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readOnnxModel } from '../../../src/onnx/model';
import { ProtoWriter } from '../../../src/onnx/proto-writer';
import { dataPath, describeWithData } from '../../helpers/data';
import { addOneModel, convModel, onnxModel, type TestTensor } from '../../helpers/onnx-writer';

let folder: string;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'onnx-model-')));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function put(name: string, bytes: Uint8Array | string): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  return file;
}

const constant = (tensor: TestTensor): Uint8Array =>
  addOneModel([1, 4], { initializers: [{ name: 'one', ...tensor }] });

const invalid = (message: RegExp): object =>
  expect.objectContaining({
    name: 'TensorRTNodeError',
    code: 'ERR_INVALID_MODEL',
    message: expect.stringMatching(message),
  });

describe('reading what a model is', () => {
  it('gives inputs, outputs, operators, tensors and metadata', async () => {
    const bytes = convModel({
      batch: 'batch',
      size: null,
      extra: { metadata: { task: 'detect', __proto__: 'x' }, opsets: { 'com.example': 2 } },
    });
    const info = await readOnnxModel(bytes);
    expect(info).toMatchObject({
      fileBytes: bytes.length,
      irVersion: 8,
      producerName: 'tensorrt-node tests',
      graphName: 'graph',
      opsets: { 'ai.onnx': 17, 'com.example': 2 },
      metadata: { task: 'detect' },
      inputs: [{ name: 'x', kind: 'tensor', dtype: 'float32', dims: ['batch', 3, null, null] }],
      outputs: [{ name: 'y', kind: 'tensor', dtype: 'float32', dims: ['batch', 3, null, null] }],
      nodeCount: 3,
      operators: { Conv: 2, Relu: 1 },
      tensorBytes: 4 * (81 + 9),
      functions: [],
      hasTrainingInfo: false,
      externalFiles: [],
    });
    expect(Object.keys(info.operators)).toEqual(['Conv', 'Relu']);
    const [first] = info.initializers;
    expect(first).toMatchObject({
      name: 'w1',
      dtype: 'float32',
      dims: [3, 3, 3, 3],
      byteLength: 324,
      storage: 'raw',
    });
    const { offset, length } = first!.fileRange!;
    const data = new Float32Array(bytes.slice(offset, offset + length).buffer);
    expect(data).toEqual(new Float32Array(81).fill(1 / 9));
  });

  it('reads a path, a file URL, an ArrayBuffer and a view into a larger buffer alike', async () => {
    const bytes = addOneModel();
    const file = put('same.onnx', bytes);
    const padded = new Uint8Array(bytes.length + 20);
    padded.set(bytes, 10);
    const expected = await readOnnxModel(bytes);
    for (const model of [
      file,
      pathToFileURL(file),
      bytes.slice().buffer as ArrayBuffer,
      padded.subarray(10, 10 + bytes.length),
    ]) {
      expect(await readOnnxModel(model)).toEqual(expected);
    }
  });

  it('counts nodes and tensors of sub-graphs and leaves initialised inputs out', async () => {
    const branch = (value: number): object => ({
      g: {
        nodes: [
          {
            op: 'Constant',
            inputs: [],
            outputs: ['c'],
            attributes: { value: { t: { dtype: 'int64', dims: [2], data: [value, -value] } } },
          },
        ],
        outputs: [{ name: 'c', dtype: 'int64', dims: [2] }],
      },
    });
    const info = await readOnnxModel(
      onnxModel({
        nodes: [
          {
            op: 'If',
            inputs: ['flag'],
            outputs: ['y'],
            attributes: { then_branch: branch(1), else_branch: branch(2) } as never,
          },
          { op: 'Special', domain: 'com.example', inputs: ['y', 'k'], outputs: ['z'] },
        ],
        initializers: [{ name: 'k', dtype: 'int64', dims: [], data: [3], typedField: true }],
        inputs: [
          { name: 'flag', dtype: 'bool', dims: [] },
          { name: 'k', dtype: 'int64', dims: [] },
        ],
        outputs: [{ name: 'z', dtype: 'int64' }],
      }),
    );
    expect(info.inputs.map(({ name }) => name)).toEqual(['flag']);
    expect(info.outputs[0]!.dims).toBeUndefined();
    expect(info.nodeCount).toBe(4);
    expect(info.operators).toEqual({ Constant: 2, If: 1, 'com.example.Special': 1 });
    expect(info.tensorBytes).toBe(16 + 16 + 8);
    expect(info.initializers[0]).toMatchObject({ storage: 'typed', dims: [], byteLength: 8 });
  });

  it('tolerates functions, training information and fields it does not know', async () => {
    const node = new ProtoWriter().string(4, 'Relu');
    const func = new ProtoWriter().string(1, 'F').message(7, node).string(10, 'local');
    const extraFields = new ProtoWriter()
      .message(20, new ProtoWriter().string(99, 'x'))
      .message(25, func)
      .string(1000, 'unknown')
      .toUint8Array();
    const info = await readOnnxModel(addOneModel([1], { extraFields }));
    expect(info).toMatchObject({ functions: ['local.F'], hasTrainingInfo: true, nodeCount: 1 });
  });

  it('reads a model of three gigabytes with a few megabytes of memory', async () => {
    const hugeBytes = 3 * 2 ** 30;
    const tensor = new ProtoWriter()
      .varint(1, hugeBytes / 4)
      .varint(2, 1)
      .string(8, 'one')
      .bytes(9, { length: hugeBytes, read: () => [] as never });
    const graph = new ProtoWriter()
      .message(1, new ProtoWriter().string(1, 'x').string(2, 'y').string(4, 'Relu'))
      .message(5, tensor);
    const model = new ProtoWriter().varint(1, 8).message(7, graph);
    const tail = new ProtoWriter()
      .message(8, new ProtoWriter().varint(2, 17))
      .message(14, new ProtoWriter().string(1, 'after').string(2, 'the tensor'))
      .toUint8Array();
    const file = path.join(folder, 'huge.onnx');
    const handle = openSync(file, 'w');
    let position = 0;
    for (const chunk of model.chunks()) {
      // The tensor's data is a hole: the file takes no space on the disk.
      if (chunk instanceof Uint8Array) writeSync(handle, chunk, 0, chunk.length, position);
      position += chunk.length;
    }
    ftruncateSync(handle, position);
    writeSync(handle, tail, 0, tail.length, position);
    closeSync(handle);

    const before = process.memoryUsage();
    const info = await readOnnxModel(file);
    const after = process.memoryUsage();
    expect(info.metadata).toEqual({ after: 'the tensor' });
    expect(info.initializers[0]).toMatchObject({ byteLength: hugeBytes, name: 'one' });
    expect(info.initializers[0]!.fileRange!.length).toBe(hugeBytes);
    expect(after.rss - before.rss).toBeLessThan(32 * 2 ** 20);
    rmSync(file);
  });
});

describeWithData('models of real exporters', () => {
  it.each(readdirSync(dataPath('models')))(
    '%s reads alike from disk and from memory',
    async (name) => {
      const file = dataPath('models', name);
      const info = await readOnnxModel(file);
      expect(info).toEqual(await readOnnxModel(readFileSync(file)));
      expect(info.opsets['ai.onnx']).toBe(17);
      expect(info.tensorBytes).toBeGreaterThan(0.85 * info.fileBytes);
      expect(info.metadata.stride).toMatch(/^(1|32)$/);
    },
  );
});

describe('files that are no ONNX model', () => {
  const random = Uint8Array.from({ length: 4096 }, (_, i) => (i * 2654435761) >>> 24);
  const whole = convModel();
  const tenGigabytes = new ProtoWriter()
    .varint(1, 8)
    .tag(7, 2)
    .rawVarint(10_000_000_000)
    .string(2, 'graph')
    .toUint8Array();

  it.each<[string, Uint8Array | string, RegExp]>([
    ['empty', new Uint8Array(0), /received an empty file/],
    ['random', random, /received data /],
    ['truncated', whole.subarray(0, whole.length / 2), /received data whose field 7 claims/],
    ['claiming 10 GB', tenGigabytes, /claims 10000000000 bytes where \d+ are left/],
    ['text', 'Not a model.\nOnly some lines.\n', /received a text file/],
    ['ONNX as text', 'ir_version: 8\ngraph {\n}\n', /an ONNX model as text/],
    ['HTML', '<!DOCTYPE html><html>', /an HTML or XML page/],
    ['JSON', '{"error": "not found"}', /a JSON text/],
    ['LFS pointer', 'version https://git-lfs.github.com/spec/v1\n', /Git LFS pointer/],
    ['ZIP', Buffer.from('PK\x03\x04....................'), /ZIP archive.*export it to ONNX/],
    ['plan', Buffer.from('ftrt\0\0\0\0........'), /a TensorRT plan/],
    ['engine', Buffer.from('\x10\0\0\0{"a": 1}.......'), /an engine file with metadata/],
    ['zeros', new Uint8Array(100), /data that is no protobuf message at byte 0/],
  ])('says what is wrong with one that is %s', async (name, bytes, message) => {
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    const file = put(`bad-${name.replaceAll(' ', '-')}.onnx`, buffer);
    await expect(readOnnxModel(file)).rejects.toEqual(invalid(message));
    await expect(readOnnxModel(file)).rejects.toThrow(`Expected an ONNX model for "${file}" but`);
    await expect(readOnnxModel(buffer)).rejects.toEqual(invalid(message));
    await expect(readOnnxModel(buffer)).rejects.toThrow(/for the model buffer but/);
  });

  it('finds the same faults in large files, which are read in parts', async () => {
    const large = addOneModel([1], {
      initializers: [
        { name: 'one', dtype: 'float32', dims: [1], data: [1] },
        { name: 'big', dtype: 'uint8', dims: [2 ** 21], data: new Uint8Array(2 ** 21) },
      ],
    });
    expect((await readOnnxModel(put('large.onnx', large))).tensorBytes).toBe(2 ** 21 + 4);
    const cut = put('large-cut.onnx', large.subarray(0, large.length - 2 ** 20 + 2 ** 17));
    await expect(readOnnxModel(cut)).rejects.toEqual(invalid(/claims \d+ bytes where/));
    const rest = put('large-rest.onnx', Buffer.concat([large, Buffer.alloc(64)]));
    await expect(readOnnxModel(rest)).rejects.toEqual(invalid(/no protobuf message at byte/));
    const tag = put('large-tag.onnx', Buffer.concat([large, Buffer.from([0x80])]));
    await expect(readOnnxModel(tag)).rejects.toEqual(invalid(/cut off/));
    const noise = put('large-noise.onnx', Buffer.alloc(2 ** 21, 0xff));
    await expect(readOnnxModel(noise)).rejects.toEqual(invalid(/no protobuf|cut off/));
  });

  it.each<[string, Uint8Array, RegExp]>([
    [
      'no version',
      new ProtoWriter().message(7, new ProtoWriter()).toUint8Array(),
      /without an ONNX version/,
    ],
    ['no graph', new ProtoWriter().varint(1, 8).toUint8Array(), /without a graph/],
    [
      'no operator set',
      new ProtoWriter().varint(1, 8).message(7, new ProtoWriter()).toUint8Array(),
      /without an operator set/,
    ],
    [
      'no operator',
      onnxModel({ nodes: [{ op: '', name: 'n', inputs: [], outputs: ['y'] }] }),
      /node "n" has no operator/,
    ],
    [
      'short data',
      constant({ dtype: 'float32', dims: [100_000, 100_000], data: [1] }),
      /tensor for "one".*shape \[100000, 100000\] that needs 40000000000 bytes and has 4/,
    ],
    ['long data', constant({ dtype: 'int8', dims: [], data: [1, 2] }), /needs 1 bytes and has 2/],
    ['no data', constant({ dtype: 'float32', dims: [3] }), /needs 12 bytes and has 0/],
    [
      'few values',
      constant({ dtype: 'int64', dims: [3], data: [1, 2], typedField: true }),
      /needs 3 values and has 2/,
    ],
    ['a negative dim', constant({ dtype: 'float32', dims: [-1], data: [1] }), /impossible shape/],
    [
      'an overflow',
      constant({ dtype: 'float32', dims: [2 ** 32, 2 ** 32], data: [] }),
      /impossible shape/,
    ],
    ['strings missing', constant({ dtype: 'string', dims: [2] }), /with 0 strings/],
  ])('refuses a model with %s', async (_, bytes, message) => {
    await expect(readOnnxModel(bytes)).rejects.toEqual(invalid(message));
  });

  it('refuses what is no file', async () => {
    await expect(readOnnxModel(folder)).rejects.toEqual(invalid(/received a folder/));
    execFileSync('mkfifo', [path.join(folder, 'pipe')]);
    await expect(readOnnxModel(path.join(folder, 'pipe'))).rejects.toEqual(
      invalid(/no regular file/),
    );
    await expect(readOnnxModel(path.join(folder, 'absent.onnx'))).rejects.toMatchObject({
      code: 'ERR_IO',
      message: expect.stringMatching(/a path where no file is/),
      cause: { code: 'ENOENT' },
    });
  });

  it('refuses arguments of the wrong kind', async () => {
    const bad = { code: 'ERR_INVALID_ARGUMENT' };
    for (const model of ['', 5, null, undefined, {}, [1], new URL('https://example.com')]) {
      await expect(readOnnxModel(model as never)).rejects.toMatchObject(bad);
    }
    await expect(readOnnxModel(addOneModel(), { limit: {} } as never)).rejects.toMatchObject(bad);
    await expect(
      readOnnxModel(addOneModel(), { limits: { maxMessages: 0 } }),
    ).rejects.toMatchObject(bad);
  });

  it('stops at the limits it is given', async () => {
    await expect(readOnnxModel(convModel(), { limits: { maxMessages: 10 } })).rejects.toEqual(
      invalid(/more than 10 parts/),
    );
    const doc = new ProtoWriter().bytes(6, new Uint8Array(2 ** 21)).toUint8Array();
    const file = put('doc.onnx', addOneModel([1], { extraFields: doc }));
    expect((await readOnnxModel(file)).nodeCount).toBe(1);
    await expect(readOnnxModel(file, { limits: { maxGraphBytes: 2 ** 20 } })).rejects.toEqual(
      invalid(/more than 1048576 bytes without its tensors/),
    );
  });
});

describe('external data', () => {
  const at = (location: string, extra: object = {}): Uint8Array =>
    constant({ dtype: 'float32', dims: [2], external: { location, ...extra } });

  it('is found, measured and shared by tensors', async () => {
    put('ok/data/weights.bin', new Uint8Array(64));
    const external = (offset: number): TestTensor => ({
      name: `t${offset}`,
      dtype: 'float32',
      dims: [2],
      external: { location: 'data/weights.bin', offset, length: 8 },
    });
    const file = put('ok/m.onnx', addOneModel([1], { initializers: [external(0), external(56)] }));
    const info = await readOnnxModel(file);
    expect(info.externalFiles).toEqual([
      {
        location: 'data/weights.bin',
        path: path.join(folder, 'ok/data/weights.bin'),
        fileBytes: 64,
        usedBytes: 16,
        tensors: 2,
        modifiedMs: expect.any(Number),
      },
    ]);
    expect(info.initializers[1]).toMatchObject({
      storage: 'external',
      byteLength: 8,
      external: { location: 'data/weights.bin', offset: 56, length: 8 },
      fileRange: undefined,
    });
    const unchecked = await readOnnxModel(file, { checkExternalData: false });
    expect(unchecked.externalFiles).toEqual([]);
  });

  it('of a folder of links is that of the folder they lead to', async () => {
    put('blobs/aa', at('m.data'));
    put('blobs/bb', new Uint8Array(8));
    mkdirSync(path.join(folder, 'links'));
    symlinkSync('../blobs/aa', path.join(folder, 'links/m.onnx'));
    symlinkSync('../blobs/bb', path.join(folder, 'links/m.data'));
    const info = await readOnnxModel(path.join(folder, 'links/m.onnx'));
    expect(info.externalFiles).toHaveLength(1);
  });

  it.each([
    '../secret',
    'a/../../secret',
    'a\\..\\..\\secret',
    '/etc/passwd',
    'C:\\secret',
    '\\\\host\\share',
    'nul\0byte',
    '*/_ORT_MEM_ADDR_/*',
    '',
  ])('must not leave the folder: %j', async (location) => {
    await expect(readOnnxModel(at(location))).rejects.toEqual(invalid(/within the model's folder/));
  });

  it('must not leave the folder by links', async () => {
    put('outside.bin', new Uint8Array(8));
    const file = put('inside/m.onnx', at('link.bin'));
    symlinkSync('../outside.bin', path.join(folder, 'inside/link.bin'));
    await expect(readOnnxModel(file)).rejects.toEqual(invalid(/a link out of it/));
    put('inside-too/x.bin', new Uint8Array(8));
    const neighbour = put('inside/n.onnx', at('near.bin'));
    symlinkSync('../inside-too/x.bin', path.join(folder, 'inside/near.bin'));
    await expect(readOnnxModel(neighbour)).rejects.toEqual(invalid(/a link out of it/));
  });

  it('must be there and long enough', async () => {
    const missing = put('ext/missing.onnx', at('absent.bin'));
    await expect(readOnnxModel(missing)).rejects.toMatchObject({ code: 'ERR_IO' });
    put('ext/short.bin', new Uint8Array(10));
    const short = put('ext/short.onnx', at('short.bin', { offset: 4 }));
    await expect(readOnnxModel(short)).rejects.toEqual(invalid(/at least 12 bytes.*one of 10/));
    const dir = put('ext/dir.onnx', at('.'));
    await expect(readOnnxModel(dir)).rejects.toMatchObject({ code: 'ERR_INVALID_MODEL' });
    for (const [key, value] of [
      ['offset', '-1'],
      ['offset', '1e3'],
      ['length', '99999999999999999999'],
      ['length', '12'],
    ]) {
      await expect(readOnnxModel(at('x.bin', { [key!]: value }))).rejects.toEqual(
        invalid(/external data of tensor "one"/),
      );
    }
  });
});
