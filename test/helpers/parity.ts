import { readFileSync } from 'node:fs';
import type { Results } from '../../src/vision/results';
import { dataPath } from './data';

export interface GoldenDetection {
  cls: number;
  conf: number;
  xyxy: [number, number, number, number];
}

export interface GoldenImage {
  orig_shape_hw: [number, number];
  decoded_bgr_sha256: string;
  input_shape: number[];
  input_u8_sha256: string;
  detections: GoldenDetection[];
}

/** Ultralytics' results for `model`, by picture. */
export function readGolden(model: string): Record<string, GoldenImage> {
  const text = readFileSync(dataPath('golden', `${model}.json`), 'utf8');
  return (JSON.parse(text) as { images: Record<string, GoldenImage> }).images;
}

export interface Tolerance {
  /** Least IoU of a matched box. */
  iou: number;
  /** Largest difference of a matched score. */
  score: number;
  /** Reference detections above it must be matched, and ours above it (plus `score`) must be wanted. */
  floor: number;
}

type Box = readonly [number, number, number, number];

function iou(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const area = (box: Box) => (box[2] - box[0]) * (box[3] - box[1]);
  return (width * height) / (area(a) + area(b) - width * height);
}

/** A box that lies in the padding is clipped to a sliver, for which IoU says nothing. */
const isSliver = (box: Box): boolean => box[2] - box[0] <= 1 || box[3] - box[1] <= 1;

/** One sentence for each reference detection that has no equal, and for each of ours that nobody asked for. */
export function compareDetections(
  golden: readonly GoldenDetection[],
  ours: Results,
  tolerance: Tolerance,
): string[] {
  const faults: string[] = [];
  const free = [...ours].filter(({ box }) => !isSliver(box));
  for (const expected of golden) {
    if (expected.conf < tolerance.floor || isSliver(expected.xyxy)) continue;
    const name = `class ${expected.cls} at ${expected.conf.toFixed(3)}`;
    const ranked = free
      .filter((detection) => detection.class === expected.cls)
      .map((detection) => ({ detection, overlap: iou(expected.xyxy, detection.box) }))
      .sort((a, b) => b.overlap - a.overlap);
    const best = ranked[0];
    if (!best || best.overlap < tolerance.iou) {
      faults.push(`${name}: best IoU ${best?.overlap.toFixed(4) ?? 'none'}`);
      continue;
    }
    free.splice(free.indexOf(best.detection), 1);
    if (Math.abs(best.detection.score - expected.conf) > tolerance.score) {
      faults.push(`${name}: score ${best.detection.score.toFixed(4)}`);
    }
  }
  for (const extra of free) {
    if (extra.score > tolerance.floor + tolerance.score) {
      faults.push(`extra class ${extra.class} at ${extra.score.toFixed(3)}`);
    }
  }
  return faults;
}
