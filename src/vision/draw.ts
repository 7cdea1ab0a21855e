import { TensorRTNodeError } from '../errors';
import { requireInteger, requireKnownKeys, requireOneOf } from '../validate';
import { decodeImage, type ImageSource } from './image';
import type { Detection, Results } from './results';
import { loadSharp } from './sharp-loader';
import { layOutText } from './stroke-font';

export interface DrawOptions {
  /** Default `'jpeg'`. */
  format?: 'jpeg' | 'png' | 'webp';
  /** 1 to 100, for JPEG and WebP. Default 92. */
  quality?: number;
  /** Width of the boxes' lines in pixels. Default: by the picture's size. */
  lineWidth?: number;
  /** Write class names and scores. Default true. */
  labels?: boolean;
}

const drawKeys = ['format', 'quality', 'lineWidth', 'labels'] as const;

/** Strokes of the font are this wide, in its units. */
const fontStroke = 0.95;

interface Style {
  lineWidth: number;
  /** Pixels a unit of the font. */
  fontUnit: number;
  labels: boolean;
}

/**
 * The picture with its detections drawn on it, encoded. Colours tell the classes apart; labels are drawn
 * with a font of our own, so that they look alike on every machine.
 *
 * @param image the picture that `results` belongs to
 * @throws ERR_INVALID_ARGUMENT when the picture is of another size; what {@link decodeImage} throws
 */
export async function drawDetections(
  image: ImageSource,
  results: Results,
  options: DrawOptions = {},
): Promise<Buffer> {
  requireKnownKeys('options', options, drawKeys);
  const format = requireOneOf('options.format', options.format ?? 'jpeg', ['jpeg', 'png', 'webp']);
  const quality = requireInteger('options.quality', options.quality ?? 92, 1, 100);
  const decoded = await decodeImage(image);
  const { width, height } = decoded;
  if (width !== results.width || height !== results.height) {
    throw new TensorRTNodeError(
      'ERR_INVALID_ARGUMENT',
      `Expected the picture of the results, ${results.width}x${results.height}, but received one of ${width}x${height}`,
    );
  }
  const side = Math.min(width, height);
  const style: Style = {
    lineWidth: requireInteger(
      'options.lineWidth',
      options.lineWidth ?? Math.max(1, Math.round(side / 320)),
      1,
      1000,
    ),
    fontUnit: Math.max(1.15, side / 560),
    labels: options.labels ?? true,
  };
  const overlay = Buffer.from(toSvg(results, style));
  const base = await toRgb(decoded);
  return loadSharp()(base, { raw: { width, height, channels: 3 } })
    .composite([{ input: overlay, top: 0, left: 0 }])
    .removeAlpha()
    .toFormat(format, format === 'png' ? {} : { quality })
    .toBuffer();
}

async function toRgb(image: Awaited<ReturnType<typeof decodeImage>>): Promise<Uint8Array> {
  const { width, height, layout, strideBytes, data } = image;
  if (layout === 'rgb' && strideBytes === width * 3) return data as Uint8Array;
  const rgb = new Uint8Array(width * height * 3);
  const samples = layout === 'gray' ? 1 : layout.length;
  const [red, green, blue] =
    layout === 'gray' ? [0, 0, 0] : [...'rgb'].map((c) => layout.indexOf(c));
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0, from = y * strideBytes; x < width; x++, from += samples) {
      rgb[to++] = data[from + red!]!;
      rgb[to++] = data[from + green!]!;
      rgb[to++] = data[from + blue!]!;
    }
  }
  return rgb;
}

/** Boxes below labels, and better scores above worse ones. */
function toSvg(results: Results, style: Style): string {
  const detections = [...results].reverse();
  const boxes = detections.map((detection) => boxSvg(detection, style));
  const labels = style.labels
    ? detections.map((detection) => labelSvg(detection, results, style))
    : [];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${results.width}" height="${results.height}" ` +
    `fill="none" stroke-linecap="round" stroke-linejoin="round">${boxes.join('')}${labels.join('')}</svg>`
  );
}

function boxSvg({ box: [x1, y1, x2, y2], class: classIndex }: Detection, style: Style): string {
  const half = style.lineWidth / 2;
  const width = Math.max(0, x2 - x1 - style.lineWidth);
  const height = Math.max(0, y2 - y1 - style.lineWidth);
  const place = `x="${num(x1 + half)}" y="${num(y1 + half)}" width="${num(width)}" height="${num(height)}" rx="${style.lineWidth}"`;
  // A faint dark rim keeps the line visible on a background of its own colour.
  return (
    `<rect ${place} stroke="#000" stroke-opacity=".35" stroke-width="${style.lineWidth + 2}"/>` +
    `<rect ${place} stroke="${classColor(classIndex)}" stroke-width="${style.lineWidth}"/>`
  );
}

function labelSvg(detection: Detection, { width, height }: Results, style: Style): string {
  const { box, score, label, class: classIndex } = detection;
  const roomInBox = box[2] - box[0];
  const withScore = layOutText(`${label} ${Math.round(score * 100)}%`);
  const padding = 1.6;
  const widthOf = (units: number, unit: number): number => (units + 2 * padding) * unit;
  // In narrow boxes first the letters shrink, then the score goes.
  const shrunk = style.fontUnit * 0.8;
  const unit = widthOf(withScore.width, style.fontUnit) <= roomInBox ? style.fontUnit : shrunk;
  const text = widthOf(withScore.width, unit) <= roomInBox * 1.15 ? withScore : layOutText(label);
  const plateWidth = widthOf(text.width, unit);
  const plateHeight = 10.4 * unit;
  const x = Math.max(0, Math.min(box[0], width - plateWidth));
  const above = box[1] - plateHeight;
  const y = Math.max(0, Math.min(above >= 0 ? above : box[1], height - plateHeight));
  const color = classColor(classIndex);
  const letters = text.segments
    .map(({ x: at, path }) => `<path transform="translate(${num(at)} 0)" d="${path}"/>`)
    .join('');
  return (
    `<rect x="${num(x)}" y="${num(y)}" width="${num(plateWidth)}" height="${num(plateHeight)}" rx="${num(unit * 1.4)}" fill="${color}"/>` +
    `<g transform="translate(${num(x + padding * unit)} ${num(y + 1.9 * unit)}) scale(${num(unit)})" ` +
    `stroke="${textColor(classIndex)}" stroke-width="${fontStroke}">${letters}</g>`
  );
}

function num(value: number): string {
  return value.toFixed(2);
}

/** Neighbouring classes are far apart on the colour circle: steps of the golden angle. */
function classHsl(classIndex: number): [hue: number, saturation: number, lightness: number] {
  return [(classIndex * 137.508 + 205) % 360, 85, classIndex % 2 === 0 ? 58 : 50];
}

/** The colour of a class as `#rrggbb`: the same in every picture. */
export function classColor(classIndex: number): string {
  return `#${classRgb(classIndex)
    .map((sample) =>
      Math.round(sample * 255)
        .toString(16)
        .padStart(2, '0'),
    )
    .join('')}`;
}

function classRgb(classIndex: number): number[] {
  const [hue, saturation, lightness] = classHsl(classIndex);
  const l = lightness / 100;
  const a = (saturation / 100) * Math.min(l, 1 - l);
  return [0, 8, 4].map((n) => {
    const k = (n + hue / 30) % 12;
    return l - a * Math.max(-1, Math.min(k - 3, 9 - k, 1));
  });
}

/** Black or white, whichever is easier to read on the class's colour (relative luminance of WCAG 2). */
function textColor(classIndex: number): string {
  const [r, g, b] = classRgb(classIndex).map((sample) =>
    sample <= 0.03928 ? sample / 12.92 : ((sample + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b! > 0.179 ? '#111' : '#fff';
}
