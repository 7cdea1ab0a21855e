import { fromNative, TensorRTNodeError } from '../errors';
import type { Tensor, TensorLike } from '../tensor/tensor';
import { invalidArgument, requireBoolean, requireKnownKeys } from '../validate';
import type { Backend, BackendName, TensorInfo } from './backend';
import { type Choice, chooseBackend } from './choose';
import { matchFeeds, matchFetches, storeInto } from './match';
import { type ModelSource, openModel } from './model-input';
import { resolveOptions, type SessionOptions } from './options';

/** Tensors by input name. Objects of onnxruntime-common's shape are taken too. */
export type Feeds = Readonly<Record<string, Tensor | TensorLike>>;

/** Output names, or an object of them whose tensors are filled with the results; null asks for a new one. */
export type Fetches = readonly string[] | Readonly<Record<string, Tensor | null>>;

export interface RunOptions {
  /** Leaves the results in native memory until their `data` is read. Default false. */
  nativeOutputs?: boolean;
}

/**
 * A loaded model. Runs execute off the event loop; several may be in flight.
 *
 * ```ts
 * await using session = await Session.create('yolov8n.onnx');
 * const { output0 } = await session.run({ images: new Tensor('float32', pixels, [1, 3, 640, 640]) });
 * ```
 */
export class Session {
  /** The backend in use. */
  readonly backend: BackendName;
  /** Why it is this one: a sentence for each backend that was passed over, and one for the choice. */
  readonly reasons: readonly string[];
  /** Engine and version, for people. */
  readonly engine: string;
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** Key-value pairs that the model's exporter wrote into it. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Runs that execute at a time. */
  readonly concurrency: number;
  readonly #backend: Backend;
  readonly #maxInFlight: number;
  #inFlight = 0;
  #onIdle: (() => void) | undefined;
  #disposal: Promise<void> | undefined;

  private constructor({ backend, reasons }: Choice, maxQueued: number) {
    this.#backend = backend;
    this.backend = backend.name;
    this.reasons = reasons;
    this.engine = backend.description;
    this.inputs = backend.inputs;
    this.outputs = backend.outputs;
    this.metadata = backend.metadata;
    this.concurrency = backend.concurrency;
    this.#maxInFlight = backend.concurrency + maxQueued;
  }

  /**
   * Loads a model.
   * @param model path, `file:` URL or bytes of an ONNX file (or of an engine file, for TensorRT). Bytes are
   * copied; a path is read in the background and also finds weights in files beside it
   * @throws ERR_INVALID_ARGUMENT, ERR_IO, ERR_INVALID_MODEL, ERR_UNSUPPORTED_MODEL, and by backend
   * ERR_CPU_BACKEND_UNAVAILABLE, ERR_TENSORRT_UNAVAILABLE, ERR_TENSORRT_VERSION, ERR_NO_DEVICE,
   * ERR_NOT_IMPLEMENTED
   */
  static async create(model: ModelSource, options?: SessionOptions): Promise<Session> {
    const site = new Error();
    const resolved = resolveOptions(options);
    try {
      const choice = await chooseBackend(await openModel(model), resolved);
      return new Session(choice, resolved.maxQueued);
    } catch (thrown) {
      throw atCaller(fromNative(thrown, site), site);
    }
  }

  get inputNames(): string[] {
    return this.inputs.map(({ name }) => name);
  }

  get outputNames(): string[] {
    return this.outputs.map(({ name }) => name);
  }

  /**
   * Runs the model once. The feeds are copied before the call returns, so their arrays may be reused at once.
   * @param fetches the outputs to compute; default all
   * @returns a tensor for each output, by name
   * @throws ERR_INVALID_ARGUMENT for a missing, unknown or unusable feed or fetch; ERR_SHAPE_MISMATCH for
   * one whose dtype or dims the model does not take; ERR_QUEUE_FULL, ERR_DISPOSED, ERR_INFERENCE,
   * ERR_OUT_OF_MEMORY
   */
  async run(feeds: Feeds, options?: RunOptions): Promise<Record<string, Tensor>>;
  async run(
    feeds: Feeds,
    fetches: Fetches | undefined,
    options?: RunOptions,
  ): Promise<Record<string, Tensor>>;
  async run(
    feeds: Feeds,
    second?: Fetches | RunOptions,
    third?: RunOptions,
  ): Promise<Record<string, Tensor>> {
    const site = new Error();
    if (this.#disposal) {
      throw new TensorRTNodeError('ERR_DISPOSED', 'The session has been disposed');
    }
    const { fetches, options } = this.#readArguments(second, third);
    const nativeOutputs = requireBoolean('nativeOutputs', options.nativeOutputs ?? false);
    const call = { feeds: matchFeeds(this.inputs, feeds), nativeOutputs };
    const targets = matchFetches(this.outputs, fetches);
    if (this.#inFlight >= this.#maxInFlight) {
      throw new TensorRTNodeError(
        'ERR_QUEUE_FULL',
        `Expected at most ${this.#maxInFlight} runs in flight; await some, or raise options.maxQueued`,
      );
    }
    this.#inFlight += 1;
    try {
      const results = await this.#backend.run({ ...call, fetches: [...targets.keys()] });
      return storeInto(targets, results);
    } catch (thrown) {
      throw atCaller(fromNative(thrown, site), site);
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#onIdle?.();
    }
  }

  /** Waits for the runs in flight, then frees the model. New runs are refused at once. Safe to call twice. */
  dispose(): Promise<void> {
    this.#disposal ??= this.#end();
    return this.#disposal;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #end(): Promise<void> {
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    await this.#backend.dispose();
  }

  #readArguments(second: unknown, third: RunOptions | undefined) {
    const isOptions =
      third === undefined &&
      typeof second === 'object' &&
      second !== null &&
      !Array.isArray(second) &&
      !Object.keys(second).some((key) => this.outputs.some(({ name }) => name === key));
    const options = ((isOptions ? second : third) ?? {}) as RunOptions;
    requireKnownKeys('options', options, ['nativeOutputs']);
    const fetches = (isOptions ? undefined : second) as Fetches | undefined;
    if (fetches !== undefined && (typeof fetches !== 'object' || fetches === null)) {
      throw invalidArgument('fetches', 'an array of names or an object', fetches);
    }
    return { fetches, options };
  }
}

/** Behind a file access a stack can end inside this package; the caller's lines are put below then. */
function atCaller(error: TensorRTNodeError, site: Error): TensorRTNodeError {
  const frames = site.stack?.split('\n').slice(2).join('\n') ?? '';
  if (frames !== '' && !error.stack?.includes(frames)) error.stack += `\n${frames}`;
  return error;
}
