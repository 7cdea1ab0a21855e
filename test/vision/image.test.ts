import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeImage } from '../../src/vision/image';

const code = (name: string) => expect.objectContaining({ code: name });

/** Two pixels wide, one high: red, blue. */
const twoPixels = () =>
  sharp(Buffer.from([250, 10, 20, 5, 15, 240]), { raw: { width: 2, height: 1, channels: 3 } });

function crc32(bytes: Buffer): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

/** A PNG of a few bytes whose header claims `width` x `height` pixels. */
function claimingPng(width: number, height: number): Buffer {
  const chunk = (type: string, body: Buffer) => {
    const out = Buffer.concat([Buffer.alloc(4), Buffer.from(type), body, Buffer.alloc(4)]);
    out.writeUInt32BE(body.length, 0);
    out.writeUInt32BE(crc32(out.subarray(4, 8 + body.length)), 8 + body.length);
    return out;
  };
  const header = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0]);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(1000))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

describe('decoding a picture', () => {
  let folder = '';
  const file = (name: string, content: Buffer | string) => {
    const target = path.join(folder, name);
    writeFileSync(target, content);
    return target;
  };
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'tn-image-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('takes a path, a file URL, bytes and an ArrayBuffer alike', async () => {
    const png = await twoPixels().png().toBuffer();
    const target = file('a.png', png);
    const copy = png.buffer.slice(png.byteOffset, png.byteOffset + png.byteLength) as ArrayBuffer;
    for (const source of [target, pathToFileURL(target), new Uint8Array(png), copy]) {
      const image = await decodeImage(source);
      expect([...image.data]).toEqual([250, 10, 20, 5, 15, 240]);
      expect(image).toMatchObject({
        width: 2,
        height: 1,
        layout: 'rgb',
        strideBytes: 6,
        owned: true,
      });
    }
  });

  it('drops alpha without compositing and keeps the high byte of 16-bit samples', async () => {
    const rgba = sharp(Buffer.from([200, 100, 50, 0]), {
      raw: { width: 1, height: 1, channels: 4 },
    });
    expect([...(await decodeImage(await rgba.png().toBuffer())).data]).toEqual([200, 100, 50]);
    const deep = sharp(Uint16Array.from([0x12ff, 0x80ff, 0xfeff]), {
      raw: { width: 1, height: 1, channels: 3 },
    });
    const png = await deep.toColourspace('rgb16').png().toBuffer();
    expect((await sharp(png).metadata()).depth).toBe('ushort');
    expect([...(await decodeImage(png)).data]).toEqual([0x12, 0x80, 0xfe]);
  });

  it('turns grey to RGB, and CMYK to 8-bit RGB of the right size', async () => {
    const grey = sharp(Buffer.from([7, 9]), { raw: { width: 2, height: 1, channels: 1 } });
    const image = await decodeImage(await grey.toColourspace('b-w').png().toBuffer());
    expect([...image.data]).toEqual([7, 7, 7, 9, 9, 9]);
    const cmyk = await twoPixels().resize(16, 8).toColourspace('cmyk').jpeg().toBuffer();
    expect((await sharp(cmyk).metadata()).space).toBe('cmyk');
    const decoded = await decodeImage(cmyk);
    expect(decoded).toMatchObject({ width: 16, height: 8, layout: 'rgb' });
    expect(decoded.data.length).toBe(16 * 8 * 3);
  });

  it('turns the picture upright', async () => {
    const jpeg = await twoPixels().withMetadata({ orientation: 6 }).jpeg().toBuffer();
    expect(await decodeImage(jpeg)).toMatchObject({ width: 1, height: 2 });
  });

  it('refuses what is no picture, in one sentence that names it', async () => {
    const whole = await sharp({ create: { width: 64, height: 64, channels: 3, background: 'red' } })
      .jpeg()
      .toBuffer();
    const cases: [string, Buffer | string, RegExp][] = [
      ['empty.jpg', '', /empty\.jpg is empty/],
      ['text.jpg', 'hello', /text\.jpg cannot be decoded/],
      [
        'random.png',
        Buffer.from(Array.from({ length: 500 }, (_, i) => (i * 97) % 256)),
        /cannot be decoded/,
      ],
      ['cut.jpg', whole.subarray(0, whole.length / 2), /cannot be decoded/],
      ['head.png', (await twoPixels().png().toBuffer()).subarray(0, 20), /cannot be decoded/],
      ['huge.png', claimingPng(30_000, 30_000), /at most 134217728 pixels.*maxPixels/],
    ];
    for (const [name, content, message] of cases) {
      const target = file(name, content);
      const error = await decodeImage(target).catch((thrown: unknown) => thrown);
      expect(error, name).toEqual(code('ERR_INVALID_IMAGE'));
      expect((error as Error).message, name).toMatch(message);
      expect((error as Error).message, name).toContain(name);
      expect((error as Error).message, name).not.toContain('\n');
      if (content.length > 0) {
        await expect(decodeImage(Buffer.from(content)), name).rejects.toEqual(
          code('ERR_INVALID_IMAGE'),
        );
      }
    }
    await expect(decodeImage(Buffer.alloc(0))).rejects.toThrow(/is empty/);
    await expect(decodeImage(Buffer.from('hello'))).rejects.toThrow(
      /^The picture cannot be decoded/,
    );
  });

  it('tells a missing file and a directory from a bad picture', async () => {
    await expect(decodeImage(path.join(folder, 'none.jpg'))).rejects.toThrow(
      /none\.jpg does not exist/,
    );
    await expect(decodeImage(folder)).rejects.toThrow(/is a directory/);
    await expect(decodeImage(folder)).rejects.toEqual(code('ERR_IO'));
  });

  it('refuses more pixels than it is told to accept', async () => {
    const png = await twoPixels().png().toBuffer();
    await expect(decodeImage(png, 'it', { maxPixels: 1 })).rejects.toThrow(
      /at most 1 pixels but it has more/,
    );
  });

  it('checks raw pixels and keeps their stride', async () => {
    const raw = {
      data: new Uint8Array(20),
      width: 2,
      height: 2,
      layout: 'bgr',
      strideBytes: 10,
    } as const;
    expect(await decodeImage(raw)).toMatchObject({ layout: 'bgr', strideBytes: 10, owned: false });
    const bad: unknown[] = [
      { ...raw, data: new Uint8Array(15) },
      { ...raw, width: 0 },
      { ...raw, height: 1.5 },
      { ...raw, layout: 'yuv' },
      { ...raw, strideBytes: 5 },
      { ...raw, data: [1, 2, 3] },
      { ...raw, colour: 1 },
      null,
      7,
      '',
      new URL('http://localhost/a.jpg'),
      {},
    ];
    for (const source of bad) {
      await expect(decodeImage(source as never)).rejects.toEqual(code('ERR_INVALID_ARGUMENT'));
    }
  });
});
