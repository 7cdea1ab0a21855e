import type { BackendName } from '../session/backend';

/** One detected object. */
export interface Detection {
  /** x1, y1, x2, y2 in pixels of the original picture, turned upright, within its borders. */
  box: [x1: number, y1: number, x2: number, y2: number];
  /** 0 to 1. */
  score: number;
  /** Class index. */
  class: number;
  /** Class name, or `class<index>` where the model has no names. */
  label: string;
}

/**
 * Wall time of each stage in milliseconds. Stages of several pictures overlap, and waiting for a free
 * thread counts, so these do not add up to the time of a whole call. Pictures of one batch share the last three.
 */
export interface Timings {
  decodeMs: number;
  preprocessMs: number;
  inferenceMs: number;
  postprocessMs: number;
}

/** What `predict --json` writes for one picture. */
export interface ResultsJson {
  image: string | null;
  width: number;
  height: number;
  backend: BackendName;
  detections: Detection[];
  timings: Timings;
}

export interface ResultsFields {
  image: string | undefined;
  width: number;
  height: number;
  backend: BackendName;
  names: readonly string[];
  boxes: Float32Array;
  scores: Float32Array;
  classes: Int32Array;
  timings: Timings;
}

/**
 * The detections of one picture, best score first, as a struct of arrays with a view by item.
 *
 * ```ts
 * for (const { label, score, box } of results) console.log(label, score, box);
 * ```
 */
export class Results implements Iterable<Detection> {
  /** Path of the picture, when it came from a file. */
  readonly image: string | undefined;
  /** Size of the original picture in pixels, turned upright. */
  readonly width: number;
  readonly height: number;
  /** The backend that ran the model. */
  readonly backend: BackendName;
  /** Class names by class index; empty where the model has none. */
  readonly names: readonly string[];
  /** x1, y1, x2, y2 for each detection, in pixels of the original picture. Length 4 × `length`. */
  readonly boxes: Float32Array;
  /** Length `length`. */
  readonly scores: Float32Array;
  /** Class indices. Length `length`. */
  readonly classes: Int32Array;
  readonly timings: Timings;

  /** @internal */
  constructor(fields: ResultsFields) {
    this.image = fields.image;
    this.width = fields.width;
    this.height = fields.height;
    this.backend = fields.backend;
    this.names = fields.names;
    this.boxes = fields.boxes;
    this.scores = fields.scores;
    this.classes = fields.classes;
    this.timings = fields.timings;
  }

  /** Number of detections. */
  get length(): number {
    return this.scores.length;
  }

  /** The detection at `index`; negative counts from the end; undefined outside. */
  at(index: number): Detection | undefined {
    const i = index < 0 ? index + this.length : index;
    const score = this.scores[i];
    const classIndex = this.classes[i];
    if (score === undefined || classIndex === undefined) return undefined;
    const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = this.boxes.subarray(4 * i, 4 * i + 4);
    return { box: [x1, y1, x2, y2], score, class: classIndex, label: this.labelOf(classIndex) };
  }

  *[Symbol.iterator](): IterableIterator<Detection> {
    for (let i = 0; i < this.length; i++) yield this.at(i)!;
  }

  /** Name of a class, or `class<index>` where the model has none. */
  labelOf(classIndex: number): string {
    return this.names[classIndex] ?? `class${classIndex}`;
  }

  /** Number of detections by label, the most frequent first. */
  counts(): Record<string, number> {
    const counts = new Map<string, number>();
    for (const classIndex of this.classes) {
      const label = this.labelOf(classIndex);
      counts.set(label, (counts.get(label) ?? 0) + 1);
    }
    return Object.fromEntries([...counts].sort((a, b) => b[1] - a[1]));
  }

  /** The detections for which `keep` answers true. */
  filter(keep: (detection: Detection, index: number) => boolean): Results {
    const kept: number[] = [];
    for (let i = 0; i < this.length; i++) if (keep(this.at(i)!, i)) kept.push(i);
    return new Results({
      image: this.image,
      width: this.width,
      height: this.height,
      backend: this.backend,
      names: this.names,
      boxes: Float32Array.from(kept.flatMap((i) => [...this.boxes.subarray(4 * i, 4 * i + 4)])),
      scores: Float32Array.from(kept, (i) => this.scores[i]!),
      classes: Int32Array.from(kept, (i) => this.classes[i]!),
      timings: this.timings,
    });
  }

  /** Numbers are rounded for reading: boxes to 0.01 pixel, scores to 5 digits, times to 0.01 ms. */
  toJSON(): ResultsJson {
    return {
      image: this.image ?? null,
      width: this.width,
      height: this.height,
      backend: this.backend,
      detections: [...this].map(({ box, score, class: classIndex, label }) => ({
        box: box.map((side) => round(side, 2)) as Detection['box'],
        score: round(score, 5),
        class: classIndex,
        label,
      })),
      timings: {
        decodeMs: round(this.timings.decodeMs, 2),
        preprocessMs: round(this.timings.preprocessMs, 2),
        inferenceMs: round(this.timings.inferenceMs, 2),
        postprocessMs: round(this.timings.postprocessMs, 2),
      },
    };
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
