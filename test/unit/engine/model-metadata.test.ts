import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readModelMetadata } from '../../../src/engine/model-metadata';
import { readOnnxModel } from '../../../src/onnx/model';
import { parseYoloMetadata } from '../../../src/onnx/yolo-metadata';
import { addOneModel } from '../../helpers/onnx-writer';

const folder = mkdtempSync(path.join(tmpdir(), 'model-metadata-'));
const file = path.join(folder, 'm.onnx');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('turns the literals of Ultralytics into JSON values and keeps other texts', async () => {
  const texts = {
    names: "{0: 'can', 1: \"it's\"}",
    imgsz: '[640, 480]',
    stride: '32',
    task: 'detect',
    version: '8.4',
    args: "{'nms': None, 'half': True}",
    kpt_shape: 'no literal',
  };
  writeFileSync(file, addOneModel([1], { metadata: texts }));
  const metadata = await readModelMetadata(readOnnxModel(file));
  expect(metadata).toEqual({
    names: { 0: 'can', 1: "it's" },
    imgsz: [640, 480],
    stride: 32,
    task: 'detect',
    version: '8.4',
    args: { nms: null, half: true },
    kpt_shape: 'no literal',
  });
  const json = Object.fromEntries(
    Object.entries(metadata).map(([key, value]) => [
      key,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
  expect(parseYoloMetadata(json)).toEqual(parseYoloMetadata(texts));
});

it('gives nothing for a file that is no model', async () => {
  writeFileSync(file, 'no model');
  expect(await readModelMetadata(readOnnxModel(file))).toEqual({});
  expect(await readModelMetadata(readOnnxModel(path.join(folder, 'absent.onnx')))).toEqual({});
});
