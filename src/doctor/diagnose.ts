import nodeGypBuild from 'node-gyp-build';
import { findTensorRT, selectTensorRT, type TensorRTCandidate } from '../engine/library';
import { fromNative } from '../errors';
import { native, packageRoot } from '../native/binding';
import type { BuildInfo } from '../native/contract';
import type { CudaProbe } from '../native/cuda-contract';
import type { TrtFlavors } from '../native/trt-contract';
import { packageVersion } from '../package-version';
import { findObstacle, runsEngines } from '../session/backends/tensorrt';
import {
  findOnnxRuntime,
  type OnnxRuntimeCandidate,
  selectOnnxRuntime,
} from '../session/onnxruntime';
import { findOpenVino, type OpenVinoCandidate, selectOpenVino } from '../session/openvino';
import { adviseOn } from './advice';
import { describeMachine, findNvidiaTraces, type MachineFacts, type NvidiaTraces } from './machine';

/** Whether something works here, and why or why not: one sentence. */
export interface Ability {
  readonly works: boolean;
  readonly reason: string;
}

export interface AddonFacts extends Partial<BuildInfo> {
  /** The .node file that was taken, or would be. */
  readonly path?: string;
  readonly flavors?: TrtFlavors;
  /** Why it could not be loaded; absent when it was. */
  readonly error?: string;
}

export interface Diagnosis {
  readonly version: string;
  readonly root: string;
  /** Running models on the CPU, running engines on a GPU, building engines. */
  readonly abilities: { readonly cpu: Ability; readonly gpu: Ability; readonly build: Ability };
  readonly machine: MachineFacts;
  readonly addon: AddonFacts;
  readonly sharp: { readonly version?: string; readonly libvips?: string; readonly error?: string };
  readonly onnxruntime: {
    readonly path?: string;
    readonly version?: string;
    readonly candidates: readonly OnnxRuntimeCandidate[];
  };
  /** The other engine for the CPU, where it was found. */
  readonly openvino: {
    readonly path?: string;
    readonly version?: string;
    readonly candidates: readonly OpenVinoCandidate[];
  };
  /** Absent when the addon, which asks the driver, could not be loaded. */
  readonly cuda?: CudaProbe;
  readonly nvidia: NvidiaTraces;
  readonly tensorrt: readonly TensorRTCandidate[];
  /** What is lacking and what to do about it, the gravest first. */
  readonly advice: readonly Advice[];
}

export interface Advice {
  readonly lack: string;
  readonly fix: string;
}

/** Looks at everything that this package needs of the machine. Never rejects for what it finds. */
export async function diagnose(): Promise<Diagnosis> {
  const addon = describeAddon();
  const hasAddon = addon.error === undefined;
  const noAddon: Ability = { works: false, reason: 'the native addon cannot be loaded' };
  const [onnxruntime, openvino, cuda, tensorrt] = await Promise.all([
    describeOnnxRuntime(hasAddon),
    describeOpenVino(hasAddon),
    hasAddon ? native().cudaProbe() : undefined,
    hasAddon ? findTensorRT() : [],
  ]);
  const facts: Omit<Diagnosis, 'advice'> = {
    version: packageVersion(),
    root: packageRoot,
    abilities: {
      cpu: hasAddon ? cpuAbility(onnxruntime.ability, openvino) : noAddon,
      gpu: hasAddon ? await gpuAbility() : noAddon,
      build: hasAddon ? await buildAbility(cuda!) : noAddon,
    },
    machine: describeMachine(),
    addon,
    sharp: describeSharp(),
    onnxruntime: onnxruntime.facts,
    openvino,
    ...(cuda === undefined ? {} : { cuda }),
    nvidia: findNvidiaTraces(),
    tensorrt,
  };
  return { ...facts, advice: adviseOn(facts) };
}

/** Models can be run here, in one way or the other. */
export function canRun({ abilities }: Pick<Diagnosis, 'abilities'>): boolean {
  return abilities.cpu.works || abilities.gpu.works;
}

function describeAddon(): AddonFacts {
  let file: string | undefined;
  try {
    file = nodeGypBuild.resolve(packageRoot);
  } catch {
    // native() explains it.
  }
  const where = file === undefined ? {} : { path: file };
  try {
    const addon = native();
    return { ...where, ...addon.buildInfo(), flavors: addon.trtFlavors() };
  } catch (thrown) {
    return { ...where, error: (thrown as Error).message };
  }
}

async function describeOnnxRuntime(hasAddon: boolean) {
  if (!hasAddon) {
    return { facts: { candidates: findOnnxRuntime() }, ability: { works: false, reason: '' } };
  }
  try {
    const { path: file, version, candidates } = await selectOnnxRuntime();
    return {
      facts: { path: file, version, candidates },
      ability: { works: true, reason: `ONNX Runtime ${version}` },
    };
  } catch (thrown) {
    return {
      facts: { candidates: findOnnxRuntime() },
      ability: { works: false, reason: sentenceOf(thrown) },
    };
  }
}

async function describeOpenVino(hasAddon: boolean): Promise<Diagnosis['openvino']> {
  if (!hasAddon) return { candidates: await findOpenVino() };
  try {
    const { path: file, version, candidates } = await selectOpenVino();
    return { path: file, version, candidates };
  } catch {
    return { candidates: await findOpenVino() };
  }
}

/** With an engine that is asked for by name, OpenVINO runs models too; by itself only without the other. */
function cpuAbility(onnxruntime: Ability, { version }: Diagnosis['openvino']): Ability {
  if (version === undefined) return onnxruntime;
  return onnxruntime.works
    ? {
        works: true,
        reason: `${onnxruntime.reason}; OpenVINO ${version} for cpu.engine "openvino"`,
      }
    : { works: true, reason: `OpenVINO ${version}` };
}

async function gpuAbility(): Promise<Ability> {
  const obstacle = await findObstacle();
  if (obstacle) return { works: false, reason: obstacle.message };
  const { flavor, version } = await selectTensorRT({ purpose: 'run' });
  const library = `TensorRT ${version} (${flavor})`;
  return runsEngines
    ? { works: true, reason: library }
    : {
        works: false,
        reason: `${library} and a device are there, but this version does not run engines yet`,
      };
}

async function buildAbility({ devices }: CudaProbe): Promise<Ability> {
  try {
    const { flavor, version } = await selectTensorRT({ purpose: 'build' });
    const library = `TensorRT ${version} (${flavor})`;
    if (flavor === 'rtx1') return { works: true, reason: `${library}, with or without a GPU` };
    if (devices.length > 0)
      return { works: true, reason: `${library}, for the GPUs of this machine` };
    return { works: false, reason: `${library} builds on a machine with a GPU only` };
  } catch (thrown) {
    return { works: false, reason: sentenceOf(thrown) };
  }
}

function sentenceOf(thrown: unknown): string {
  return fromNative(thrown).message;
}

function describeSharp(): Diagnosis['sharp'] {
  try {
    const { versions } = require('sharp') as { versions: Record<string, string> };
    return { version: versions.sharp!, libvips: versions.vips! };
  } catch (thrown) {
    return { error: (thrown as Error).message.trim().split('\n')[0]! };
  }
}
