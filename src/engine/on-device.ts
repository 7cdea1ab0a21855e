import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TensorRTNodeError } from '../errors';
import { native } from '../native/binding';
import { type Flavor, flavors } from '../native/trt-contract';
import type { TrtEngineReport } from '../native/trt-tool-contract';
import {
  reading,
  readOptions,
  requireBoolean,
  requireInteger,
  requireOneOf,
  requireSignal,
} from '../validate';
import type { EngineDescription } from './engine';
import type { EngineFacts } from './engine-facts';
import { type EngineLayers, parseInspectorJson } from './layers';
import { selectTensorRT } from './library';
import { type PlanJob, runTool } from './tool-process';

/** How an engine is loaded on a device, in a process of its own. */
export interface EngineDeviceOptions {
  /** TensorRT product to load it with; needed only for a plan that does not tell. */
  flavor?: Flavor;
  /** Lets a version-compatible engine bring its own runtime, which is code that runs on the host. Default false. */
  allowHostCode?: boolean;
  /** Time limit in milliseconds. Default none. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** What TensorRT says of an engine that it has loaded. Shapes hold -1 where a dimension is free. */
export interface EngineDetails extends Omit<TrtEngineReport, 'layers' | 'inspector'> {
  /** Layers, as far as `profilingVerbosity` let the engine keep them. */
  layers: EngineLayers;
  /** Number of layers, also where nothing more is told of them. */
  layerCount: number;
  /** TensorRT's warnings while it was loaded. */
  warnings: string[];
}

/** A plan that is about to be loaded: what is known of it, and how to get at its bytes. */
export interface EnginePlan {
  description: EngineDescription;
  /** What the file itself states; undefined for a plan of others. */
  facts: EngineFacts | undefined;
  /** Checks that the plan is still the one that was loaded. */
  open(): Promise<{ path?: string; bytes?: Uint8Array; planOffset: number }>;
}

const optionNames = ['flavor', 'allowHostCode', 'timeoutMs', 'signal'];

/** The caller's options, each read once. @throws ERR_INVALID_ARGUMENT */
export function readDeviceOptions<T extends EngineDeviceOptions>(
  given: T,
  more: readonly string[] = [],
): T {
  const options = readOptions('options', given, [...optionNames, ...more]);
  reading('options', () => {
    if (options.flavor !== undefined) requireOneOf('options.flavor', options.flavor, flavors);
    if (options.allowHostCode !== undefined)
      requireBoolean('options.allowHostCode', options.allowHostCode);
    if (options.timeoutMs !== undefined)
      requireInteger('options.timeoutMs', options.timeoutMs, 1, 2 ** 31 - 1);
    if (options.signal !== undefined) requireSignal('options.signal', options.signal);
  });
  return options;
}

/** Asks the driver, and nothing of TensorRT. @throws ERR_NO_DEVICE */
export async function requireDevice(purpose: string): Promise<void> {
  const { devices, reason } = await native().cudaProbe();
  if (devices.length > 0) return;
  throw new TensorRTNodeError(
    'ERR_NO_DEVICE',
    `Expected a CUDA device to ${purpose} but found none: ${reason ?? 'the driver lists no device'}`,
  );
}

/**
 * Makes the plan a file, chooses the library, and runs `work`; what is private to it lies in a folder that is
 * deleted afterwards. The device is asked for first.
 */
export async function withPlan<T>(
  purpose: string,
  plan: EnginePlan,
  options: EngineDeviceOptions,
  work: (job: PlanJob, folder: string) => Promise<T>,
): Promise<T> {
  await requireDevice(purpose);
  options.signal?.throwIfAborted();
  const flavor = options.flavor ?? plan.description.flavor;
  const library = await selectTensorRT({
    ...(flavor === undefined ? {} : { flavor }),
    purpose: 'run',
  });
  const folder = await mkdtemp(path.join(tmpdir(), 'tensorrt-node-engine-'));
  try {
    const source = await plan.open();
    let planPath = source.path;
    if (planPath === undefined) {
      planPath = path.join(folder, 'plan.engine');
      await writeFile(planPath, source.bytes!);
    }
    const job: PlanJob = {
      libraryPath: library.libraryPath,
      parserPath: library.parserPath,
      planPath,
      planOffset: source.planOffset,
      allowHostCode: options.allowHostCode ?? false,
    };
    return await work(job, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** See `Engine.inspectOnDevice`. */
export async function inspectOnDevice(
  plan: EnginePlan,
  given: EngineDeviceOptions,
): Promise<EngineDetails> {
  const options = readDeviceOptions(given);
  return withPlan('load the engine', plan, options, async (job) => {
    const answer = await runTool('inspects the engine', { kind: 'inspect', ...job }, options);
    const report = JSON.parse(answer.report) as TrtEngineReport;
    const { inspector, layers: layerCount, ...rest } = report;
    return {
      ...rest,
      layerCount,
      layers: parseInspectorJson(inspector),
      warnings: answer.warnings,
    };
  });
}
