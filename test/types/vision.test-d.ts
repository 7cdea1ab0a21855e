import { describe, expectTypeOf, it } from 'vitest';
import {
  type BackendName,
  type Detection,
  drawDetections,
  Engine,
  type PredictOptions,
  type Results,
  VisionModel,
} from '../../src';

describe('VisionModel', () => {
  it('gives one result for one picture and an array for several', () => {
    const model = {} as VisionModel;
    expectTypeOf(() => model.predict('a.jpg')).returns.resolves.toEqualTypeOf<Results>();
    expectTypeOf(() => model.predict(['a.jpg'])).returns.resolves.toEqualTypeOf<Results[]>();
    expectTypeOf(() => model.predict(Buffer.alloc(0))).returns.resolves.toEqualTypeOf<Results>();
  });

  it('is made by a factory alone, and is disposable', () => {
    expectTypeOf(VisionModel.load).returns.resolves.toEqualTypeOf<VisionModel>();
    expectTypeOf<VisionModel>().toExtend<AsyncDisposable>();
    expectTypeOf<VisionModel['backend']>().toEqualTypeOf<BackendName>();
  });

  it('takes numbers for thresholds', () => {
    expectTypeOf<{ confidence: 0.5; iou: 0.5; maxDetections: 10 }>().toExtend<PredictOptions>();
    expectTypeOf<{ confidence: string }>().not.toExtend<PredictOptions>();
  });
});

describe('Results', () => {
  it('iterates over detections and holds them as arrays', () => {
    expectTypeOf<Results>().toExtend<Iterable<Detection>>();
    expectTypeOf<Results['boxes']>().toEqualTypeOf<Float32Array>();
    expectTypeOf<Detection['box']>().toExtend<readonly [number, number, number, number]>();
  });

  it('can be drawn', () => {
    expectTypeOf(drawDetections).returns.resolves.toEqualTypeOf<Buffer>();
  });
});

describe('Engine', () => {
  it('is built or loaded', () => {
    expectTypeOf(Engine.build).returns.resolves.toEqualTypeOf<Engine>();
    expectTypeOf(Engine.load).returns.resolves.toEqualTypeOf<Engine>();
    expectTypeOf<Engine>().toExtend<AsyncDisposable>();
  });
});
