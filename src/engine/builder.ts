import { constants } from 'node:fs';
import { access, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TensorRTNodeError } from '../errors';
import { temporaryNameOf } from '../files';
import { log } from '../log';
import type { TrtBuildEvent } from '../native/trt-contract';
import { type ModelSource, openModel } from '../session/model-input';
import {
  type CheckedBuildOptions,
  checkBuildOptions,
  type EngineBuildOptions,
} from './build-options';
import { BuildProcess } from './build-process';
import type { BuildJobResult } from './build-protocol';
import { Engine } from './engine';
import { buildKept } from './kept-build';
import { selectTensorRT } from './library';
import { editsGraph } from './prepare-model';

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
   * @throws ERR_ENGINE_BUILD with TensorRT's reasons in `details`, ERR_BUILD_CRASHED, ERR_DEADLINE, the
   * signal's reason, ERR_INVALID_MODEL, ERR_INVALID_ARGUMENT, ERR_IO, ERR_TENSORRT_UNAVAILABLE,
   * ERR_TENSORRT_VERSION, ERR_NO_DEVICE, ERR_DISPOSED
   */
  async build(model: ModelSource, options: EngineBuildOptions = {}): Promise<Engine> {
    if (options?.cache !== undefined || options?.signingKey !== undefined)
      return buildKept(model, options, (source, plain) => this.build(source, plain));
    const checked = checkBuildOptions(options);
    this.#requireOpen();
    options.signal?.throwIfAborted();
    // Time in the queue counts too: the limit is the caller's, not the build's.
    const deadline =
      options.timeoutMs === undefined ? undefined : performance.now() + options.timeoutMs;
    const turn = this.#queue.then(() => this.#build(model, options, checked, deadline));
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

  #requireOpen(): void {
    if (this.#isDisposed)
      throw new TensorRTNodeError('ERR_DISPOSED', 'The engine builder has been disposed');
  }

  async #build(
    model: ModelSource,
    options: EngineBuildOptions,
    checked: CheckedBuildOptions,
    deadline: number | undefined,
  ): Promise<Engine> {
    this.#requireOpen();
    options.signal?.throwIfAborted();
    const input = await openModel(model);
    if (input.kind === 'engine') {
      throw new TensorRTNodeError(
        'ERR_INVALID_MODEL',
        `Expected an ONNX model but ${input.label} is a TensorRT engine; load it instead`,
      );
    }
    if (options.output !== undefined) await requireWritable(options.output);
    const library = await selectTensorRT({
      ...(checked.flavor === undefined ? {} : { flavor: checked.flavor }),
      purpose: 'build',
    });
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
      const { facts, metadata, byteLength } = await this.#run(
        {
          library,
          modelPath: modelPath!,
          ...(input.path === undefined ? {} : { onnxPath: input.path }),
          options: checked,
          temporaryPath: temporary,
          outputPath: output,
          ...(folder === undefined ? {} : { privateFolder: folder }),
        },
        options,
        deadline,
      );
      return options.output === undefined
        ? Engine.fromBuild(facts, metadata, { bytes: await readFile(output) })
        : Engine.fromBuild(facts, metadata, { path: output, byteLength });
    } finally {
      await rm(temporary, { force: true });
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    }
  }

  async #run(
    job: Parameters<BuildProcess['run']>[0],
    options: EngineBuildOptions,
    deadline: number | undefined,
  ): Promise<BuildJobResult> {
    this.#requireOpen();
    options.signal?.throwIfAborted();
    if (!this.#process?.isOpen) this.#process = new BuildProcess();
    const child = this.#process;
    let ended: { reason: unknown } | undefined;
    const end = (reason: unknown): void => {
      ended ??= { reason };
      void child.kill();
    };
    const onAbort = (): void => end(options.signal!.reason);
    options.signal?.addEventListener('abort', onAbort, { once: true });
    const timer =
      deadline === undefined
        ? undefined
        : setTimeout(
            () =>
              end(
                new TensorRTNodeError(
                  'ERR_DEADLINE',
                  `The build did not end within ${options.timeoutMs} ms`,
                ),
              ),
            Math.max(0, deadline - performance.now()),
          );
    try {
      return await child.run(job, eventHandler(options));
    } catch (error) {
      if (error instanceof TensorRTNodeError && error.code === 'ERR_BUILD_CRASHED') {
        await child.closed;
        if (ended) throw ended.reason;
        this.#requireOpen();
      }
      throw error;
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
    }
  }
}

/** Turns the build process's events into log records and progress. What a listener throws is ignored. */
function eventHandler(options: EngineBuildOptions): (events: TrtBuildEvent[]) => void {
  const open = new Map<string, { parent?: string; step: number; steps: number }>();
  const report = (phase: string, finished: boolean): void => {
    const state = open.get(phase);
    if (state) options.onProgress?.({ phase, ...state, finished });
  };
  const handle = (event: TrtBuildEvent): void => {
    switch (event.type) {
      case 'log': {
        const record = { level: event.level, source: 'tensorrt', message: event.message };
        log(record.level, record.source, record.message);
        options.onLog?.(record);
        break;
      }
      case 'phase-start': {
        const { phase, parent, steps } = event;
        open.set(phase, { ...(parent === undefined ? {} : { parent }), step: 0, steps });
        report(phase, false);
        break;
      }
      case 'step': {
        const state = open.get(event.phase);
        // Steps count from 0 and arrive when they are done.
        if (state) state.step = Math.min(event.step + 1, state.steps);
        report(event.phase, false);
        break;
      }
      case 'phase-finish':
        report(event.phase, true);
        open.delete(event.phase);
        break;
      case 'parser-error':
        // The error that ends the build names it.
        break;
    }
  };
  return (events) => {
    for (const event of events) {
      try {
        handle(event);
      } catch {
        // A listener must not end the build.
      }
    }
  };
}

/** Fails before a long build where the plan could not be put afterwards. */
async function requireWritable(output: string): Promise<void> {
  const file = path.resolve(output);
  try {
    await access(path.dirname(file), constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new TensorRTNodeError(
      'ERR_IO',
      `Expected a folder that can be written to for options.output but received ${file}: ${(cause as Error).message}`,
      { cause },
    );
  }
  const existing = await stat(file).catch(() => undefined);
  if (existing?.isDirectory()) {
    throw new TensorRTNodeError(
      'ERR_IO',
      `Expected a file for options.output but ${file} is a directory`,
    );
  }
}
