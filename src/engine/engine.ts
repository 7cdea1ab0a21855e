import { createHash } from 'node:crypto';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { TensorRTNodeError } from '../errors';
import { filesSha256, replaceFile } from '../files';
import type { Flavor, TrtShapeRange, TrtTensor } from '../native/trt-contract';
import type { ModelSource } from '../session/model-input';
import { invalidArgument, requireString } from '../validate';
import type { EngineBuildOptions } from './build-options';
import { type EngineFacts, type PlanHeader, parsePlanHeader, readPlanHeader } from './plan-file';

/** What is known of an engine without loading it on a device. Fields are undefined where the file does not tell. */
export interface EngineDescription {
  /** `tensorrt-node` and `ultralytics` files hold metadata, a `plain` plan holds none. */
  format: PlanHeader['format'];
  /** Size of the plan file, metadata included. */
  byteLength: number;
  flavor: Flavor | undefined;
  tensorrtVersion: string | undefined;
  computeCapabilities: readonly string[] | undefined;
  inputs: readonly TrtTensor[] | undefined;
  outputs: readonly TrtTensor[] | undefined;
  profiles: readonly (readonly TrtShapeRange[])[] | undefined;
  options: Readonly<Record<string, number | boolean | string>> | undefined;
  onnxSha256: string | undefined;
  planSha256: string | undefined;
  createdAt: string | undefined;
  /** The JSON that the file holds beside these: class names, task, what the builder was given. */
  metadata: Readonly<Record<string, unknown>>;
}

type Storage = { path: string; byteLength: number } | { bytes: Buffer };

/**
 * A TensorRT plan, in a file or in memory, with what is known about it.
 *
 * ```ts
 * const engine = await Engine.build('yolov8n.onnx', { output: 'yolov8n.engine' });
 * ```
 */
export class Engine {
  readonly #header: PlanHeader;
  #storage: Storage | undefined;

  private constructor(header: PlanHeader, storage: Storage) {
    this.#header = header;
    this.#storage = storage;
  }

  /**
   * Builds an engine from an ONNX file or its bytes in a child process that ends with the call. For many builds
   * use {@link EngineBuilder}.
   * @throws see {@link EngineBuilder.build}
   */
  static async build(model: ModelSource, options: EngineBuildOptions = {}): Promise<Engine> {
    // Loaded here: the builder makes engines too.
    const { EngineBuilder } = await import('./builder');
    const builder = new EngineBuilder();
    try {
      return await builder.build(model, options);
    } finally {
      await builder.dispose();
    }
  }

  /**
   * Reads an engine file of this package or of Ultralytics, or a plain plan, and checks its digest where it
   * holds one. Nothing is loaded on a device, and the plan of a file stays in the file. An engine is
   * executable: load only what you trust.
   * @throws ERR_ENGINE_DESERIALIZE when it is no engine, cut short or changed; ERR_IO
   */
  static async load(source: string | Uint8Array): Promise<Engine> {
    if (source instanceof Uint8Array) {
      // A copy: the caller may change or transfer its bytes later.
      const bytes = Buffer.from(source);
      const header = parsePlanHeader(bytes, `a buffer of ${bytes.length} bytes`);
      checkDigest(header, sha256Of(bytes.subarray(header.planOffset)), 'the buffer');
      return new Engine(header, { bytes });
    }
    if (typeof source !== 'string')
      throw invalidArgument('source', 'a path or a Uint8Array', source);
    const file = path.resolve(requireString('source', source));
    const { byteLength, ...header } = await readPlanHeader(file);
    if (header.facts) checkDigest(header, await planSha256(file, header.planOffset), file);
    return new Engine(header, { path: file, byteLength });
  }

  /** @internal */
  static fromBuild(
    facts: EngineFacts,
    metadata: Record<string, unknown>,
    storage: Storage,
  ): Engine {
    const header =
      'bytes' in storage
        ? parsePlanHeader(storage.bytes, 'the plan')
        : { format: 'tensorrt-node' as const, metadata, facts, planOffset: 0 };
    return new Engine(header, storage);
  }

  /** The plan file, or undefined for an engine in memory. */
  get path(): string | undefined {
    const storage = this.#requireStorage();
    return 'path' in storage ? storage.path : undefined;
  }

  /** Size of the plan file in bytes, metadata included. */
  get byteLength(): number {
    const storage = this.#requireStorage();
    return 'path' in storage ? storage.byteLength : storage.bytes.length;
  }

  get isDisposed(): boolean {
    return this.#storage === undefined;
  }

  /** What is known about the engine, without a device. */
  inspect(): EngineDescription {
    const { format, facts, metadata } = this.#header;
    const { tensorrtNode: _, ...rest } = metadata;
    return {
      format,
      byteLength: this.byteLength,
      flavor: facts?.flavor,
      tensorrtVersion: facts?.tensorrtVersion,
      computeCapabilities: facts?.computeCapabilities,
      inputs: facts?.inputs,
      outputs: facts?.outputs,
      profiles: facts?.profiles,
      options: facts?.options,
      onnxSha256: facts?.onnxSha256,
      planSha256: facts?.planSha256,
      createdAt: facts?.createdAt,
      metadata: rest,
    };
  }

  /** The plan file's bytes: metadata and plan. @throws ERR_IO, ERR_DISPOSED */
  async toBuffer(): Promise<Buffer> {
    const storage = this.#requireStorage();
    if ('bytes' in storage) return Buffer.from(storage.bytes);
    return await readFile(storage.path).catch((cause) => {
      throw ioError(`The engine ${storage.path} cannot be read`, cause);
    });
  }

  /** Writes the plan file, replacing an old one in one step. @throws ERR_IO, ERR_DISPOSED */
  async save(file: string): Promise<void> {
    const target = path.resolve(requireString('file', file));
    const storage = this.#requireStorage();
    await replaceFile(target, (temporary) =>
      'path' in storage
        ? copyFile(storage.path, temporary)
        : writeFile(temporary, storage.bytes, { flag: 'wx' }),
    ).catch((cause) => {
      throw ioError(`The engine cannot be saved to ${target}`, cause);
    });
  }

  /** Lets go of the bytes; a file stays. Safe to call twice. */
  async dispose(): Promise<void> {
    this.#storage = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  #requireStorage(): Storage {
    if (!this.#storage) throw new TensorRTNodeError('ERR_DISPOSED', 'The engine has been disposed');
    return this.#storage;
  }
}

function ioError(what: string, cause: unknown): TensorRTNodeError {
  return new TensorRTNodeError('ERR_IO', `${what}: ${(cause as Error).message}`, { cause });
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function planSha256(file: string, start: number): Promise<string> {
  return filesSha256([file], start).catch((cause) => {
    throw ioError(`The engine ${file} cannot be read`, cause);
  });
}

function checkDigest(header: PlanHeader, digest: string, label: string): void {
  if (header.facts && header.facts.planSha256 !== digest) {
    throw new TensorRTNodeError(
      'ERR_ENGINE_DESERIALIZE',
      `Expected the plan in ${label} to have the digest that its metadata states: it is cut short or was changed`,
    );
  }
}
