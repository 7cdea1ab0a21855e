import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { decodeImage } from '../../src/vision/image';
import { dataPath, describeWithData } from '../helpers/data';

interface Golden {
  images: Record<string, { orig_shape_hw: [number, number]; decoded_bgr_sha256: string }>;
}

describeWithData('decoded pixels', () => {
  const golden = JSON.parse(readFileSync(dataPath('golden', 'yolov8n.json'), 'utf8')) as Golden;

  it.each(Object.keys(golden.images))('of %s are those that OpenCV decodes', async (name) => {
    const expected = golden.images[name]!;
    const image = await decodeImage(dataPath('images', name));
    expect([image.height, image.width]).toEqual(expected.orig_shape_hw);
    expect(image.layout).toBe('rgb');
    const bgr = Buffer.from(image.data);
    for (let i = 0; i < bgr.length; i += 3) {
      const red = bgr[i]!;
      bgr[i] = bgr[i + 2]!;
      bgr[i + 2] = red;
    }
    expect(createHash('sha256').update(bgr).digest('hex')).toBe(expected.decoded_bgr_sha256);
  });
});
