import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  attributeInt,
  attributeInts,
  attributeString,
  findAttribute,
  GraphIndex,
  loadOnnxModel,
  makeNode,
  makeValueInfo,
  opsetVersion,
  removeDeadNodes,
  replaceUses,
  sortNodes,
  uniqueName,
  usesOf,
} from '../../../src/onnx/graph';
import { readOnnxModel } from '../../../src/onnx/model';
import { ProtoWriter } from '../../../src/onnx/proto-writer';
import { makeTensor, readTensorData, setTensorData } from '../../../src/onnx/tensor-data';
import { encodeOnnxModel, writeOnnxModel } from '../../../src/onnx/write';
import { Session } from '../../../src/session/session';
import type { DType } from '../../../src/tensor/dtype';
import { Tensor } from '../../../src/tensor/tensor';
import { dataPath, describeWithData } from '../../helpers/data';
import {
  addOneModel,
  convModel,
  onnxModel,
  type TestNode,
  tensorBytes,
} from '../../helpers/onnx-writer';

const folder = mkdtempSync(path.join(tmpdir(), 'onnx-graph-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const relu = (input: string, output: string): TestNode => ({
  op: 'Relu',
  inputs: [input],
  outputs: [output],
  name: `relu_${output}`,
});

/** y = If(flag) { Relu(shared) } else { shared }, with an inner name that hides an outer one. */
const withBranches = (): Uint8Array =>
  onnxModel({
    nodes: [
      relu('x', 'shared'),
      relu('x', 'unused'),
      {
        op: 'If',
        inputs: ['flag'],
        outputs: ['y'],
        attributes: {
          then_branch: {
            g: {
              nodes: [relu('shared', 'r')],
              outputs: [{ name: 'r', dtype: 'float32', dims: [2] }],
            },
          },
          else_branch: {
            g: { nodes: [], outputs: [{ name: 'shared', dtype: 'float32', dims: [2] }] },
          },
        },
      },
    ],
    initializers: [{ name: 'orphan', dtype: 'int64', dims: [1], data: [1] }],
    inputs: [
      { name: 'x', dtype: 'float32', dims: [2] },
      { name: 'flag', dtype: 'bool', dims: [] },
    ],
    outputs: [{ name: 'y', dtype: 'float32', dims: [2] }],
    valueInfos: [{ name: 'unused', dtype: 'float32', dims: [2] }],
  });

describeWithData('models of real exporters', () => {
  it.each(readdirSync(dataPath('models')))('%s comes back byte for byte', async (name) => {
    const original = readFileSync(dataPath('models', name));
    const output = path.join(folder, name);
    await writeOnnxModel(await loadOnnxModel(dataPath('models', name)), output);
    expect(readFileSync(output).equals(original)).toBe(true);
    const encoded = await encodeOnnxModel(await loadOnnxModel(original));
    expect(Buffer.from(encoded).equals(original)).toBe(true);
    rmSync(output);
  });
});

describe('writing a model back', () => {
  it('keeps everything, unknown fields and invalid UTF-8 among it', async () => {
    const extraFields = new ProtoWriter()
      .bytes(6, Buffer.from([0x61, 0xff, 0xe9]))
      .message(20, new ProtoWriter().string(1, 'training'))
      .message(25, new ProtoWriter().string(1, 'F').string(99, 'inner unknown'))
      .string(1000, 'unknown')
      .toUint8Array();
    for (const bytes of [addOneModel(), withBranches(), convModel({ extra: { extraFields } })]) {
      const once = await encodeOnnxModel(await loadOnnxModel(bytes));
      const twice = await encodeOnnxModel(await loadOnnxModel(once));
      expect(once).toHaveLength(bytes.length);
      expect(twice).toEqual(once);
      expect((await loadOnnxModel(once)).proto).toEqual((await loadOnnxModel(twice)).proto);
    }
  });

  it('moves large tensors to a data file and back', async () => {
    const bytes = convModel({ channels: 8 });
    const output = path.join(folder, 'split.onnx');
    await writeOnnxModel(await loadOnnxModel(bytes), output, { externalData: 'file' });
    const info = await readOnnxModel(output);
    expect(info.externalFiles).toMatchObject([
      { location: 'split.onnx.data', usedBytes: 64 * 9 * 4, tensors: 1 },
    ]);
    expect(info.initializers.map(({ storage }) => storage)).toEqual(['external', 'raw']);

    const model = await loadOnnxModel(output);
    expect(await encodeOnnxModel(model)).toEqual(await encodeOnnxModel(await loadOnnxModel(bytes)));
    // External data goes along to another folder, and may be replaced while it is read.
    const other = path.join(folder, 'other', 'copy.onnx');
    mkdirSync(path.dirname(other));
    for (const target of [other, output]) {
      await writeOnnxModel(model, target);
      const copy = await loadOnnxModel(target);
      expect(copy.proto.graph.initializers[0]!.externalData[0]).toMatchObject({
        key: 'location',
        value: `${path.basename(target)}.data`,
      });
      const [first] = copy.proto.graph.initializers;
      const data = await readTensorData(first!, copy);
      expect(data).toEqual(
        tensorBytes({ dtype: 'float32', dims: [], data: new Float32Array(576).fill(1 / 9) }),
      );
    }
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('may go over the file it was read from', async () => {
    const file = path.join(folder, 'large.onnx');
    const data = Uint8Array.from({ length: 3 * 2 ** 20 }, (_, i) => i % 251);
    const big = { name: 'one', dtype: 'uint8', dims: [data.length], data } as const;
    writeFileSync(file, addOneModel([1], { initializers: [big] }));
    const before = readFileSync(file);
    const model = await loadOnnxModel(file);
    await writeOnnxModel(model, file);
    expect(readFileSync(file).equals(before)).toBe(true);
    // The old file is gone, and with it the data that was left in it.
    await expect(readTensorData(model.proto.graph.initializers[0]!, model)).rejects.toMatchObject({
      code: 'ERR_IO',
      message: expect.stringContaining('changed while it was in use'),
    });
  });

  it('says where it cannot', async () => {
    const model = await loadOnnxModel(addOneModel());
    const output = path.join(folder, 'absent', 'm.onnx');
    await expect(writeOnnxModel(model, output)).rejects.toMatchObject({ code: 'ERR_IO' });
    await expect(
      writeOnnxModel(model, output, { externalData: 'yes' as never }),
    ).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    const external = { location: 'w.bin', offset: 0, length: 4 };
    const loose = addOneModel([1], {
      initializers: [{ name: 'one', dtype: 'float32', dims: [1], external }],
    });
    await expect(encodeOnnxModel(await loadOnnxModel(loose))).rejects.toMatchObject({
      code: 'ERR_INVALID_MODEL',
      message: expect.stringContaining('give the model by path'),
    });
  });
});

describe('the data of a tensor', () => {
  it.each<[DType, number[]]>([
    ['float32', [1.5, -2]],
    ['int64', [2 ** 40, -1]],
    ['int32', [-5, 7]],
  ])('is raw bytes also when %s is stored in a typed field', async (dtype, data) => {
    const bytes = addOneModel([1], {
      initializers: [{ name: 'one', dtype, dims: [2], data, typedField: true }],
    });
    const model = await loadOnnxModel(bytes);
    const [tensor] = model.proto.graph.initializers;
    expect(await readTensorData(tensor!, model)).toEqual(tensorBytes({ dtype, dims: [2], data }));
    setTensorData(tensor!, [await readTensorData(tensor!, model)]);
    const again = await loadOnnxModel(await encodeOnnxModel(model));
    expect(again.proto.graph.initializers[0]).toMatchObject({ int64Data: undefined });
    expect(await readTensorData(again.proto.graph.initializers[0]!, again)).toEqual(
      tensorBytes({ dtype, dims: [2], data }),
    );
  });

  it('of small types in int32_data and of 64-bit ones keeps every bit', async () => {
    const cases: [number, number, (number | bigint)[], number[]][] = [
      [10, 5, [0x3c00, 0xfc00], [0, 0x3c, 0, 0xfc]],
      [3, 5, [-1, 5], [255, 5]],
      [9, 5, [1, 0], [1, 0]],
      [12, 11, [4294967295, 1], [255, 255, 255, 255, 1, 0, 0, 0]],
      [13, 11, [-1, 1], [...Array(8).fill(255), 1, 0, 0, 0, 0, 0, 0, 0]],
    ];
    for (const [dataType, field, values, expected] of cases) {
      const packed = new ProtoWriter();
      for (const value of values) packed.rawVarint(value);
      const tensor = new ProtoWriter()
        .varint(1, 2)
        .varint(2, dataType)
        .bytes(field, packed.toUint8Array())
        .string(8, 'one');
      const extraFields = new ProtoWriter()
        .message(7, new ProtoWriter().message(5, tensor))
        .toUint8Array();
      const model = await loadOnnxModel(addOneModel([1], { initializers: [], extraFields }));
      const [first] = model.proto.graph.initializers;
      expect([...(await readTensorData(first!, model))]).toEqual(expected);
    }
  });

  it('must have the length of its shape', () => {
    const tensor = makeTensor('t', 'float32', [2], new Float32Array([1, 2]));
    expect(tensor).toMatchObject({ name: 't', dataType: 1, dims: [2] });
    expect(() => makeTensor('t', 'float32', [3], new Float32Array(2))).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }),
    );
  });
});

describe('editing a graph', () => {
  it('reads attributes with their defaults', async () => {
    const { proto } = await loadOnnxModel(convModel());
    const [conv] = proto.graph.nodes;
    expect(attributeInts(conv!, 'pads', [])).toEqual([1, 1, 1, 1]);
    expect(attributeInts(conv!, 'strides', [1, 1])).toEqual([1, 1]);
    expect(attributeInt(conv!, 'group', 1)).toBe(1);
    expect(attributeString(conv!, 'auto_pad', 'NOTSET')).toBe('NOTSET');
    expect(findAttribute(conv!, 'kernel_shape')?.type).toBe(7);
  });

  it('knows makers and users of values, through sub-graphs', async () => {
    const model = await loadOnnxModel(withBranches());
    const { graph } = model.proto;
    const index = new GraphIndex(graph);
    const choice = graph.nodes[2]!;
    expect(opsetVersion(model)).toBe(17);
    expect(index.producers.get('shared')?.name).toBe('relu_shared');
    expect([...usesOf(choice)].sort()).toEqual(['flag', 'shared']);
    expect(index.consumers.get('shared')).toEqual([choice]);
    expect(index.isOnlyUse('shared', choice)).toBe(true);
    expect(index.isOnlyUse('y', choice)).toBe(false);
    expect(index.initializers.has('orphan')).toBe(true);
    expect(uniqueName(graph, 'shared')).toBe('shared_1');
    expect(uniqueName(graph, 'r')).toBe('r_1');
    expect(uniqueName(graph, 'new')).toBe('new');
  });

  it('removes what nobody uses and keeps what a sub-graph uses', async () => {
    const { graph } = (await loadOnnxModel(withBranches())).proto;
    expect(removeDeadNodes(graph)).toBe(1);
    expect(graph.nodes.map(({ opType }) => opType)).toEqual(['Relu', 'If']);
    expect(graph.initializers).toEqual([]);
    expect(graph.valueInfos).toEqual([]);
  });

  it('sorts nodes, also a node with more inputs than a call may have arguments', async () => {
    const { graph } = (await loadOnnxModel(withBranches())).proto;
    const width = 200_000;
    const parts = Array.from({ length: width }, (_, i) => makeNode('Relu', ['x'], [`part${i}`]));
    const joined = makeNode(
      'Concat',
      parts.map(({ outputs }) => outputs[0]!),
      ['joined'],
    );
    graph.nodes = [makeNode('Relu', ['joined'], ['y']), joined, ...parts];
    graph.outputs = [makeValueInfo('y', 'float32', [null])];
    expect(sortNodes(graph)).toBeUndefined();
    expect(graph.nodes.slice(-2).map(({ opType }) => opType)).toEqual(['Concat', 'Relu']);
    expect(graph.nodes).toHaveLength(width + 2);
    expect(removeDeadNodes(graph)).toBe(0);

    const one = makeNode('Relu', ['b'], ['a']);
    graph.nodes = [one, makeNode('Relu', ['a'], ['b'])];
    expect(sortNodes(graph)).toBe(one);
    expect(graph.nodes[0]).toBe(one);
  });

  it('replaces uses everywhere but where the name means something else', async () => {
    const { graph } = (await loadOnnxModel(withBranches())).proto;
    replaceUses(graph, 'shared', 'x');
    const [then, otherwise] = graph.nodes[2]!.attributes;
    expect(then!.g!.nodes[0]!.inputs).toEqual(['x']);
    expect(otherwise!.g!.outputs[0]!.name).toBe('x');
    expect(removeDeadNodes(graph)).toBe(2);
  });

  it('gives a model that computes what was meant', async () => {
    const model = await loadOnnxModel(addOneModel([1, 4]));
    const { graph } = model.proto;
    const doubled = uniqueName(graph, 'doubled');
    graph.nodes.push(
      makeNode('Mul', ['y', 'two'], [doubled]),
      makeNode('Flatten', [doubled], ['flat'], { attributes: { axis: { i: 0 } } }),
    );
    graph.initializers.push(makeTensor('two', 'float32', [], new Float32Array([2])));
    graph.outputs = [makeValueInfo('flat', 'float32', [1, null])];
    await using session = await Session.create(await encodeOnnxModel(model), { backend: 'cpu' });
    const { flat } = await session.run({
      x: new Tensor('float32', Float32Array.from([0, 1, 2, 3]), [1, 4]),
    });
    expect([...(flat!.data as Float32Array)]).toEqual([2, 4, 6, 8]);
  });
});
