import { describe, expect, it } from 'vitest';
import { native } from '../../src/native/binding';
import type { LetterboxImage, Yolov8DecodeOptions } from '../../src/native/vision-contract';

const badArgument = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' });
const canvas = { width: 4, height: 4, format: 'u8-nhwc' } as const;
const bytes = 4 * 4 * 3;

const image = (changes: Partial<LetterboxImage> = {}): LetterboxImage => ({
  data: new Uint8Array(2 * 2 * 3).fill(200),
  width: 2,
  height: 2,
  resizedWidth: 4,
  resizedHeight: 2,
  padLeft: 0,
  padTop: 1,
  ...changes,
});

describe('letterbox', () => {
  it('fills the border and keeps to its slot of the target', async () => {
    const addon = native();
    const target = addon.bufferAllocate(3 * bytes);
    addon.bufferWrite(target, new Uint8Array(3 * bytes).fill(1));
    await addon.letterbox(target, { ...canvas, fill: 7 }, [image({ targetOffset: bytes })]);
    const found = [...new Uint8Array(addon.bufferRead(target))];
    const row = (value: number) => Array<number>(12).fill(value);
    expect(found.slice(bytes, 2 * bytes)).toEqual([...row(7), ...row(200), ...row(200), ...row(7)]);
    expect(found.slice(0, bytes).concat(found.slice(2 * bytes))).toEqual(Array(2 * bytes).fill(1));
  });

  it('copies views that are not lent, so that changing them later does no harm', async () => {
    const addon = native();
    const target = addon.bufferAllocate(bytes);
    const data = new Uint8Array(12).fill(50);
    const done = addon.letterbox(target, canvas, [image({ data, resizedHeight: 4, padTop: 0 })]);
    data.fill(0);
    structuredClone(data.buffer, { transfer: [data.buffer] });
    await done;
    expect(new Uint8Array(addon.bufferRead(target))).toEqual(new Uint8Array(bytes).fill(50));
  });

  it('lets buffers be released and collected while it runs', async () => {
    const addon = native();
    const target = addon.bufferAllocate(640 * 640 * 3);
    const source = addon.bufferAllocate(1000 * 1000 * 3);
    const big = { ...canvas, width: 640, height: 640 };
    const plan = { width: 1000, height: 1000, resizedWidth: 640, resizedHeight: 640, padTop: 0 };
    const runs = [source, new Uint8Array(3_000_000)].map((data) =>
      addon.letterbox(target, big, [image({ ...plan, data, lent: true })]),
    );
    addon.bufferRelease(source);
    addon.bufferRelease(target);
    await Promise.all(runs);
    expect(() => addon.bufferRead(target)).toThrow(
      expect.objectContaining({ code: 'ERR_DISPOSED' }),
    );
  });

  it('does nothing for no images', async () => {
    await native().letterbox(native().bufferAllocate(0), canvas, []);
  });

  it.each<[string, Partial<LetterboxImage>]>([
    ['too few pixels', { data: new Uint8Array(11) }],
    ['a detached array', { data: detached() }],
    ['shared memory', { data: new Uint8Array(new SharedArrayBuffer(12)) }],
    ['no data', { data: undefined as never }],
    ['a width of 0', { width: 0 }],
    ['a huge width', { width: 2 ** 40 }],
    ['a huge height', { height: Number.MAX_SAFE_INTEGER }],
    ['a fractional height', { height: 1.5 }],
    ['a stride below a row', { strideBytes: 5 }],
    ['a stride past the data', { strideBytes: 7 }],
    ['a huge stride', { strideBytes: Number.MAX_SAFE_INTEGER }],
    ['an unknown layout', { layout: 'cmyk' as never }],
    ['more channels than data', { layout: 'rgba' }],
    ['a picture beside the canvas', { padLeft: 1 }],
    ['a picture larger than the canvas', { resizedWidth: 5 }],
    ['a target past the end', { targetOffset: bytes + 1 }],
    ['a huge target offset', { targetOffset: Number.MAX_SAFE_INTEGER }],
    ['a negative padding', { padTop: -1 }],
  ])('refuses %s', (_, changes) => {
    const target = native().bufferAllocate(2 * bytes);
    expect(() => native().letterbox(target, canvas, [image(changes)])).toThrow(badArgument);
  });

  it('refuses overlapping slots, odd float offsets, bad canvases and foreign targets', () => {
    const addon = native();
    const target = addon.bufferAllocate(8 * bytes);
    const overlapping = [image(), image({ targetOffset: bytes - 1 })];
    expect(() => addon.letterbox(target, canvas, overlapping)).toThrow(badArgument);
    const float = { ...canvas, format: 'f32-nchw' } as const;
    expect(() => addon.letterbox(target, float, [image({ targetOffset: 2 })])).toThrow(badArgument);
    for (const bad of [
      { ...canvas, width: 0 },
      { ...canvas, height: 70_000 },
      { ...canvas, format: 'u8' as never },
      { ...canvas, fill: 256 },
      undefined as never,
    ]) {
      expect(() => addon.letterbox(target, bad, [image()])).toThrow(badArgument);
    }
    expect(() => addon.letterbox({} as never, canvas, [image()])).toThrow(badArgument);
    expect(() => addon.letterbox(target, canvas, {} as never)).toThrow(badArgument);
  });
});

function detached(): Uint8Array {
  const array = new Uint8Array(12);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
}

describe('decodeYolov8', () => {
  const mapping = { padX: 0, padY: 0, gainX: 1, gainY: 1, width: 100, height: 100 };
  const options = (changes: Partial<Yolov8DecodeOptions> = {}): Yolov8DecodeOptions => ({
    dtype: 'float32',
    channels: 6,
    anchors: 2,
    classCount: 2,
    confidence: 0.25,
    iou: 0.7,
    maxDetections: 300,
    images: [mapping],
    ...changes,
  });
  // Rows cx, cy, w, h, class 0, class 1 of two anchors.
  const one = [50, 20, 50, 20, 10, 20, 10, 20, 0.1, 0.6, 0.9, 0.2];

  it('decodes each picture of a batch, from a view or a buffer at an offset', async () => {
    const addon = native();
    const data = new Float32Array([...one, ...one.map((value, i) => (i >= 8 ? 0 : value))]);
    const buffer = addon.bufferAllocate(data.byteLength + 8);
    addon.bufferWrite(buffer, data, 8);
    for (const found of [
      await addon.decodeYolov8(data, options({ images: [mapping, mapping] })),
      await addon.decodeYolov8(data, options({ images: [mapping, mapping], lent: true })),
      await addon.decodeYolov8(buffer, options({ images: [mapping, mapping], byteOffset: 8 })),
    ]) {
      expect(found).toEqual([
        {
          boxes: new Float32Array([45, 45, 55, 55, 10, 10, 30, 30]),
          scores: new Float32Array([0.9, 0.6]),
          classes: new Int32Array([1, 0]),
          anchors: new Int32Array([0, 1]),
          candidates: 2,
          truncated: false,
          nativeMs: expect.any(Number),
        },
        {
          boxes: new Float32Array(0),
          scores: new Float32Array(0),
          classes: new Int32Array(0),
          anchors: new Int32Array(0),
          candidates: 0,
          truncated: false,
          nativeMs: expect.any(Number),
        },
      ]);
    }
  });

  it('keeps the wanted classes and the wanted number', async () => {
    const data = new Float32Array(one);
    const [only] = await native().decodeYolov8(data, options({ classes: [0] }));
    expect([...only!.anchors]).toEqual([1]);
    const [first] = await native().decodeYolov8(data, options({ maxDetections: 1 }));
    expect([...first!.anchors]).toEqual([0]);
    const [none] = await native().decodeYolov8(data, options({ maxDetections: 0 }));
    expect(none!.scores.length).toBe(0);
    expect(none!.candidates).toBe(2);
  });

  it('skips rows of other tasks', async () => {
    const data = new Float32Array([...one, 1, 1, 1, 1]);
    const [found] = await native().decodeYolov8(data, options({ channels: 8 }));
    expect([...found!.classes]).toEqual([1, 0]);
  });

  it.each<[string, Partial<Yolov8DecodeOptions>]>([
    ['too few bytes', { anchors: 3 }],
    ['more images than data', { images: [mapping, mapping] }],
    ['a huge number of anchors', { anchors: Number.MAX_SAFE_INTEGER }],
    ['a huge number of channels', { channels: 2 ** 40, classCount: 2 ** 40 - 4 }],
    ['more classes than rows', { classCount: 3 }],
    ['no classes', { classCount: 0 }],
    ['an offset past the end', { byteOffset: 49 }],
    ['an unaligned offset', { byteOffset: 2, anchors: 1 }],
    ['another dtype', { dtype: 'int8' as never }],
    ['a confidence above 1', { confidence: 1.1 }],
    ['a NaN confidence', { confidence: Number.NaN }],
    ['a negative IoU', { iou: -0.1 }],
    ['a gain of 0', { images: [{ ...mapping, gainX: 0 }] }],
    ['an infinite padding', { images: [{ ...mapping, padX: Number.POSITIVE_INFINITY }] }],
    ['a class out of range', { classes: [2] }],
    ['no images', { images: undefined as never }],
  ])('refuses %s', (_, changes) => {
    expect(() => native().decodeYolov8(new Float32Array(one), options(changes))).toThrow(
      badArgument,
    );
  });
});
