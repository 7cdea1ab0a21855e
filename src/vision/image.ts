import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { TensorRTNodeError } from '../errors';
import { availableCores } from '../session/cpu-budget';
import {
  describe,
  invalidArgument,
  invalidValue,
  reading,
  requireInteger,
  requireKnownKeys,
  requireOneOf,
} from '../validate';
import { maxImageSide } from './letterbox';
import { Limiter } from './limiter';
import { loadSharp } from './sharp-loader';

/** Samples of one pixel, in order. Alpha is dropped, never composited. */
export type PixelLayout = 'rgb' | 'bgr' | 'rgba' | 'bgra' | 'gray';

const samplesPerPixel: Record<PixelLayout, number> = { rgb: 3, bgr: 3, rgba: 4, bgra: 4, gray: 1 };

/** A picture that is already decoded: 8-bit interleaved pixels, rows from top to bottom. */
export interface RawImage {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
  /** Default `'rgb'`. */
  layout?: PixelLayout;
  /** Bytes from the start of one row to the next. Default: rows follow each other. */
  strideBytes?: number;
}

/** A path or `file:` URL, the bytes of an encoded picture (JPEG, PNG, WebP, …), or raw pixels. */
export type ImageSource = string | URL | Uint8Array | ArrayBuffer | RawImage;

/** Pixels ready for the letterbox. */
export interface DecodedImage {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
  layout: PixelLayout;
  strideBytes: number;
  /** True when nobody else has `data`, so that native code may read it in place. */
  owned: boolean;
}

export interface DecodeOptions {
  /** Pictures of more pixels than this are refused before they are decoded. Default 2^27 (134 million). */
  maxPixels?: number;
}

/** What messages call a picture that has neither a path nor an index. */
const unnamed = 'the picture';

export const defaultMaxPixels = 2 ** 27;

/**
 * Decoders run on libuv's threads, at the priority of the JS thread. One core is left to the latter, or timers
 * and sockets would wait for pictures when many come at once.
 */
const decoders = new Limiter(Math.max(1, availableCores() - 1));

/**
 * Decodes a picture to 8-bit pixels, as OpenCV's `imread` does: turned upright by its EXIF orientation, alpha
 * dropped, 16-bit samples cut to their high byte, grey, palette and CMYK turned to RGB, colour profiles ignored.
 *
 * @param label how messages call the picture
 * @throws ERR_IO when a file cannot be read; ERR_INVALID_IMAGE when it is empty, corrupt, truncated, of an
 * unknown format or too large; ERR_INVALID_ARGUMENT when `source` is no picture at all;
 * ERR_IMAGE_CODEC_UNAVAILABLE when sharp is missing.
 */
export async function decodeImage(
  source: ImageSource,
  label = labelOf(source),
  options: DecodeOptions = {},
): Promise<DecodedImage> {
  const maxPixels = options.maxPixels ?? defaultMaxPixels;
  const input = reading(label, () =>
    isRawImage(source) ? checkRaw(source, label) : encodedInput(source, label),
  );
  if (typeof input !== 'string' && !(input instanceof Uint8Array)) return input;
  const sharp = loadSharp();
  try {
    const { data, info } = await decoders.run(() =>
      sharp(input, {
        limitInputPixels: maxPixels,
        failOn: 'error',
        // OpenCV knows no colour management, and the models were trained on its pixels.
        ignoreIcc: true,
      })
        .autoOrient()
        .removeAlpha()
        .toColourspace('srgb')
        .raw()
        .toBuffer({ resolveWithObject: true }),
    );
    const layout = info.channels === 1 ? 'gray' : 'rgb';
    return {
      data,
      width: info.width,
      height: info.height,
      layout,
      strideBytes: info.width * samplesPerPixel[layout],
      owned: true,
    };
  } catch (cause) {
    throw await explainFailure(input, label, maxPixels, cause);
  }
}

/** How messages call a picture that has no better name. */
export function labelOf(source: unknown): string {
  return pathOf(source) ?? (source instanceof URL ? source.href : unnamed);
}

/** Path of a picture that is given by one, or by a `file:` URL. */
export function pathOf(source: unknown): string | undefined {
  if (typeof source === 'string') return source;
  const isFile = source instanceof URL && source.protocol === 'file:';
  return isFile ? fileURLToPath(source) : undefined;
}

function encodedInput(source: unknown, label: string): string | Uint8Array {
  const file = pathOf(source);
  if (file !== undefined && file.length > 0) return file;
  const kind = Object.prototype.toString.call(source);
  const bytes = kind === '[object ArrayBuffer]' ? new Uint8Array(source as ArrayBuffer) : source;
  if (kind === '[object Uint8Array]' || kind === '[object ArrayBuffer]') {
    if ((bytes as Uint8Array).length === 0) {
      throw new TensorRTNodeError('ERR_INVALID_IMAGE', `Expected a picture but ${label} is empty`);
    }
    return bytes as Uint8Array;
  }
  throw invalidArgument(
    label === unnamed ? 'image' : label,
    'a path, a file: URL, the bytes of a picture or raw pixels',
    source,
  );
}

function isRawImage(source: unknown): source is RawImage {
  return typeof source === 'object' && source !== null && 'data' in source && 'width' in source;
}

function checkRaw(image: RawImage, label: string): DecodedImage {
  requireKnownKeys(label, image, ['data', 'width', 'height', 'layout', 'strideBytes']);
  const width = requireInteger(`width of ${label}`, image.width, 1, maxImageSide);
  const height = requireInteger(`height of ${label}`, image.height, 1, maxImageSide);
  const layout = requireOneOf(
    `layout of ${label}`,
    image.layout ?? 'rgb',
    Object.keys(samplesPerPixel) as PixelLayout[],
  );
  const rowBytes = width * samplesPerPixel[layout];
  const strideBytes = requireInteger(
    `strideBytes of ${label}`,
    image.strideBytes ?? rowBytes,
    rowBytes,
    Number.MAX_SAFE_INTEGER,
  );
  const { data } = image;
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    throw invalidArgument(`data of ${label}`, 'a Uint8Array or Uint8ClampedArray', data);
  }
  const needed = strideBytes * (height - 1) + rowBytes;
  if (data.length < needed) {
    throw invalidValue(
      `data of ${label}`,
      `at least ${needed} bytes for ${width}x${height} ${layout}`,
      `${data.length} bytes`,
    );
  }
  return { data, width, height, layout, strideBytes, owned: false };
}

async function explainFailure(
  input: string | Uint8Array,
  label: string,
  maxPixels: number,
  cause: unknown,
): Promise<TensorRTNodeError> {
  if (typeof input === 'string') {
    const found = await stat(input).catch((error: NodeJS.ErrnoException) => error);
    if (found instanceof Error) {
      const reason =
        found.code === 'ENOENT' ? 'does not exist' : `cannot be read: ${found.message}`;
      return new TensorRTNodeError('ERR_IO', `Expected a picture but ${label} ${reason}`, {
        cause,
      });
    }
    if (found.isDirectory()) {
      return new TensorRTNodeError('ERR_IO', `Expected a picture but ${label} is a directory`, {
        cause,
      });
    }
    if (found.size === 0) {
      return new TensorRTNodeError(
        'ERR_INVALID_IMAGE',
        `Expected a picture but ${label} is empty`,
        { cause },
      );
    }
  }
  const text = cause instanceof Error ? cause.message : describe(cause);
  if (/pixel limit|exceeds.*limit/i.test(text)) {
    return new TensorRTNodeError(
      'ERR_INVALID_IMAGE',
      `Expected a picture of at most ${maxPixels} pixels but ${label} has more; raise options.maxPixels to accept it`,
      { cause },
    );
  }
  const subject = label === unnamed ? 'The picture' : `The picture ${label}`;
  const [first, ...details] = text.split('\n').filter((line) => line.trim().length > 0);
  if (/permission|EACCES/i.test(text)) {
    return new TensorRTNodeError('ERR_IO', `${subject} cannot be read: ${first}`, {
      cause,
      details,
    });
  }
  return new TensorRTNodeError('ERR_INVALID_IMAGE', `${subject} cannot be decoded: ${first}`, {
    cause,
    details,
  });
}
