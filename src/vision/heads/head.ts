import type { BufferHandle, Bytes } from '../../native/contract';
import type { BoxMapping, NativeDetections } from '../../native/vision-contract';
import type { DType } from '../../tensor/dtype';

/** A model output as declared: a dimension that is known only at run time is null (or -1). */
export interface OutputInfo {
  name: string;
  dtype: DType;
  dims: readonly (number | null)[];
}

/** What a head is recognised by. */
export interface ModelFacts {
  outputs: readonly OutputInfo[];
  /** Metadata `task`, such as 'detect' or 'segment', when the model tells. */
  task?: string | undefined;
  /** Number of class names in the metadata, when the model tells. */
  classCount?: number | undefined;
}

/** The data of one output after a run. */
export interface OutputData {
  dims: readonly number[];
  data: BufferHandle | Bytes;
  /** See LetterboxImage.lent in native/vision-contract.ts: read a view in place instead of copying it. */
  lent?: boolean;
}

export interface DetectionOptions {
  /** A score must be above it, 0 to 1. */
  confidence: number;
  /** An IoU above it suppresses the box of lower score, 0 to 1. */
  iou: number;
  maxDetections: number;
  /** Boxes of different classes suppress each other. */
  agnostic?: boolean;
  /** Keep these class indices only. */
  classes?: number[];
}

/** A recognised output layout, able to turn a run's outputs into detections. */
export interface DetectionHead {
  /** Name of the layout, as errors and logs call it. */
  readonly layout: string;
  /** The outputs that {@link decode} reads, in its order. */
  readonly outputNames: readonly string[];
  /** Undefined where neither outputs nor metadata tell. */
  readonly classCount: number | undefined;
  /** Detections for each picture of the batch; `images` holds one mapping a picture, in order. */
  decode(
    outputs: readonly OutputData[],
    images: readonly BoxMapping[],
    options: DetectionOptions,
  ): Promise<NativeDetections[]>;
}

/** One layout that models may have. */
export interface HeadLayout {
  readonly name: string;
  /** For error messages: shape and meaning in a few words. */
  readonly description: string;
  /** The head when `facts` show this layout, else undefined. */
  recognise(facts: ModelFacts): DetectionHead | undefined;
}
