/** The vision part of the addon's contract: pixels in, detections out. Modes as in contract.ts. */

import type { BufferHandle, Bytes } from './contract';

/** What the network reads: floats are sample / 255, float16 is that float32 rounded to nearest even. Channels are R, G, B. */
export type LetterboxFormat = 'u8-nhwc' | 'u8-nchw' | 'f32-nchw' | 'f16-nchw';

export interface LetterboxCanvas {
  width: number;
  height: number;
  format: LetterboxFormat;
  /** Sample value of the border, 0 to 255. Default 114. */
  fill?: number;
}

/** One picture of 8-bit interleaved pixels, and where it goes (see vision/letterbox.ts for the geometry). */
export interface LetterboxImage {
  data: Bytes | BufferHandle;
  width: number;
  height: number;
  /** Order of a pixel's samples. Default 'rgb'. Alpha is dropped. */
  layout?: 'rgb' | 'bgr' | 'rgba' | 'bgra' | 'gray';
  /** Bytes from one row to the next. Default: rows follow each other. */
  strideBytes?: number;
  /**
   * The caller lends `data`: it is read in place, and nobody may write, transfer or resize it before the
   * promise settles. Otherwise views are copied during the call. Buffer handles are always read in place.
   */
  lent?: boolean;
  /** Where this picture's canvas starts in the target, in bytes. Default 0. */
  targetOffset?: number;
  resizedWidth: number;
  resizedHeight: number;
  padLeft: number;
  padTop: number;
}

export interface Yolov8DecodeOptions {
  dtype: 'float32' | 'float16';
  /** Rows of the output: 4 + classCount, and more where the head has other tasks' rows, which are skipped. */
  channels: number;
  anchors: number;
  classCount: number;
  /** A score must be above it. 0 to 1. */
  confidence: number;
  /** An IoU above it suppresses the box of lower score. 0 to 1. */
  iou: number;
  maxDetections: number;
  /** The best that many enter suppression. Default 30000. */
  maxCandidates?: number;
  /** Boxes of different classes suppress each other. Default false. */
  agnostic?: boolean;
  /** Keep these classes only. Default: all. */
  classes?: number[];
  /** Where the first picture's output starts, in bytes. Default 0. */
  byteOffset?: number;
  /** As {@link LetterboxImage.lent}, for the output given as a view. */
  lent?: boolean;
  /** One for each picture of the batch, from first to last. */
  images: BoxMapping[];
}

/** The outputs of a head that keeps the K best anchors, one picture after the other. */
export interface TopKOutputs {
  /** float32 `[N, K, 4]`: x1, y1, x2, y2 in pixels of the network input. */
  boxes: BufferHandle | Bytes;
  /** float32 `[N, K]`: the score of the best class. */
  scores: BufferHandle | Bytes;
  /** `[N, K]`: the best class. */
  labels: BufferHandle | Bytes;
}

/** As {@link Yolov8DecodeOptions}, for {@link TopKOutputs}. */
export interface TopKDecodeOptions
  extends Pick<
    Yolov8DecodeOptions,
    'confidence' | 'iou' | 'maxDetections' | 'agnostic' | 'classes' | 'lent' | 'images'
  > {
  /** K: rows of each picture. */
  count: number;
  labelType: 'int32' | 'int64';
}

/** From network input pixels to the picture: x = clamp((x - padX) / gainX, 0, width), likewise y. */
export interface BoxMapping {
  padX: number;
  padY: number;
  gainX: number;
  gainY: number;
  width: number;
  height: number;
}

/** Struct of arrays, best score first; ties by anchor. */
export interface NativeDetections {
  /** x1, y1, x2, y2 for each detection, in pixels of the picture. */
  boxes: Float32Array<ArrayBuffer>;
  scores: Float32Array<ArrayBuffer>;
  classes: Int32Array<ArrayBuffer>;
  /** Column of the output (or row, of a top-K head) that each detection comes from. */
  anchors: Int32Array<ArrayBuffer>;
  /** Anchors above the confidence (and of the wanted classes) before suppression. */
  candidates: number;
  /** Every row of a top-K head is above the confidence: the graph may have left out others that are. */
  truncated: boolean;
  /** Time that the decoding took on its thread, without the way there and back. */
  nativeMs: number;
}

export interface VisionContract {
  /**
   * [async] Resizes each picture bilinearly, bit for bit as OpenCV's INTER_LINEAR, onto a filled canvas at
   * its place in `target`. Throws at once ERR_INVALID_ARGUMENT for sizes that do not fit, ERR_OUT_OF_MEMORY.
   */
  letterbox(target: BufferHandle, canvas: LetterboxCanvas, images: LetterboxImage[]): Promise<void>;
  /**
   * [async] Detections of a `[N, channels, anchors]` output, one item for each of `options.images`: best
   * class per anchor, confidence filter, class-aware non-maximum suppression. Throws ERR_INVALID_ARGUMENT.
   */
  decodeYolov8(
    output: BufferHandle | Bytes,
    options: Yolov8DecodeOptions,
  ): Promise<NativeDetections[]>;
  /**
   * [async] Detections of the K best anchors, one item for each of `options.images`: confidence filter and
   * class-aware non-maximum suppression as in decodeYolov8. Throws ERR_INVALID_ARGUMENT.
   */
  decodeTopK(outputs: TopKOutputs, options: TopKDecodeOptions): Promise<NativeDetections[]>;
}
