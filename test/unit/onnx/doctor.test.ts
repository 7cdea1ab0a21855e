import { describe, expect, it } from 'vitest';
import { TensorRTNodeError } from '../../../src/errors';
import { examineModel } from '../../../src/onnx/doctor';
import { loadOnnxModel } from '../../../src/onnx/graph';
import { suggestOptions } from '../../../src/onnx/suggest';
import { mutate } from '../../fuzz/onnx-mutations';
import { onnxSeeds } from '../../fuzz/onnx-seeds';
import { Random } from '../../fuzz/random';
import { addOneModel, convModel, onnxModel, type TestModel } from '../../helpers/onnx-writer';

const io = (
  dtype: 'float32' | 'float64' | 'int64' | 'uint16',
  dims: (number | string)[] = [4],
) => ({
  inputs: [{ name: 'x', dtype, dims }],
  outputs: [{ name: 'y', dtype, dims }],
});

async function examine(model: TestModel) {
  return examineModel(await loadOnnxModel(onnxModel(model)));
}

const relu = { op: 'Relu', inputs: ['x'], outputs: ['y'], name: 'relu' };

describe('what the file alone tells', () => {
  it('a plain float model: nothing', async () => {
    expect(await examineModel(await loadOnnxModel(addOneModel()))).toEqual([]);
  });

  it('float64: how much, where, and what float32 cannot hold', async () => {
    const findings = await examine({
      ...io('float64', [2]),
      nodes: [
        { op: 'Add', inputs: ['x', 'w'], outputs: ['a'] },
        { op: 'Cast', inputs: ['a'], outputs: ['y'], name: 'cast', attributes: { to: { i: 11 } } },
      ],
      initializers: [
        { name: 'w', dtype: 'float64', dims: [2], data: new Float64Array([1, 1e300]) },
        { name: 'v', dtype: 'float64', dims: [1], data: new Float64Array([Number.NaN]) },
      ],
    });
    expect(findings).toEqual([
      {
        kind: 'double',
        severity: 'warning',
        message: expect.stringMatching(
          /2 inputs and outputs, 2 tensors, 1 casts.*float32 for "x", "y".*1 tensors hold values/,
        ),
        nodes: [{ index: 1, name: 'cast', operator: 'Cast' }],
        count: 5,
      },
    ]);
  });

  it('int64 inputs, types that TensorRT lacks, dynamic inputs', async () => {
    expect(await examine({ ...io('int64', ['n', 4]), nodes: [relu] })).toMatchObject([
      { kind: 'dynamic-input', severity: 'info', message: expect.stringContaining('"x" [n, 4]') },
      { kind: 'int64', severity: 'info', count: 2 },
    ]);
    expect(await examine({ ...io('uint16'), nodes: [relu] })).toMatchObject([
      { kind: 'unsupported-type', message: expect.stringContaining('uint16'), count: 2 },
    ]);
  });

  it('data-dependent shapes and control flow, in sub-graphs too', async () => {
    const branch = (name: string) => ({
      nodes: [{ op: 'NonZero', inputs: ['x'], outputs: [name], name: `nz-${name}` }],
      outputs: [{ name, dtype: 'int64' as const, dims: [1, 'n'] }],
    });
    const findings = await examine({
      inputs: [
        { name: 'x', dtype: 'float32', dims: [4] },
        { name: 'c', dtype: 'bool', dims: [] },
      ],
      outputs: [{ name: 'y', dtype: 'int64', dims: [1, 'n'] }],
      nodes: [
        {
          op: 'If',
          inputs: ['c'],
          outputs: ['y'],
          name: 'choose',
          attributes: { then_branch: { g: branch('t') }, else_branch: { g: branch('e') } },
        },
      ],
    });
    expect(findings).toMatchObject([
      { kind: 'control-flow', nodes: [{ index: 0, name: 'choose', operator: 'If' }] },
      {
        kind: 'data-dependent-shape',
        count: 2,
        nodes: [
          { index: undefined, name: 'nz-t' },
          { index: undefined, name: 'nz-e' },
        ],
      },
      { kind: 'int64' },
    ]);
  });

  it('custom operators, Q/DQ, an old operator set', async () => {
    const kinds = async (model: Partial<TestModel>) =>
      (await examine({ ...io('float32'), nodes: [relu], ...model })).map(({ kind }) => kind);
    expect(
      await kinds({
        nodes: [{ ...relu, op: 'Frob', domain: 'com.example' }],
        opsets: { 'com.example': 1 },
      }),
    ).toEqual(['custom-operator']);
    expect(
      await kinds({
        nodes: [{ op: 'QuantizeLinear', inputs: ['x', 's', 'z'], outputs: ['y'] }],
        initializers: [
          { name: 's', dtype: 'float32', dims: [], data: [1] },
          { name: 'z', dtype: 'int8', dims: [], data: [0] },
        ],
      }),
    ).toEqual(['quantized']);
    expect(await kinds({ opset: 8 })).toEqual(['old-opset']);
  });

  it('lists the first nodes of many', async () => {
    const nodes = Array.from({ length: 50 }, (_, i) => ({
      op: 'NonZero',
      inputs: ['x'],
      outputs: [`o${i}`],
    }));
    const [finding] = await examine({ ...io('float32'), nodes: [...nodes, relu] });
    expect(finding).toMatchObject({ kind: 'data-dependent-shape', count: 50 });
    expect(finding!.nodes).toHaveLength(20);
  });
});

describe('suggested options', () => {
  const options = async (bytes: Uint8Array) =>
    suggestOptions(await loadOnnxModel(bytes)).map(({ option }) => option);

  it('follow the input and the weights', async () => {
    expect(await options(convModel())).toEqual(["precision: 'fp16'", 'imageInput']);
    expect(await options(convModel({ batch: 'n' }))).toContain('shapes');
    expect(await options(addOneModel())).toEqual(["precision: 'fp16'"]);
  });

  it('name the head of a detector by its metadata', async () => {
    const model = (names: string) =>
      onnxModel({
        inputs: [{ name: 'images', dtype: 'float32', dims: [1, 3, 8, 8] }],
        outputs: [{ name: 'output0', dtype: 'float32', dims: [1, 6, 84] }],
        nodes: [relu],
        metadata: { task: 'detect', names },
      });
    expect(await options(model("{0: 'can', 1: 'box'}"))).toEqual(['imageInput', 'topK']);
    expect(await options(model("{0: 'can'}"))).toEqual(['imageInput']);
  });
});

describe('mutated models', () => {
  it('are looked into or refused with a code', async () => {
    const random = new Random(11);
    const seeds = onnxSeeds();
    let examined = 0;
    for (let round = 0; round < 1500; round++) {
      const bytes = mutate(random, seeds);
      try {
        const model = await loadOnnxModel(bytes);
        await examineModel(model);
        suggestOptions(model);
        examined++;
      } catch (error) {
        expect(error).toBeInstanceOf(TensorRTNodeError);
        expect((error as TensorRTNodeError).code).not.toBe('ERR_INTERNAL');
      }
    }
    expect(examined).toBeGreaterThan(300);
  });
});
