import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { chooseHead } from '../../src/vision/heads/choose';
import { boxMapping, planLetterbox } from '../../src/vision/letterbox';
import { dataPath, describeWithData } from '../helpers/data';
import { readNpy } from '../helpers/npy';

interface Detection {
  cls: number;
  conf: number;
  xyxy: [number, number, number, number];
}
interface Golden {
  images: Record<
    string,
    { orig_shape_hw: [number, number]; candidates_over_conf: number; detections: Detection[] }
  >;
}

const image = 'o02_shelf_1333x801.jpg';

describeWithData('yolov8 decoding of recorded outputs against the reference detections', () => {
  // The reference computes the corners of float16 outputs in float16, whose step is 0.5 at 512 pixels.
  it.each([
    ['yolov8n', 5, 1e-4, 1e-2],
    ['yolov5pu', 5, 1e-4, 1e-2],
    ['yolov8p-fp16', 5, 5e-3, 0.5],
    ['yolov8p-fp16io', 5, 5e-3, 1],
  ])('%s', async (model, classCount, scoreTolerance, pixelTolerance) => {
    const golden = JSON.parse(readFileSync(dataPath('golden', `${model}.json`), 'utf8')) as Golden;
    const { orig_shape_hw, candidates_over_conf, detections } = golden.images[image]!;
    const output = readNpy(dataPath('raw', `${model}.output0.npy`));
    const [height, width] = orig_shape_hw;
    const size = { width, height };
    const mapping = boxMapping(size, planLetterbox(size, { width: 640, height: 640 }));
    const head = chooseHead({
      outputs: [
        {
          name: 'output0',
          dims: output.dims,
          dtype: output.descr === '<f2' ? 'float16' : 'float32',
        },
      ],
      task: 'detect',
      classCount,
    });
    const [found] = await head.decode([output], [mapping], {
      confidence: 0.25,
      iou: 0.7,
      maxDetections: 300,
    });
    expect(found!.candidates).toBe(candidates_over_conf);
    expect([...found!.classes]).toEqual(detections.map(({ cls }) => cls));
    detections.forEach(({ conf, xyxy }, i) => {
      expect(Math.abs(found!.scores[i]! - conf)).toBeLessThan(scoreTolerance);
      xyxy.forEach((value, k) => {
        expect(Math.abs(found!.boxes[4 * i + k]! - value)).toBeLessThan(pixelTolerance);
      });
    });
  });
});
