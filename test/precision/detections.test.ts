import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Session, Tensor, transformModel, VisionModel } from '../../src/index';
import { requireCompiledWorker } from '../helpers/build-process';
import { dataPath, describeWithData } from '../helpers/data';
import { testModels } from '../helpers/models';
import { readNpy } from '../helpers/npy';
import { compareDetections, type GoldenDetection } from '../helpers/parity';

let folder = '';
beforeAll(() => {
  requireCompiledWorker();
  folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-precision-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describeWithData('yolov8n cast to fp16, on the CPU', () => {
  it('finds on every picture what the float32 model finds', async () => {
    const source = dataPath('models', 'yolov8n.onnx');
    const output = path.join(folder, 'yolov8n-fp16.onnx');
    const report = await transformModel(source, { output, precision: 'fp16' });
    expect(report.passes[0]!.facts).toMatchObject({ halfNodes: 222, floatNodes: 11 });
    expect(report.nodesAfter).toBe(report.nodesBefore + 3);
    await using float = await VisionModel.load(source, { backend: 'cpu' });
    await using half = await VisionModel.load(output, { backend: 'cpu' });
    expect(half.names).toEqual(float.names);
    let compared = 0;
    let largestDifference = 0;
    for (const file of readdirSync(dataPath('images')).sort()) {
      const picture = dataPath('images', file);
      const wanted: GoldenDetection[] = [...(await float.predict(picture))].map((found) => ({
        cls: found.class,
        conf: found.score,
        xyxy: [...found.box] as [number, number, number, number],
      }));
      const found = await half.predict(picture);
      const tolerance = { iou: 0.98, score: 0.02, floor: 0.27 };
      expect(compareDetections(wanted, found, tolerance), file).toEqual([]);
      compared += wanted.length;
      [...found].slice(0, 5).forEach(({ score }, i) => {
        largestDifference = Math.max(largestDifference, Math.abs(score - (wanted[i]?.conf ?? 0)));
      });
    }
    expect(compared).toBeGreaterThan(200);
    // Equal to the last bit would mean that nothing was cast.
    expect(largestDifference).toBeGreaterThan(0);
  });
});

describeWithData('every test model cast to fp16, on the CPU', () => {
  // That of yolov8n is proven above.
  const others = testModels.filter(
    ({ name, dtype }) => dtype === 'float32' && name !== 'yolov8n.onnx',
  );
  it.each(others.map(({ name, outputs }) => [name, outputs] as const))(
    '%s runs in ONNX Runtime near its float32 results',
    async (name, outputs) => {
      const { bytes } = await transformModel(dataPath('models', name), { precision: 'fp16' });
      await using before = await Session.create(dataPath('models', name), { backend: 'cpu' });
      await using after = await Session.create(bytes!, { backend: 'cpu' });
      expect(after.metadata).toEqual(before.metadata);
      const size = name.includes('cls') ? 224 : 640;
      const { data, dims } = readNpy(dataPath('raw', `input_1x3x${size}x${size}.npy`));
      const feeds = { images: new Tensor('float32', data as Float32Array, dims) };
      const wanted = await before.run(feeds);
      const found = await after.run(feeds);
      expect(Object.keys(found).sort()).toEqual(Object.keys(outputs).sort());
      for (const [key, tensor] of Object.entries(wanted)) {
        expect(found[key]!.dtype).toBe(tensor.dtype);
        expect(found[key]!.dims).toEqual(tensor.dims);
        const [a, b] = [tensor.data as Float32Array, found[key]!.data as Float32Array];
        if (name.includes('nms')) expect(unmatchedRows(a, b)).toEqual([]);
        else expect(relativeError(a, b)).toBeLessThan(0.02);
      }
    },
  );
});

/** Rows x1 y1 x2 y2 score class over a score of 0.3 that no row of the other list is near to. */
function unmatchedRows(wanted: Float32Array, found: Float32Array): number[][] {
  const rows = (data: Float32Array): number[][] =>
    Array.from({ length: data.length / 6 }, (_, i) => [...data.subarray(6 * i, 6 * i + 6)]);
  const within = [2, 2, 2, 2, 0.02, 0];
  const all = rows(found);
  const strong = rows(wanted).filter((row) => row[4]! > 0.3);
  expect(strong.length).toBeGreaterThan(10);
  return strong.filter(
    (row) => !all.some((other) => row.every((x, i) => Math.abs(x - other[i]!) <= within[i]!)),
  );
}

/** Root of the mean squared difference over that of the mean square. */
function relativeError(wanted: Float32Array, found: Float32Array): number {
  let difference = 0;
  let power = 0;
  for (let i = 0; i < wanted.length; i++) {
    difference += (wanted[i]! - found[i]!) ** 2;
    power += wanted[i]! ** 2;
  }
  return Math.sqrt(difference / Math.max(power, 1e-12));
}
