import { fromNative, TensorRTNodeError } from '../errors';
import { native } from '../native/binding';
import type { BufferHandle } from '../native/contract';
import { parseYoloMetadata } from '../onnx/yolo-metadata';
import type { BackendName } from '../session/backend';
import type { ModelSource } from '../session/model-input';
import { type SessionOptions, sessionKeys } from '../session/options';
import { Session } from '../session/session';
import { Tensor } from '../tensor/tensor';
import {
  invalidArgument,
  invalidValue,
  reading,
  readOptions,
  requireBoolean,
  requireInteger,
  requireNumber,
} from '../validate';
import { chooseHead } from './heads/choose';
import type { DetectionHead, DetectionOptions } from './heads/head';
import {
  type DecodedImage,
  decodeImage,
  defaultMaxPixels,
  type ImageSource,
  labelOf,
  pathOf,
} from './image';
import { type InputSpec, imageBytes, inputDims, readInputSpec } from './input-spec';
import { boxMapping, maxCanvasSide, planLetterbox, type Size } from './letterbox';
import { Limiter } from './limiter';
import { Results, type Timings } from './results';

export interface VisionModelOptions extends SessionOptions {
  /** Side of the square network input in pixels, or its size. Only for models that leave it free. Default: what the model's metadata says, else 640. */
  imageSize?: number | Size;
  /** Pictures a run, for models that leave it free. Default 1. */
  batchSize?: number;
  /** Class names by class index. Default: those of the model's metadata. */
  names?: readonly string[];
  /** Pictures of more pixels are refused. Default 2^27 (134 million). */
  maxPixels?: number;
}

export interface PredictOptions {
  /** Detections at or below this score are dropped, 0 to 1. Default 0.25. */
  confidence?: number;
  /** Of two boxes of a class that overlap by more than this IoU the lower score is dropped, 0 to 1. Default 0.7. */
  iou?: number;
  /** Most detections of a picture. Default 300. */
  maxDetections?: number;
  /** Keep these class indices only. Default: all. */
  classes?: readonly number[];
  /** Boxes of different classes suppress each other too. Default false. */
  agnostic?: boolean;
}

/** The options of the vision part, checked as far as that goes without the model. */
type VisionSettings = Omit<VisionModelOptions, keyof SessionOptions | 'imageSize'> & {
  imageSize?: Size;
};

const visionKeys = ['imageSize', 'batchSize', 'names', 'maxPixels'] as const;
const predictKeys = ['confidence', 'iou', 'maxDetections', 'classes', 'agnostic'] as const;

/** A picture on its way, with what messages call it. */
interface Item {
  source: ImageSource;
  label: string;
}

/**
 * A detection model with its pre- and post-processing: pictures in, boxes in their own pixels out.
 *
 * ```ts
 * await using model = await VisionModel.load('yolov8n.onnx');
 * const results = await model.predict('street.jpg');
 * ```
 */
export class VisionModel {
  readonly session: Session;
  /** Class names by class index; empty where the model has none. */
  readonly names: readonly string[];
  /** Size of the network input in pixels. */
  readonly imageSize: Size;
  /** Pictures a run. */
  readonly batchSize: number;
  readonly #input: InputSpec;
  readonly #head: DetectionHead;
  readonly #maxPixels: number;
  readonly #limiter: Limiter;
  readonly #inFlight = new Set<Promise<unknown>>();
  #disposal: Promise<void> | undefined;

  private constructor(session: Session, options: VisionSettings) {
    const metadata = parseYoloMetadata(session.metadata);
    this.session = session;
    this.names = options.names ?? metadata.names ?? [];
    this.#input = readInputSpec(session.inputs);
    this.#head = chooseHead({
      outputs: session.outputs.map(({ name, dtype, dims }) => ({
        name,
        dtype,
        dims: dims.map((dim) => (typeof dim === 'number' ? dim : null)),
      })),
      task: metadata.task,
      classCount: this.names.length > 0 ? this.names.length : undefined,
    });
    this.imageSize = chooseImageSize(this.#input, options.imageSize, metadata.imageSize);
    this.batchSize = chooseBatchSize(this.#input, options.batchSize);
    this.#maxPixels = requireInteger(
      'options.maxPixels',
      options.maxPixels ?? defaultMaxPixels,
      1,
      Number.MAX_SAFE_INTEGER,
    );
    // Two more than the engine runs at a time: one whose pictures are decoded while it runs, one that is
    // read out. More would only hold memory.
    this.#limiter = new Limiter(session.concurrency + 2);
  }

  /**
   * Loads a detection model.
   * @throws what {@link Session.create} throws; ERR_UNSUPPORTED_MODEL when the input is no picture or the
   * outputs follow no known layout.
   */
  static async load(model: ModelSource, options: VisionModelOptions = {}): Promise<VisionModel> {
    const { imageSize, batchSize, names, maxPixels, ...sessionOptions } = readOptions(
      'options',
      options,
      [...visionKeys, ...sessionKeys],
    );
    const vision = reading('options', () => ({
      ...(imageSize === undefined ? {} : { imageSize: readImageSize(imageSize) }),
      ...(batchSize === undefined ? {} : { batchSize }),
      ...(names === undefined ? {} : { names: readNames(names) }),
      ...(maxPixels === undefined ? {} : { maxPixels }),
    }));
    const session = await Session.create(model, sessionOptions);
    try {
      return new VisionModel(session, vision);
    } catch (error) {
      await session.dispose();
      throw error;
    }
  }

  /** The backend that runs the model. */
  get backend(): BackendName {
    return this.session.backend;
  }

  /** Why it is this one; see {@link Session.reasons}. */
  get reasons(): readonly string[] {
    return this.session.reasons;
  }

  /**
   * Detects objects in a picture, or in each of several; those overlap in time and come back in order.
   *
   * When one picture of several fails, the call rejects with its error, which names it; pictures that were
   * not begun are left out.
   *
   * @throws ERR_INVALID_ARGUMENT, ERR_INVALID_IMAGE, ERR_IO, ERR_DISPOSED, ERR_INFERENCE, ERR_OUT_OF_MEMORY
   */
  async predict(image: ImageSource, options?: PredictOptions): Promise<Results>;
  async predict(images: readonly ImageSource[], options?: PredictOptions): Promise<Results[]>;
  async predict(
    images: ImageSource | readonly ImageSource[],
    options: PredictOptions = {},
  ): Promise<Results | Results[]> {
    if (this.#disposal) throw new TensorRTNodeError('ERR_DISPOSED', 'The model has been disposed');
    const detection = readPredictOptions(options);
    const { many, items } = reading('images', () => readImages(images));
    const work = this.#predictAll(items, detection);
    this.#inFlight.add(work);
    try {
      const results = await work;
      return many ? results : results[0]!;
    } finally {
      this.#inFlight.delete(work);
    }
  }

  /** Waits for the predictions in flight, then frees the model. New ones are refused at once. */
  dispose(): Promise<void> {
    this.#disposal ??= (async () => {
      await Promise.allSettled(this.#inFlight);
      await this.session.dispose();
    })();
    return this.#disposal;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #predictAll(items: Item[], options: DetectionOptions): Promise<Results[]> {
    const batches: Item[][] = [];
    for (let at = 0; at < items.length; at += this.batchSize) {
      batches.push(items.slice(at, at + this.batchSize));
    }
    let failed = false;
    const outcomes = await Promise.allSettled(
      batches.map((batch) =>
        this.#limiter.run(async () => {
          if (failed) return [];
          try {
            return await this.#predictBatch(batch, options);
          } catch (error) {
            failed = true;
            throw error;
          }
        }),
      ),
    );
    // All have ended by now, so nothing runs on behind a rejection.
    return outcomes.flatMap((outcome) => {
      if (outcome.status === 'rejected') throw outcome.reason;
      return outcome.value;
    });
  }

  async #predictBatch(items: Item[], options: DetectionOptions): Promise<Results[]> {
    const decoded = await Promise.all(
      items.map(async ({ source, label }) => {
        const start = performance.now();
        const image = await decodeImage(source, label, { maxPixels: this.#maxPixels });
        return { image, decodeMs: performance.now() - start };
      }),
    );
    const plans = decoded.map(({ image }) => planLetterbox(image, this.imageSize));
    const times = { preprocessMs: performance.now(), inferenceMs: 0, postprocessMs: 0 };
    const count = this.#input.batch ?? items.length;
    const slot = native().bufferAllocate(count * imageBytes(this.#input, this.imageSize));
    let tensors: Tensor[] = [];
    try {
      await this.#fill(slot, decoded, plans, count);
      times.inferenceMs = performance.now();
      times.preprocessMs = times.inferenceMs - times.preprocessMs;
      const dims = inputDims(this.#input, count, this.imageSize);
      const feed = Tensor.fromNative(this.#input.dtype, dims, slot);
      const outputs = await this.session.run({ [this.#input.name]: feed }, this.#head.outputNames, {
        nativeOutputs: true,
      });
      tensors = Object.values(outputs);
      times.postprocessMs = performance.now();
      times.inferenceMs = times.postprocessMs - times.inferenceMs;
      const found = await this.#head.decode(
        this.#head.outputNames.map((name) => ({
          dims: outputs[name]!.dims,
          data: outputs[name]!.nativeBuffer!,
        })),
        decoded.map(({ image }, i) => boxMapping(image, plans[i]!)),
        options,
      );
      times.postprocessMs = performance.now() - times.postprocessMs;
      return found.map(({ boxes, scores, classes }, i) => {
        const { image, decodeMs } = decoded[i]!;
        const timings: Timings = { decodeMs, ...times };
        return new Results({
          image: pathOf(items[i]!.source),
          width: image.width,
          height: image.height,
          backend: this.session.backend,
          names: this.names,
          boxes,
          scores,
          classes,
          timings,
        });
      });
    } finally {
      native().bufferRelease(slot);
      for (const tensor of tensors) tensor.dispose();
    }
  }

  /** Lays the pictures into the input buffer; places of a fixed batch that have none are zeroed. */
  async #fill(
    slot: BufferHandle,
    decoded: readonly { image: DecodedImage }[],
    plans: readonly ReturnType<typeof planLetterbox>[],
    count: number,
  ): Promise<void> {
    const site = new Error();
    const bytes = imageBytes(this.#input, this.imageSize);
    if (decoded.length < count) {
      const empty = new Uint8Array(bytes * (count - decoded.length));
      native().bufferWrite(slot, empty, bytes * decoded.length);
    }
    try {
      await native().letterbox(
        slot,
        { ...this.imageSize, format: this.#input.format },
        decoded.map(({ image }, i) => {
          const { resizedWidth, resizedHeight, padLeft, padTop } = plans[i]!;
          return {
            data: image.data as Uint8Array,
            width: image.width,
            height: image.height,
            layout: image.layout,
            strideBytes: image.strideBytes,
            lent: image.owned,
            targetOffset: i * bytes,
            resizedWidth,
            resizedHeight,
            padLeft,
            padTop,
          };
        }),
      );
    } catch (thrown) {
      throw fromNative(thrown, site);
    }
  }
}

function readImages(images: ImageSource | readonly ImageSource[]): {
  many: boolean;
  items: Item[];
} {
  if (!Array.isArray(images)) {
    const source = images as ImageSource;
    return { many: false, items: [{ source, label: labelOf(source) }] };
  }
  const items = Array.from(images as readonly ImageSource[], (source, index): Item => {
    // A hole: an array that is mostly those would take for ever.
    if (source === undefined) throw invalidArgument(`images[${index}]`, 'a picture', source);
    return { source, label: pathOf(source) ?? `images[${index}]` };
  });
  return { many: true, items };
}

function readPredictOptions(given: PredictOptions): DetectionOptions {
  return reading('options', () => checkPredictOptions(readOptions('options', given, predictKeys)));
}

function checkPredictOptions(options: PredictOptions): DetectionOptions {
  const { classes } = options;
  if (classes !== undefined && !Array.isArray(classes)) {
    throw invalidArgument('options.classes', 'an array of class indices', classes);
  }
  return {
    confidence: requireNumber('options.confidence', options.confidence ?? 0.25, 0, 1),
    iou: requireNumber('options.iou', options.iou ?? 0.7, 0, 1),
    maxDetections: requireInteger(
      'options.maxDetections',
      options.maxDetections ?? 300,
      1,
      100_000,
    ),
    agnostic: requireBoolean('options.agnostic', options.agnostic ?? false),
    ...(classes === undefined
      ? {}
      : {
          // Not map: it passes over holes.
          classes: Array.from(classes, (index) =>
            requireInteger('options.classes', index, 0, 1_000_000),
          ),
        }),
  };
}

function chooseImageSize(
  input: InputSpec,
  wanted: Size | undefined,
  exported: readonly [height: number, width: number] | undefined,
): Size {
  const width = input.width ?? wanted?.width ?? exported?.[1] ?? 640;
  const height = input.height ?? wanted?.height ?? exported?.[0] ?? 640;
  if (wanted !== undefined && (wanted.width !== width || wanted.height !== height)) {
    throw invalidValue(
      'options.imageSize',
      `${width}x${height}, which the model fixes,`,
      `${wanted.width}x${wanted.height}`,
    );
  }
  return { width, height };
}

function chooseBatchSize(input: InputSpec, asked: number | undefined): number {
  const size = requireInteger('options.batchSize', asked ?? input.batch ?? 1, 1, 1024);
  if (input.batch !== undefined && size !== input.batch) {
    throw invalidValue('options.batchSize', `${input.batch}, which the model fixes,`, `${size}`);
  }
  return size;
}

function readImageSize(asked: NonNullable<VisionModelOptions['imageSize']>): Size {
  if (typeof asked !== 'number' && (typeof asked !== 'object' || asked === null))
    throw invalidArgument('options.imageSize', 'a number of pixels or { width, height }', asked);
  const { width, height } = typeof asked === 'number' ? { width: asked, height: asked } : asked;
  return {
    width: requireInteger('options.imageSize', width, 1, maxCanvasSide),
    height: requireInteger('options.imageSize', height, 1, maxCanvasSide),
  };
}

function readNames(names: unknown): string[] {
  const copy: unknown[] = Array.isArray(names) ? Array.from(names) : [];
  if (copy.length === 0 || copy.some((name) => typeof name !== 'string')) {
    throw invalidArgument('options.names', 'a non-empty array of strings', names);
  }
  return copy as string[];
}
