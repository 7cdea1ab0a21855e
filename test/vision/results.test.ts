import { describe, expect, it } from 'vitest';
import { Results } from '../../src/vision/results';

const results = new Results({
  image: 'a.jpg',
  width: 100,
  height: 50,
  backend: 'cpu',
  names: ['can', 'jar'],
  boxes: Float32Array.of(1, 2, 3.005, 4, 10, 20, 30, 40, 0, 0, 1, 1),
  scores: Float32Array.of(0.9, 0.8, 0.123456),
  classes: Int32Array.of(1, 0, 7),
  timings: { decodeMs: 1.23456, preprocessMs: 0, inferenceMs: 2, postprocessMs: 3 },
});

describe('results', () => {
  it('can be walked item by item', () => {
    expect(results.length).toBe(3);
    expect([...results].map(({ label }) => label)).toEqual(['jar', 'can', 'class7']);
    expect(results.at(1)).toEqual({
      box: [10, 20, 30, 40],
      score: Math.fround(0.8),
      class: 0,
      label: 'can',
    });
    expect(results.at(-1)).toMatchObject({ class: 7 });
    expect(results.at(3)).toBeUndefined();
    expect(results.at(-4)).toBeUndefined();
  });

  it('count and filter by label', () => {
    expect(results.counts()).toEqual({ jar: 1, can: 1, class7: 1 });
    const good = results.filter(({ score }) => score > 0.5);
    expect([...good].map(({ box }) => box[0])).toEqual([1, 10]);
    expect(good).toMatchObject({ image: 'a.jpg', width: 100, backend: 'cpu' });
    expect(results.filter(() => false).length).toBe(0);
  });

  it('become JSON with rounded numbers', () => {
    const json = JSON.parse(JSON.stringify(results));
    expect(Object.keys(json)).toEqual([
      'image',
      'width',
      'height',
      'backend',
      'detections',
      'timings',
    ]);
    expect(json.detections[0]).toEqual({
      box: [1, 2, 3, 4].map((v, i) => (i === 2 ? 3.01 : v)),
      score: 0.9,
      class: 1,
      label: 'jar',
    });
    expect(json.detections[2].score).toBe(0.12346);
    expect(json.timings.decodeMs).toBe(1.23);
  });
});
