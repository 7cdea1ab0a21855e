import { writeFileSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { publish } from '../files';
import { native } from '../native/binding';
import type { TrtBuildEvent } from '../native/trt-contract';
import { readOnnxModel } from '../onnx/model';
import { packageVersion } from '../package-version';
import type { BuildJob, BuildJobResult, FromWorker, ToWorker } from './build-protocol';
import { recordedLayers } from './layer-record';
import {
  buildingMachine,
  explainFailure,
  explainLackOfDevice,
  modelPlugins,
  modelSha256,
} from './model-facts';
import { readModelMetadata } from './model-metadata';
import { bufferSha256 } from './plan-buffer';
import { type EngineFacts, encodePlanPrefix } from './plan-file';
import type * as PrepareModel from './prepare-model';
import { readProcessMemory, resetPeakMemory } from './process-memory';
import { serializeError } from './serialize-error';
import { loadForBuild, runTimingCacheJob, saveAfterBuild } from './timing-cache-job';

/**
 * The build process: the only place where NVIDIA's parser and builder run. It takes jobs over IPC, one at a
 * time, and ends when its parent does, however the parent ends.
 */

const severity = { error: 1, warn: 2, info: 3, verbose: 4 } as const;
/** How long events gather before they are sent: a step of a phase is often far shorter. */
const eventDelayMs = 20;

/**
 * How long a build waits, once TensorRT is loaded, for what is read of the model meanwhile: beside the build it
 * would take time and memory from it. Enough for some ten megabytes.
 */
const factsHeadStartMs = 100;

let current: BuildJob | undefined;

function send(message: FromWorker): void {
  // The callback takes the error of a parent that is gone; `disconnect` deals with that.
  process.send?.(message, undefined, undefined, () => {});
}

/** Gathers events and sends them in few messages. */
class EventSender {
  #events: TrtBuildEvent[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(readonly id: number) {}

  push(event: TrtBuildEvent): void {
    this.#events.push(event);
    this.#timer ??= setTimeout(() => this.flush(), eventDelayMs);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#events.length > 0) send({ type: 'events', id: this.id, events: this.#events });
    this.#events = [];
  }
}

async function run(message: ToWorker): Promise<void> {
  const { id } = message;
  const events = new EventSender(id);
  const isPeakReset = resetPeakMemory();
  send({ type: 'started', id, isPeakReset });
  try {
    const result =
      message.type === 'build'
        ? await build(message.job, events, isPeakReset)
        : await runTimingCacheJob(message.job);
    events.flush();
    send({ type: 'done', id, result });
  } catch (error) {
    events.flush();
    send({ type: 'failed', id, error: serializeError(error) });
  }
}

async function build(
  job: BuildJob,
  events: EventSender,
  isPeakReset: boolean,
): Promise<BuildJobResult> {
  const { library, options } = job;
  // These run while TensorRT is loaded, and beside the build where the model is so large that they take longer;
  // what goes wrong in them is looked at when it has succeeded.
  const { modelPath } = job;
  // One reading for all; where external data is amiss, the rest of the file still tells.
  const model = readOnnxModel(modelPath).catch(() =>
    readOnnxModel(modelPath, { checkExternalData: false }),
  );
  const digest = modelSha256(modelPath, model);
  digest.catch(() => {});
  const modelMetadata = readModelMetadata(model);
  const plugins = modelPlugins(model);
  const machine = buildingMachine();
  const startedAt = performance.now();
  const prepared = await prepare(job);
  const prepareMs = performance.now() - startedAt;
  const { timingCache } = options;
  const caches = timingCache && (await loadForBuild(timingCache));
  const loadingAt = performance.now();
  events.push({ type: 'stage', stage: 'load' });
  await native().trtLoad(library.libraryPath, library.parserPath);
  const facts = Promise.allSettled([digest, modelMetadata, plugins, machine]);
  await Promise.race([facts, sleep(factsHeadStartMs, undefined, { ref: false })]);
  const loadedMs = performance.now() - loadingAt;
  const built = await native()
    .trtBuild(
      {
        libraryPath: library.libraryPath,
        parserPath: library.parserPath,
        modelPath: prepared.modelPath,
        profiles: options.profiles,
        computeCapabilities: options.computeCapabilities.map((text) =>
          text === 'current' ? 1 : Number(text.replace('.', '')),
        ),
        settings: options.settings,
        extraMemoryTargets: options.extraMemoryTargets,
        tensors: options.tensors,
        ...(caches ? { timingCache: { caches, ignoreMismatch: timingCache!.ignoreMismatch } } : {}),
        maxSeverity: severity[options.logLevel],
      },
      (event) => events.push(event),
    )
    .catch(async (error) => {
      const explained = await explainFailure(error, job.modelPath);
      throw explainLackOfDevice(explained, library.flavor, options.settings);
    });
  const builtAt = performance.now();
  events.push({ type: 'stage', stage: 'write' });
  try {
    const layers = recordedLayers(built.layers);
    const facts: EngineFacts = {
      format: 1,
      packageVersion: packageVersion(),
      createdAt: new Date().toISOString(),
      flavor: library.flavor,
      tensorrtVersion: library.version,
      computeCapabilities: options.computeCapabilities,
      profiles: options.profiles,
      options: {
        ...Object.fromEntries(options.settings.map(({ name, value }) => [name, value])),
        ...options.transforms,
        ...(options.transforms.precision ? { precision: options.transforms.precision.type } : {}),
      },
      ...(prepared.passes.length > 0 ? { graphPasses: prepared.passes } : {}),
      onnxSha256: await digest,
      planSha256: bufferSha256(built.plan, built.byteLength),
      inputs: built.inputs,
      outputs: built.outputs,
      ...(job.onnxPath === undefined ? {} : { onnxPath: job.onnxPath }),
      ...(job.given === undefined ? {} : { given: job.given }),
      ...(await machine),
      plugins: await plugins,
      ...(layers === undefined ? {} : { layers }),
    };
    const metadata = { ...(await modelMetadata), ...options.metadata };
    const prefix = encodePlanPrefix(metadata, facts);
    await native().trtPlanWrite(built.plan, job.temporaryPath, prefix);
    await publish(job.temporaryPath, job.outputPath);
    // Last: where it cannot be saved the plan is there all the same.
    if (timingCache && built.timingCache)
      await saveAfterBuild(library, timingCache, built.timingCache);
    const { size } = await stat(job.outputPath);
    const { parseMs, buildMs, cpuMs, warnings, startMemoryBytes, peakMemoryBytes } = built.stats;
    return {
      facts,
      metadata,
      byteLength: size,
      report: {
        peakMemoryBytes: readProcessMemory('self')?.peakBytes,
        peakMemoryIsOfThisBuild: isPeakReset,
        memoryGrowthBytes:
          startMemoryBytes === 0 ? undefined : Math.max(0, peakMemoryBytes - startMemoryBytes),
        prepareMs,
        loadMs: loadedMs + built.stats.loadMs,
        parseMs,
        buildMs,
        cpuMs,
        writeMs: performance.now() - builtAt,
        warnings,
      },
    };
  } finally {
    native().bufferRelease(built.plan);
  }
}

/** The graph's passes are loaded only where one is asked for: they are a third of this program. */
async function prepare({ modelPath, options, privateFolder }: BuildJob) {
  if (Object.keys(options.transforms).length === 0) return { modelPath, passes: [] };
  const { prepareModel } = require('./prepare-model') as typeof PrepareModel;
  return prepareModel(modelPath, options.transforms, privateFolder);
}

/** Parent gone: nobody else can delete what this process has begun. SIGKILL, since a build cannot be waited for. */
async function endWithParent(): Promise<void> {
  try {
    if (current) {
      await rm(current.temporaryPath, { force: true });
      if (current.privateFolder) await rm(current.privateFolder, { recursive: true, force: true });
    }
  } finally {
    process.kill(process.pid, 'SIGKILL');
  }
}

/** The collector, got without a flag on the command line, which an Electron may refuse. */
const collectGarbage: () => void = (() => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();

function main(): void {
  process.once('disconnect', () => void endWithParent());
  // A terminal's Ctrl-C reaches the whole group; what it means for a build is the parent's decision.
  process.on('SIGINT', () => {});
  try {
    // When memory runs out the kernel should take this process and leave the service alone.
    writeFileSync('/proc/self/oom_score_adj', '800');
  } catch {
    // Not Linux, or not allowed.
  }
  let queue: Promise<void> = Promise.resolve();
  process.on('message', (message: ToWorker) => {
    queue = queue.then(async () => {
      current = message.type === 'build' ? message.job : undefined;
      await run(message);
      current = undefined;
      // A process that waits for its next job should not sit on the garbage of the last model.
      collectGarbage();
    });
  });
}

main();
