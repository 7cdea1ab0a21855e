import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Session, Tensor, VisionModel } from '../../src';
import { dataPath, hasData } from '../helpers/data';
import { readNpy } from '../helpers/npy';
import { describeWithOpenVino, onOpenVino } from '../helpers/openvino';
import { compareDetections, readGolden } from '../helpers/parity';

const float = { iou: 0.99, score: 0.005, floor: 0.3 };
/** The reference rounds after every operator; OpenVINO computes a half model in float32. */
const half = { iou: 0.93, score: 0.02, floor: 0.3 };
/** bfloat16 keeps 8 bits of a number: every object is found, and few differ by more than `usual`. */
const bfloat = { iou: 0.75, score: 0.16, floor: 0.5 };
const usual = { iou: 0.9, score: 0.05, floor: 0.5 };

describeWithOpenVino('OpenVINO against the references', () => {
  // Two suites that need something cannot be nested as one, so the data decide here.
  const suite = hasData ? describe : describe.skip;

  suite.each([
    ['yolov8n', float],
    ['yolov8p-dyn', float],
    ['yolov8p-fp16', half],
  ] as const)('predictions of %s', (name, tolerance) => {
    it('equal those of Ultralytics', async () => {
      const golden = readGolden(name);
      await using model = await VisionModel.load(dataPath('models', `${name}.onnx`), onOpenVino);
      for (const [file, expected] of Object.entries(golden)) {
        const results = await model.predict(dataPath('images', file));
        const wanted = expected.detections.filter(({ conf }) => conf >= tolerance.floor);
        if (file.includes('shelf_640')) expect(wanted.length).toBeGreaterThan(20);
        expect(compareDetections(expected.detections, results, tolerance), file).toEqual([]);
      }
    });
  });

  suite('predictions of yolov8n in bfloat16', () => {
    it('find the objects that Ultralytics finds in float32, most of them alike', async () => {
      const cpu = { ...onOpenVino.cpu, precision: 'bf16' } as const;
      await using model = await VisionModel.load(dataPath('models', 'yolov8n.onnx'), {
        ...onOpenVino,
        cpu,
      });
      let wanted = 0;
      let unusual = 0;
      for (const [file, { detections }] of Object.entries(readGolden('yolov8n'))) {
        const results = await model.predict(dataPath('images', file));
        expect(compareDetections(detections, results, bfloat), file).toEqual([]);
        wanted += detections.filter(({ conf }) => conf >= usual.floor).length;
        unusual += compareDetections(detections, results, usual).length;
      }
      expect(wanted).toBeGreaterThan(100);
      expect(unusual / wanted).toBeLessThan(0.1);
    });
  });

  suite('raw outputs', () => {
    it('of every float32 model equal those of ONNX Runtime', async () => {
      const { pairs } = JSON.parse(readFileSync(dataPath('raw', 'pairs.json'), 'utf8')) as {
        pairs: {
          model: string;
          input: string;
          input_name: string;
          input_type: string;
          outputs: Record<string, { file: string; shape: number[] }>;
        }[];
      };
      const float32 = pairs.filter(({ model }) => !/fp16/.test(model));
      expect(float32.length).toBeGreaterThanOrEqual(6);
      for (const pair of float32) {
        await using session = await Session.create(dataPath('models', pair.model), onOpenVino);
        const input = readNpy(dataPath('raw', pair.input));
        const feed = new Tensor('float32', input.data as Float32Array, input.dims);
        const results = await session.run({ [pair.input_name]: feed });
        for (const [name, { file, shape }] of Object.entries(pair.outputs)) {
          expect(results[name]!.dims).toEqual(shape);
          const wanted = readNpy(dataPath('raw', file)).data as Float32Array;
          const got = results[name]!.toFloat32();
          let worst = 0;
          for (let i = 0; i < wanted.length; i++) {
            const limit = 5e-4 + 2e-4 * Math.abs(wanted[i]!);
            worst = Math.max(worst, Math.abs(got[i]! - wanted[i]!) / limit);
          }
          expect(worst, `${pair.model} ${name}, in units of the tolerance`).toBeLessThan(1);
        }
      }
    });
  });
});
