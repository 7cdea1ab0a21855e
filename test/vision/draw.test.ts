import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { classColor, drawDetections } from '../../src/vision/draw';
import { Results } from '../../src/vision/results';
import { layOutText } from '../../src/vision/stroke-font';

const grey = { data: new Uint8Array(200 * 150 * 3).fill(90), width: 200, height: 150 };
const resultsOf = (boxes: number[][], names = ['can']) =>
  new Results({
    image: undefined,
    width: 200,
    height: 150,
    backend: 'cpu',
    names,
    boxes: Float32Array.from(boxes.flat()),
    scores: Float32Array.from(boxes, () => 0.9),
    classes: Int32Array.from(boxes, (_, i) => i),
    timings: { decodeMs: 0, preprocessMs: 0, inferenceMs: 0, postprocessMs: 0 },
  });

const pixels = async (encoded: Buffer) => {
  const { data, info } = await sharp(encoded).raw().toBuffer({ resolveWithObject: true });
  return {
    info,
    at: (x: number, y: number) => [
      ...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3),
    ],
  };
};
const rgbOf = (color: string) =>
  [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));

describe('drawing', () => {
  it('leaves the picture alone where nothing was found', async () => {
    const { info, at } = await pixels(await drawDetections(grey, resultsOf([]), { format: 'png' }));
    expect(info).toMatchObject({ width: 200, height: 150, format: 'raw' });
    expect(at(10, 10)).toEqual([90, 90, 90]);
  });

  it('draws boxes in their class colour, and labels that hold letters', async () => {
    const png = await drawDetections(grey, resultsOf([[20, 60, 120, 140]]), {
      format: 'png',
      lineWidth: 3,
    });
    const { at } = await pixels(png);
    expect(at(21, 100)).toEqual(rgbOf(classColor(0)));
    expect(at(70, 100)).toEqual([90, 90, 90]);
    const plate = new Set<string>();
    for (let x = 22; x < 80; x++) for (let y = 50; y < 60; y++) plate.add(at(x, y).join());
    expect(plate.has(rgbOf(classColor(0)).join())).toBe(true);
    expect(plate.size).toBeGreaterThan(3);
    const bare = await pixels(
      await drawDetections(grey, resultsOf([[20, 60, 120, 140]]), { format: 'png', labels: false }),
    );
    expect(bare.at(30, 55)).toEqual([90, 90, 90]);
  });

  it('copes with boxes of no size, boxes at the borders and hostile names', async () => {
    const boxes = [
      [0, 0, 0, 0],
      [199, 149, 200, 150],
      [0, 0, 200, 150],
      [5, 5, 8, 140],
    ];
    const names = ['<svg onload="x">&', 'Käse 漢字', '', 'x'.repeat(500)];
    for (const format of ['jpeg', 'png', 'webp'] as const) {
      const encoded = await drawDetections(grey, resultsOf(boxes, names), { format });
      expect((await sharp(encoded).metadata()).format).toBe(format);
    }
  });

  it('takes every pixel layout', async () => {
    for (const [layout, data] of [
      ['bgr', [10, 20, 30]],
      ['rgba', [30, 20, 10, 0]],
      ['bgra', [10, 20, 30, 0]],
    ] as const) {
      const image = {
        data: Uint8Array.from(
          { length: 200 * 150 * data.length },
          (_, i) => data[i % data.length]!,
        ),
        width: 200,
        height: 150,
        layout,
      };
      const { at } = await pixels(await drawDetections(image, resultsOf([]), { format: 'png' }));
      expect(at(5, 5), layout).toEqual([30, 20, 10]);
    }
  });

  it('refuses another picture and unknown options', async () => {
    const small = { data: new Uint8Array(12), width: 2, height: 2 };
    const bad = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' });
    await expect(drawDetections(small, resultsOf([]))).rejects.toEqual(bad);
    await expect(drawDetections(grey, resultsOf([]), { format: 'bmp' as never })).rejects.toEqual(
      bad,
    );
    await expect(drawDetections(grey, resultsOf([]), { quality: 0 })).rejects.toEqual(bad);
    await expect(drawDetections(grey, resultsOf([]), { color: 'red' } as never)).rejects.toEqual(
      bad,
    );
  });

  it('gives neighbouring classes different colours', () => {
    const colors = Array.from({ length: 80 }, (_, i) => classColor(i));
    expect(new Set(colors).size).toBe(80);
    for (const color of colors) expect(color).toMatch(/^#[0-9a-f]{6}$/);
  });

  it('lays out every printable character, and something for those it does not know', () => {
    const ascii = String.fromCharCode(...Array.from({ length: 94 }, (_, i) => 33 + i));
    expect(layOutText(ascii).segments).toHaveLength(94);
    expect(layOutText('é').segments).toEqual(layOutText('e').segments);
    expect(layOutText('').width).toBe(0);
    expect(layOutText('ab').width).toBeGreaterThan(layOutText('a').width);
  });
});
