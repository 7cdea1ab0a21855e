import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Session, Tensor, VisionModel } from '../../src';
import { dataPath, hasData } from '../helpers/data';
import { readNpy } from '../helpers/npy';
import { describeWithOpenVino, onOpenVino } from '../helpers/openvino';
import { compareDetections, readGolden } from '../helpers/parity';

const float = { iou: 0.99, score: 0.005, floor: 0.3 };
const half = { iou: 0.98, score: 0.02, floor: 0.3 };
/** bfloat16 keeps 8 bits of a number: boxes move by a pixel or two, scores by some hundredths. */
const bfloat = { iou: 0.85, score: 0.08, floor: 0.4 };

describeWithOpenVino('OpenVINO against the references', () => {
  // Two suites that need something cannot be nested as one, so the data decide here.
  const suite = hasData ? describe : describe.skip;

  suite.each([
    ['yolov8n', 'f32', float],
    ['yolov8p-dyn', 'f32', float],
    ['yolov8p-fp16', 'f32', half],
    ['yolov8n', 'bf16', bfloat],
  ] as const)('predictions of %s in %s', (name, precision, tolerance) => {
    it('equal those of Ultralytics', async () => {
      const golden = readGolden(name);
      const cpu = { ...onOpenVino.cpu, precision };
      await using model = await VisionModel.load(dataPath('models', `${name}.onnx`), {
        ...onOpenVino,
        cpu,
      });
      for (const [file, expected] of Object.entries(golden)) {
        const results = await model.predict(dataPath('images', file));
        const wanted = expected.detections.filter(({ conf }) => conf >= tolerance.floor);
        if (file.includes('shelf_640')) expect(wanted.length).toBeGreaterThan(20);
        expect(compareDetections(expected.detections, results, tolerance), file).toEqual([]);
      }
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
