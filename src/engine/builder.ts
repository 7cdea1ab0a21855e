import { constants } from 'node:fs';
import { access, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TensorRTNodeError } from '../errors';
import { temporaryNameOf } from '../files';
import { type ModelSource, openModel } from '../session/model-input';
import { BuildProcessExit } from './build-exit';
import { givenOptions } from './build-key';
import {
  type CheckedBuildOptions,
  checkBuildOptions,
  type EngineBuildOptions,
  readBuildOptions,
  requireAvailable,
} from './build-options';
import { BuildProcess } from './build-process';
import { BuildEvents } from './build-progress';
import type { BuildJobResult } from './build-protocol';
import type { BuildReport } from './build-report';
import { endOn } from './end-on';
import { Engine } from './engine';
import { buildKept } from './kept-build';
import { selectTensorRT } from './library';
import { editsGraph } from './prepare-model';
import { requireTimings } from './timing-cache-options';

/**
 * Builds engines in a child process of its own, which is kept for the next build: starting Node and loading
 * TensorRT costs half a second. Builds wait for each other. After a crash, a timeout or an abort the next build
 * starts a fresh process.
 *
 * ```ts
 * await using builder = new EngineBuilder();
 * for (const file of files) await builder.build(file, { output: `${file}.engine` });
 * ```
 */
export class EngineBuilder {
  #process: BuildProcess | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #isDisposed = false;

  /** Process id of the build process, while there is one. */
  get pid(): number | undefined {
    return this.#process?.isOpen ? this.#process.pid : undefined;
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  /**
   * Builds an engine from an ONNX file or its bytes (external data needs a file), or takes it from the cache
   * that `options.cache` names.
   * @throws ERR_ENGINE_BUILD with TensorRT's reasons in `details`, ERR_BUILD_CRASHED, ERR_BUILD_MEMORY,
   * ERR_DEADLINE, the signal's reason, ERR_INVALID_MODEL, ERR_INVALID_ARGUMENT, ERR_IO, ERR_TENSORRT_UNAVAILABLE,
   * ERR_TENSORRT_VERSION, ERR_NO_DEVICE, ERR_DISPOSED
   */
  async build(model: ModelSource, given: EngineBuildOptions = {}): Promise<Engine> {
    const options = readBuildOptions(given);
    if (options.cache !== undefined || options.signingKey !== undefined) {
      this.#requireOpen();
      if (options.output !== undefined) await requireWritable('output', options.output);
      return buildKept(model, options, (source, plain) => this.build(source, plain));
    }
    const checked = checkBuildOptions(options);
    this.#requireOpen();
    options.signal?.throwIfAborted();
    // Time in the queue counts too: the limit is the caller's, not the build's.
    const deadline =
      options.timeoutMs === undefined ? undefined : performance.now() + options.timeoutMs;
    const calledAt = performance.now();
    const turn = this.#queue.then(() => this.#build(model, options, checked, deadline, calledAt));
    this.#queue = turn.catch(() => {});
    return turn;
  }

  /** Ends the build process; builds under way reject with ERR_DISPOSED. Safe to call twice. */
  async dispose(): Promise<void> {
    this.#isDisposed = true;
    await this.#process?.kill();
    await this.#queue;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  #openProcess(): BuildProcess {
    if (!this.#process?.isOpen) this.#process = new BuildProcess();
    return this.#process;
  }

  #requireOpen(): void {
    if (this.#isDisposed)
      throw new TensorRTNodeError('ERR_DISPOSED', 'The engine builder has been disposed');
  }

  async #build(
    model: ModelSource,
    options: EngineBuildOptions,
    checked: CheckedBuildOptions,
    deadline: number | undefined,
    calledAt: number,
  ): Promise<Engine> {
    this.#requireOpen();
    options.signal?.throwIfAborted();
    const turnAt = performance.now();
    const events = new BuildEvents(options);
    events.stage('start');
    const input = await openModel(model);
    if (input.kind !== 'onnx') {
      throw new TensorRTNodeError(
        'ERR_INVALID_MODEL',
        `Expected an ONNX model but ${input.label} is a TensorRT engine or a manifest of some; load it instead`,
      );
    }
    if (options.output !== undefined) await requireWritable('output', options.output);
    const { save } = checked.timingCache ?? {};
    if (save !== undefined) await requireWritable('timingCache.save', save);
    // Node starts while TensorRT is looked for; not for a builder that is gone by now: nobody would end it.
    this.#requireOpen();
    options.signal?.throwIfAborted();
    this.#openProcess();
    const library = await selectTensorRT({
      ...(checked.flavor === undefined ? {} : { flavor: checked.flavor }),
      purpose: 'build',
    });
    requireAvailable(checked.settings, checked.computeCapabilities, library);
    if (checked.timingCache) requireTimings('options.timingCache', library);
    // What is private to this build lies here: a model given as bytes or edited, a plan that stays in memory.
    const folder =
      input.bytes || options.output === undefined || editsGraph(checked.transforms)
        ? await mkdtemp(path.join(tmpdir(), 'tensorrt-node-build-'))
        : undefined;
    const output = path.resolve(options.output ?? path.join(folder!, 'plan.engine'));
    const temporary = temporaryNameOf(output);
    try {
      let modelPath = input.path;
      if (input.bytes) {
        modelPath = path.join(folder!, 'model.onnx');
        await writeFile(modelPath, input.bytes);
      }
      const result = await this.#run(
        {
          library,
          modelPath: modelPath!,
          ...(input.path === undefined ? {} : { onnxPath: input.path }),
          given: givenOptions(options),
          options: checked,
          temporaryPath: temporary,
          outputPath: output,
          ...(folder === undefined ? {} : { privateFolder: folder }),
        },
        options,
        events,
        deadline,
      );
      const { facts, metadata, byteLength } = result;
      const storage =
        options.output === undefined
          ? { bytes: await readFile(output) }
          : { path: output, byteLength };
      const report: BuildReport = {
        ...result.report,
        queuedMs: turnAt - calledAt,
        startMs: result.startedAt - turnAt,
        totalMs: performance.now() - calledAt,
      };
      return Engine.fromBuild(facts, metadata, storage, report);
    } finally {
      await rm(temporary, { force: true });
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    }
  }

  async #run(
    job: Parameters<BuildProcess['run']>[0],
    options: EngineBuildOptions,
    events: BuildEvents,
    deadline: number | undefined,
  ): Promise<BuildJobResult & { startedAt: number }> {
    this.#requireOpen();
    options.signal?.throwIfAborted();
    const child = this.#openProcess();
    let ended: { reason: unknown } | undefined;
    const end = (reason: unknown): void => {
      ended ??= { reason };
      void child.kill();
    };
    const stopWatching = endOn(end, {
      signal: options.signal,
      timeoutMs: deadline === undefined ? undefined : Math.max(0, deadline - performance.now()),
      message: `The build did not end within ${options.timeoutMs} ms`,
    });
    try {
      return await child.run(job, events.take, options.memoryLimitBytes);
    } catch (error) {
      if (error instanceof TensorRTNodeError && error.cause instanceof BuildProcessExit) {
        await child.closed;
        if (ended) throw ended.reason;
        this.#requireOpen();
      }
      throw error;
    } finally {
      stopWatching();
    }
  }
}

/** Fails before a long build where the plan could not be put afterwards. */
async function requireWritable(name: string, output: string): Promise<void> {
  const file = path.resolve(output);
  try {
    await access(path.dirname(file), constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new TensorRTNodeError(
      'ERR_IO',
      `Expected a folder that can be written to for options.${name} but received ${file}: ${(cause as Error).message}`,
      { cause },
    );
  }
  const existing = await stat(file).catch(() => undefined);
  if (existing?.isDirectory()) {
    throw new TensorRTNodeError(
      'ERR_IO',
      `Expected a file for options.${name} but ${file} is a directory`,
    );
  }
}
