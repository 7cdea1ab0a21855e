import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildingMachine, modelPlugins } from '../../../src/engine/model-facts';
import { native } from '../../../src/native/binding';
import { readOnnxModel } from '../../../src/onnx/model';
import { onnxModel, type TestNode } from '../../helpers/onnx-writer';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

function fileOf(...nodes: TestNode[]): string {
  const file = path.join(folder, 'model.onnx');
  writeFileSync(
    file,
    onnxModel({
      nodes,
      opsets: { 'com.example': 1, 'ai.onnx.ml': 3 },
      inputs: [{ name: 'x', dtype: 'float32', dims: [4] }],
      outputs: [{ name: 'y', dtype: 'float32', dims: [4] }],
    }),
  );
  return file;
}
const node = (op: string, domain = ''): TestNode => ({
  op,
  domain,
  inputs: ['x'],
  outputs: ['y'],
});

describe('operators that need a plug-in', () => {
  it.each<[TestNode[], string[]]>([
    [[node('Relu')], []],
    [[node('EfficientNMS_TRT')], ['EfficientNMS_TRT']],
    [
      [node('Own', 'com.example'), node('Scaler', 'ai.onnx.ml')],
      ['ai.onnx.ml.Scaler', 'com.example.Own'],
    ],
  ])('%j: %j', async (nodes, plugins) => {
    // One output each: a name may be written once.
    const named = nodes.map((item, i) => ({ ...item, outputs: [i === 0 ? 'y' : `y${i}`] }));
    expect(await modelPlugins(readOnnxModel(fileOf(...named)))).toEqual(plugins);
  });

  it('are none of a file that cannot be read: the parser says what is wrong with it', async () => {
    expect(await modelPlugins(readOnnxModel(path.join(folder, 'none.onnx')))).toEqual([]);
    writeFileSync(path.join(folder, 'bad.onnx'), 'no model');
    expect(await modelPlugins(readOnnxModel(path.join(folder, 'bad.onnx')))).toEqual([]);
  });
});

describe('the machine that builds', () => {
  it('is remembered with its GPU and driver, where it has them', async () => {
    const probe = vi.spyOn(native(), 'cudaProbe');
    probe.mockResolvedValue({
      cudaVersion: '12.4',
      devices: [{ name: 'NVIDIA L4', computeCapability: '8.9', ordinal: 0 } as never],
    });
    const platform = `${process.platform}-${process.arch}`;
    expect(await buildingMachine()).toEqual({
      platform,
      cudaVersion: '12.4',
      device: { name: 'NVIDIA L4', computeCapability: '8.9' },
    });
    probe.mockResolvedValue({ devices: [], reason: 'none' });
    expect(await buildingMachine()).toEqual({ platform });
    probe.mockRejectedValue(new Error('no memory'));
    expect(await buildingMachine()).toEqual({ platform });
  });
});
