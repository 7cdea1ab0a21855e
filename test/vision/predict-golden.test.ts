import { afterAll, beforeAll, expect, it } from 'vitest';
import { VisionModel } from '../../src/vision/model';
import { dataPath, describeWithData } from '../helpers/data';
import { compareDetections, readGolden } from '../helpers/parity';

const float = { iou: 0.99, score: 0.005, floor: 0.3 };
const half = { iou: 0.98, score: 0.02, floor: 0.3 };

describeWithData.each([
  ['yolov8n', float],
  ['yolov8p-dyn', float],
  ['yolov8p-fp16', half],
  ['yolov8p-fp16io', half],
] as const)('predictions of %s on the CPU', (name, tolerance) => {
  const golden = readGolden(name);
  let model: VisionModel;
  beforeAll(async () => {
    model = await VisionModel.load(dataPath('models', `${name}.onnx`), { backend: 'cpu' });
  });
  afterAll(() => model.dispose());

  it.each(Object.entries(golden))('equal those of Ultralytics on %s', async (file, expected) => {
    const results = await model.predict(dataPath('images', file));
    expect([results.height, results.width]).toEqual(expected.orig_shape_hw);
    const wanted = expected.detections.filter(({ conf }) => conf >= tolerance.floor);
    if (file.includes('shelf_640')) expect(wanted.length).toBeGreaterThan(20);
    expect(compareDetections(expected.detections, results, tolerance)).toEqual([]);
  });

  it('come out alike for all pictures at once', async () => {
    const files = Object.keys(golden);
    const all = await model.predict(files.map((file) => dataPath('images', file)));
    for (const [i, file] of files.entries()) {
      expect(all[i]!.image).toBe(dataPath('images', file));
      expect(compareDetections(golden[file]!.detections, all[i]!, tolerance)).toEqual([]);
    }
  });
});
