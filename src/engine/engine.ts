import { copyFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { TensorRTNodeError } from '../errors';
import { replaceFile } from '../files';
import type { ModelSource } from '../session/model-input';
import { invalidArgument, requireKnownKeys, requireString } from '../validate';
import type { EngineBuildOptions } from './build-options';
import type { BuildReport } from './build-report';
import { type Compatibility, explainCompatibility } from './compatibility';
import { describePlan, type EngineDescription } from './engine-description';
import type { EngineFacts } from './engine-facts';
import { describeEngineMachine, type EngineMachine } from './machine';
import type { ManifestWanted } from './manifest';
import type { EngineDetails, EngineDeviceOptions, EnginePlan } from './on-device';
import { checkDigest, checkPlan, ioError, planSha256, sha256Of, writeBehind } from './plan-content';
import {
  encodePrefix,
  factsKey,
  type PlanHeader,
  parsePlanHeader,
  readPlanHeader,
} from './plan-file';
import type { EngineRebuildOptions } from './rebuild';
import type { EngineWeights, RefitOptions, RefitSource } from './refit';
import {
  type EngineKey,
  requireSignature,
  toPrivateKey,
  toPublicKeys,
  verificationKeys,
  withSignature,
} from './signature';

export type { EngineDescription } from './engine-description';

export interface EngineLoadOptions {
  /**
   * Public key, or keys, of which one must have signed the engine. Default: those of the file that
   * `TENSORRT_NODE_VERIFY_KEY` names; without it signatures are not asked for. `false`: not asked for, also
   * where the variable is set.
   */
  verifyKey?: EngineKey | readonly EngineKey[] | false;
  /**
   * An engine that does not run on the machine is built anew from the ONNX file that it names: `true`, or options
   * for that build. It then lies in the engine cache, or where the options say. Default false.
   */
  rebuild?: boolean | EngineRebuildOptions;
  /** The machine that the engine is for. Default: this one; looked at with `rebuild` alone. */
  machine?: EngineMachine;
}

export interface EngineFromManifestOptions extends ManifestWanted {
  verifyKey?: EngineLoadOptions['verifyKey'];
  /** Default: this one. */
  machine?: EngineMachine;
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
  #header: PlanHeader;
  #storage: Storage | undefined;
  /** What the build cost; undefined for an engine that was loaded or came from the cache. */
  readonly buildReport: BuildReport | undefined;
  /** Digest of the plan that was checked at loading. */
  #checkedSha256: string | undefined;
  #fromCache = false;
  /** The file is the cache's own, which nobody else may change. */
  #isCacheFile = false;

  private constructor(
    header: PlanHeader,
    storage: Storage,
    checkedSha256?: string,
    report?: BuildReport,
  ) {
    this.#header = header;
    this.#storage = storage;
    this.#checkedSha256 = checkedSha256;
    this.buildReport = report;
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
   * executable: load only what you trust, or sign engines and give the key.
   * @throws ERR_ENGINE_DESERIALIZE when it is no engine, cut short or changed
   * @throws ERR_ENGINE_SIGNATURE when a signature is asked for and is missing or wrong
   * @throws ERR_ENGINE_INCOMPATIBLE with `rebuild`, when it does not run here and building anew cannot help
   * @throws ERR_IO, ERR_INVALID_ARGUMENT
   */
  static async load(source: string | Uint8Array, options: EngineLoadOptions = {}): Promise<Engine> {
    requireKnownKeys('options', options, ['verifyKey', 'rebuild', 'machine']);
    const engine = await Engine.#load(source, options);
    if (options.rebuild === undefined || options.rebuild === false) return engine;
    const { fitOrRebuild } = await import('./acquire');
    const { model, cache, ...build } = options.rebuild === true ? {} : options.rebuild;
    const acquired = await fitOrRebuild(
      engine,
      engine.path ?? 'the engine',
      options.machine ?? (await describeEngineMachine()),
      {
        rebuild: true,
        build,
        ...(model === undefined ? {} : { model }),
        ...(cache === undefined ? {} : { cache }),
      },
    );
    return acquired.engine;
  }

  /**
   * The engine of a manifest (a file, or the folder of `buildMatrix`) that runs on this machine.
   * @throws ERR_ENGINE_INCOMPATIBLE when none does, with a reason for each in `details`
   * @throws ERR_ENGINE_DESERIALIZE when it is no manifest, or an engine is not the one that it tells of
   * @throws ERR_ENGINE_SIGNATURE, ERR_IO, ERR_INVALID_ARGUMENT
   */
  static async fromManifest(
    manifest: string,
    options: EngineFromManifestOptions = {},
  ): Promise<Engine> {
    const { Manifest, checkWanted } = await import('./manifest');
    const { machine, verifyKey, ...wanted } = options;
    checkWanted(options);
    const found = await Manifest.read(manifest);
    const { engine } = await found.load(machine ?? (await describeEngineMachine()), {
      ...wanted,
      ...(verifyKey === undefined ? {} : { verifyKey }),
    });
    return engine;
  }

  static async #load(source: string | Uint8Array, options: EngineLoadOptions): Promise<Engine> {
    const keys = await verificationKeys('options.verifyKey', options.verifyKey);
    if (source instanceof Uint8Array) {
      // A copy: the caller may change or transfer its bytes later.
      const bytes = Buffer.from(source);
      const label = `the buffer of ${bytes.length} bytes`;
      const header = parsePlanHeader(bytes, label);
      const sha256 = sha256Of(bytes.subarray(header.planOffset));
      checkPlan(header, sha256, keys, label);
      return new Engine(header, { bytes }, sha256);
    }
    if (typeof source !== 'string')
      throw invalidArgument('source', 'a path or a Uint8Array', source);
    const file = path.resolve(requireString('source', source));
    const { byteLength, ...header } = await readPlanHeader(file);
    const storage = { path: file, byteLength };
    // A plan that states no digest and needs no signature is not read for nothing.
    if (!header.facts && !keys) return new Engine(header, storage);
    const sha256 = await planSha256(file, header.planOffset);
    checkPlan(header, sha256, keys, file);
    return new Engine(header, storage, sha256);
  }

  /** @internal */
  static fromBuild(
    facts: EngineFacts,
    metadata: Record<string, unknown>,
    storage: Storage,
    report: BuildReport,
  ): Engine {
    const header =
      'bytes' in storage
        ? parsePlanHeader(storage.bytes, 'the plan')
        : {
            format: 'tensorrt-node' as const,
            metadata: { ...metadata, [factsKey]: facts },
            facts,
            signature: undefined,
            origin: {},
            planOffset: 0,
          };
    return new Engine(header, storage, undefined, report);
  }

  /** An engine out of the cache, whose digest was just checked: the cache's own file, or a copy. @internal */
  static async fromCacheFile(
    file: string,
    { fromCache, isCopy, report }: { fromCache: boolean; isCopy: boolean; report?: BuildReport },
  ): Promise<Engine> {
    const { byteLength, ...header } = await readPlanHeader(file);
    const engine = new Engine(header, { path: file, byteLength }, header.facts?.planSha256, report);
    engine.#fromCache = fromCache;
    engine.#isCacheFile = !isCopy;
    return engine;
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

  /** Was the plan in the engine cache, so that nothing was built? */
  get fromCache(): boolean {
    return this.#fromCache;
  }

  get isDisposed(): boolean {
    return this.#storage === undefined;
  }

  /** What is known about the engine, without a device. */
  inspect(): EngineDescription {
    return describePlan(this.#header, this.byteLength);
  }

  /** Whether the engine runs on a machine (default: this one), and why not. Nothing is loaded. */
  async compatibility(machine?: EngineMachine): Promise<Compatibility> {
    return explainCompatibility(this.inspect(), machine ?? (await describeEngineMachine()));
  }

  /**
   * Builds the engine anew from the ONNX file that its metadata names, with the options that it was built with and
   * those that are given. This engine stays as it is.
   * @throws ERR_INVALID_ARGUMENT when the engine does not tell what it was built from; ERR_IO when the model is not
   * there; ERR_INVALID_MODEL when it was changed; and see {@link Engine.build}
   */
  async rebuild(options: EngineRebuildOptions = {}): Promise<Engine> {
    const { rebuildEngine } = await import('./rebuild');
    return rebuildEngine(this.inspect(), this.path, options);
  }

  /**
   * Signs plan and metadata. An engine in memory then holds the signature; an engine file is replaced in one
   * step. Works for any plan, also one without metadata.
   * @param signingKey private Ed25519 key
   * @throws ERR_INVALID_ARGUMENT, ERR_ENGINE_DESERIALIZE when the plan is not the one that was loaded, ERR_IO,
   * ERR_DISPOSED
   */
  async sign(signingKey: EngineKey): Promise<void> {
    const key = toPrivateKey('signingKey', signingKey);
    const storage = this.#requireStorage();
    if ('bytes' in storage) {
      const { metadata, planOffset } = this.#header;
      const plan = storage.bytes.subarray(planOffset);
      const prefix = encodePrefix(withSignature(metadata, sha256Of(plan), key));
      const bytes = Buffer.concat([prefix, plan]);
      this.#header = parsePlanHeader(bytes, 'the engine');
      this.#storage = { bytes };
      return;
    }
    const file = storage.path;
    if (this.#isCacheFile) {
      throw new TensorRTNodeError(
        'ERR_INVALID_ARGUMENT',
        `Expected an engine with a file of its own to sign but ${file} is the cache's; build it with signingKey, or save and load it first`,
      );
    }
    const header = await readPlanHeader(file);
    const sha256 = await planSha256(file, header.planOffset);
    this.#requireSame(header, sha256, file);
    const prefix = encodePrefix(withSignature(header.metadata, sha256, key));
    await replaceFile(file, (temporary) =>
      writeBehind(prefix, file, header.planOffset, temporary),
    ).catch((cause) => {
      throw ioError(`The engine ${file} cannot be replaced by a signed one`, cause);
    });
    const { byteLength, ...signed } = await readPlanHeader(file);
    this.#header = signed;
    this.#storage = { path: file, byteLength };
    this.#checkedSha256 = sha256;
  }

  /**
   * Checks that one of the keys signed this plan and its metadata. The plan is read for it.
   * @throws ERR_ENGINE_SIGNATURE, ERR_INVALID_ARGUMENT, ERR_IO, ERR_ENGINE_DESERIALIZE, ERR_DISPOSED
   */
  async verify(verifyKey: EngineKey | readonly EngineKey[]): Promise<void> {
    const keys = toPublicKeys('verifyKey', verifyKey);
    const storage = this.#requireStorage();
    if ('bytes' in storage) {
      const header = this.#header;
      requireSignature(
        header,
        sha256Of(storage.bytes.subarray(header.planOffset)),
        keys,
        'the engine',
      );
      return;
    }
    const header = await readPlanHeader(storage.path);
    const sha256 = await planSha256(storage.path, header.planOffset);
    this.#requireSame(header, sha256, storage.path);
    requireSignature(header, sha256, keys, storage.path);
  }

  /**
   * The plan file's bytes: metadata and plan.
   * @throws ERR_IO, ERR_DISPOSED, ERR_ENGINE_DESERIALIZE when the file is no longer the one that was loaded
   */
  async toBuffer(): Promise<Buffer> {
    const storage = this.#requireStorage();
    if ('bytes' in storage) return Buffer.from(storage.bytes);
    const bytes = await readFile(storage.path).catch((cause) => {
      throw ioError(`The engine ${storage.path} cannot be read`, cause);
    });
    if (this.#checkedSha256 !== undefined) {
      const header = parsePlanHeader(bytes, storage.path);
      this.#requireSame(header, sha256Of(bytes.subarray(header.planOffset)), storage.path);
    }
    return bytes;
  }

  /**
   * Writes the plan file, replacing an old one in one step.
   * @throws ERR_IO, ERR_DISPOSED, ERR_ENGINE_DESERIALIZE when the file is no longer the one that was loaded
   */
  async save(file: string): Promise<void> {
    const target = path.resolve(requireString('file', file));
    const storage = this.#requireStorage();
    await replaceFile(target, async (temporary) => {
      if ('bytes' in storage) return writeFile(temporary, storage.bytes, { flag: 'wx' });
      await copyFile(storage.path, temporary);
      if (this.#checkedSha256 === undefined) return;
      const header = await readPlanHeader(temporary);
      const sha256 = await planSha256(temporary, header.planOffset);
      this.#requireSame(header, sha256, storage.path);
    }).catch((cause) => {
      throw ioError(`The engine cannot be saved to ${target}`, cause);
    });
  }

  /**
   * Loads the engine on the first device, in a process of its own, and tells what TensorRT says of it.
   * @throws ERR_NO_DEVICE, ERR_ENGINE_DESERIALIZE, ERR_TENSORRT_UNAVAILABLE, ERR_TENSORRT_VERSION,
   * ERR_BUILD_CRASHED, ERR_DEADLINE, ERR_IO, ERR_INVALID_ARGUMENT, ERR_DISPOSED
   */
  async inspectOnDevice(options: EngineDeviceOptions = {}): Promise<EngineDetails> {
    return (await import('./on-device')).inspectOnDevice(this.#plan(), options);
  }

  /** Weights that a refit can change, and those that the plan lacks. @throws see {@link inspectOnDevice} */
  async weights(options: EngineDeviceOptions = {}): Promise<EngineWeights> {
    return (await import('./refit')).listWeights(this.#plan(), options);
  }

  /**
   * A new engine with other weights, or with those that a stripped one lacks; this one stays as it is. Needs a
   * device; arguments are checked before one is asked for.
   * @throws ERR_ENGINE_BUILD with TensorRT's reasons; see {@link inspectOnDevice}
   */
  async refit(weights: RefitSource, options: RefitOptions = {}): Promise<Engine> {
    return (await import('./refit')).refitEngine(this.#plan(), weights, options);
  }

  /** Lets go of the bytes; a file stays. Safe to call twice. */
  async dispose(): Promise<void> {
    this.#storage = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  #plan(): EnginePlan {
    const storage = this.#requireStorage();
    const open: EnginePlan['open'] = async () => {
      if ('bytes' in storage) return { bytes: storage.bytes, planOffset: this.#header.planOffset };
      const header = await readPlanHeader(storage.path);
      this.#requireSame(header, await planSha256(storage.path, header.planOffset), storage.path);
      return { path: storage.path, planOffset: header.planOffset };
    };
    return { description: this.inspect(), facts: this.#header.facts, open };
  }

  #requireStorage(): Storage {
    if (!this.#storage) throw new TensorRTNodeError('ERR_DISPOSED', 'The engine has been disposed');
    return this.#storage;
  }

  /** Between loading and a later read a file can be replaced; what was checked must be what is used. */
  #requireSame(header: PlanHeader, sha256: string, file: string): void {
    checkDigest(header, sha256, file);
    if (this.#checkedSha256 !== undefined && this.#checkedSha256 !== sha256) {
      throw new TensorRTNodeError(
        'ERR_ENGINE_DESERIALIZE',
        `Expected ${file} to hold the plan that was loaded but it was replaced since; load it again`,
      );
    }
  }
}
