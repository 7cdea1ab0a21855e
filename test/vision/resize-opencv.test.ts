import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { native } from '../../src/native/binding';
import { projectRoot } from '../helpers/data';

type Case = [
  sourceWidth: number,
  sourceHeight: number,
  width: number,
  height: number,
  offset: number,
  sha256Start: string,
];

const fixture = JSON.parse(
  readFileSync(path.join(projectRoot, 'test/fixtures/resize/checksums.json'), 'utf8'),
) as { opencv: string; streamBytes: number; cases: Case[] };

/** The stream of make_checksums.py beside the fixture. */
function makeStream(): Uint8Array {
  const stream = new Uint8Array(fixture.streamBytes);
  let x = 1;
  for (let i = 0; i < stream.length; i++) {
    x = (Math.imul(1664525, x) + 1013904223) >>> 0;
    stream[i] = x >>> 24;
  }
  return stream;
}

describe(`resize against checksums made by OpenCV ${fixture.opencv}`, () => {
  it(`gives the same bytes for ${fixture.cases.length} pairs of sizes`, async () => {
    const stream = makeStream();
    const wrong: Case[] = [];
    for (const entry of fixture.cases) {
      const [sourceWidth, sourceHeight, width, height, offset, digest] = entry;
      const data = stream.subarray(offset, offset + 3 * sourceWidth * sourceHeight);
      const target = native().bufferAllocate(3 * width * height);
      await native().letterbox(target, { width, height, format: 'u8-nhwc' }, [
        {
          data,
          width: sourceWidth,
          height: sourceHeight,
          resizedWidth: width,
          resizedHeight: height,
          padLeft: 0,
          padTop: 0,
        },
      ]);
      const bytes = new Uint8Array(native().bufferRead(target));
      native().bufferRelease(target);
      const found = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
      if (found !== digest) wrong.push(entry);
    }
    expect(wrong).toEqual([]);
    expect(fixture.cases.length).toBeGreaterThan(500);
  });
});
