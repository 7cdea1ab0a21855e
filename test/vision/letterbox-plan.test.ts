import { describe, expect, it } from 'vitest';
import { boxMapping, planLetterbox, roundHalfEven } from '../../src/vision/letterbox';

describe('roundHalfEven', () => {
  it('rounds as Python does', () => {
    const pairs = [0.5, 1.5, 2.5, 3.4999, 3.5001, 0, -0.1, -0.5, -1.5, -2.5, 479.5, 480.5];
    expect(pairs.map((value) => roundHalfEven(value) + 0)).toEqual([
      0, 2, 2, 3, 4, 0, 0, 0, -2, -2, 480, 480,
    ]);
  });
});

describe('planLetterbox', () => {
  const square = { width: 640, height: 640 };

  it('centres, shrinks and enlarges', () => {
    expect(planLetterbox({ width: 1920, height: 1080 }, square)).toEqual({
      canvasWidth: 640,
      canvasHeight: 640,
      resizedWidth: 640,
      resizedHeight: 360,
      padLeft: 0,
      padTop: 140,
      padRight: 0,
      padBottom: 140,
      gainX: 640 / 1920,
      gainY: 360 / 1080,
    });
    expect(planLetterbox({ width: 17, height: 31 }, square)).toMatchObject({
      resizedWidth: 351,
      resizedHeight: 640,
      padLeft: 144,
      padRight: 145,
      gainX: 351 / 17,
      gainY: 640 / 31,
    });
  });

  it('keeps very thin pictures at least one pixel wide', () => {
    expect(planLetterbox({ width: 1, height: 100_000 }, square)).toMatchObject({
      resizedWidth: 1,
      resizedHeight: 640,
      padLeft: 319,
      padRight: 320,
    });
  });

  it('cuts the border to a multiple of the stride when minimal', () => {
    const plan = planLetterbox({ width: 1333, height: 801 }, square, { minimal: true });
    expect(plan).toMatchObject({ canvasWidth: 640, canvasHeight: 416, resizedHeight: 385 });
    expect([plan.padTop, plan.padBottom]).toEqual([15, 16]);
  });

  it('gives for every size a picture that lies on its canvas', () => {
    for (let width = 1; width < 900; width += 13) {
      for (let height = 1; height < 900; height += 17) {
        for (const minimal of [false, true]) {
          const plan = planLetterbox({ width, height }, { width: 416, height: 640 }, { minimal });
          expect(plan.padLeft + plan.resizedWidth + plan.padRight).toBe(plan.canvasWidth);
          expect(plan.padTop + plan.resizedHeight + plan.padBottom).toBe(plan.canvasHeight);
          expect(plan.padRight - plan.padLeft).toBeOneOf([0, 1]);
          expect(plan.padBottom - plan.padTop).toBeOneOf([0, 1]);
        }
      }
    }
  });

  it('refuses sizes that are no positive integers', () => {
    const bad = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' });
    for (const side of [0, -1, 1.5, Number.NaN, 2 ** 21, '640' as never]) {
      expect(() => planLetterbox({ width: side, height: 5 }, square)).toThrow(bad);
      expect(() => planLetterbox({ width: 5, height: side }, square)).toThrow(bad);
      expect(() => planLetterbox(square, { width: side, height: 5 })).toThrow(bad);
      expect(() => planLetterbox(square, square, { stride: side })).toThrow(bad);
    }
  });
});

describe('boxMapping', () => {
  it('holds the smaller padding and the gain of each axis', () => {
    const image = { width: 17, height: 31 };
    expect(boxMapping(image, planLetterbox(image, { width: 640, height: 640 }))).toEqual({
      padX: 144,
      padY: 0,
      gainX: 351 / 17,
      gainY: 640 / 31,
      width: 17,
      height: 31,
    });
  });
});
