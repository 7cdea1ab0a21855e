import { type FileHandle, open, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { TensorRTNodeError } from '../errors';
import { temporaryNameOf } from '../files';
import type { TrtWeightsReport } from '../native/trt-tool-contract';
import { readOnnxModel } from '../onnx/model';
import { checkTransforms, type GraphTransforms, transformNames } from '../onnx/transforms';
import { packageVersion } from '../package-version';
import { type ModelInput, type ModelSource, openModel } from '../session/model-input';
import { byteLengthOf, type DType } from '../tensor/dtype';
import { Tensor, type TensorLike } from '../tensor/tensor';
import { invalidArgument, invalidValue, reading, requireBoolean, requireString } from '../validate';
import { inputSha256 } from './build-key';
import { Engine, type EngineDescription } from './engine';
import type { EngineFacts } from './engine-facts';
import {
  type EngineDeviceOptions,
  type EnginePlan,
  readDeviceOptions,
  withPlan,
} from './on-device';
import { recordedOptions } from './rebuild';
import { runTool, type ToolJob } from './tool-process';

/** New weights: an ONNX model, or tensors by the names that `engine.weights()` lists. */
export type RefitSource = ModelSource | Readonly<Record<string, Tensor | TensorLike>>;

export interface RefitOptions extends EngineDeviceOptions {
  /** File that the new engine is written to, replaced in one step. Default: kept in memory. */
  output?: string;
  /** A stripped engine stays refittable when its weights are in. TensorRT 10.14 and later. Default false. */
  keepRefittable?: boolean;
  /**
   * Takes other weights for an engine that is `refitIdentical`, or was stripped and nothing else. TensorRT builds
   * those on the promise that the weights come back unchanged, and does not check it. Default false.
   */
  allowOtherModel?: boolean;
}

/** Weights of an engine that a refit can change. */
export interface EngineWeights {
  weights: { name: string; dtype: string; count: number }[];
  /** Those that the plan lacks: all of them in a stripped one. */
  missing: string[];
}

/** Element types that TensorRT has weights of. */
const weightTypes: readonly DType[] = [
  'float32',
  'float16',
  'bfloat16',
  'int8',
  'uint8',
  'int32',
  'int64',
  'bool',
  'int4',
  'float4e2m1',
  'float8e4m3fn',
];

/** See `Engine.weights`. */
export async function listWeights(
  plan: EnginePlan,
  given: EngineDeviceOptions,
): Promise<EngineWeights> {
  const options = readDeviceOptions(given);
  requireRefittable(plan.description);
  return withPlan('list the weights of an engine', plan, options, async (job) => {
    const answer = await runTool('lists the weights', { kind: 'weights', ...job }, options);
    return JSON.parse(answer.report) as TrtWeightsReport;
  });
}

/** See `Engine.refit`. */
export async function refitEngine(
  plan: EnginePlan,
  source: RefitSource,
  given: RefitOptions,
): Promise<Engine> {
  // All that can be told without a device is told first: a mistake is the same on every machine.
  const options = readDeviceOptions(given, ['output', 'keepRefittable', 'allowOtherModel']);
  if (options.output !== undefined) requireString('options.output', options.output);
  for (const name of ['keepRefittable', 'allowOtherModel'] as const) {
    if (options[name] !== undefined) requireBoolean(`options.${name}`, options[name]);
  }
  const { description } = plan;
  requireRefittable(description);
  const named = isModelSource(source) ? undefined : reading('weights', () => checkWeights(source));
  if (named && mustBeSame(description) && !options.allowOtherModel) {
    throw invalidValue(
      'weights',
      'the ONNX model that the engine was built from, since it takes the same weights alone',
      'tensors by name',
    );
  }
  const model = named ? undefined : await checkModel(description, source as ModelSource, options);
  return withPlan('refit an engine', plan, options, async (job, folder) => {
    if (model && job.parserPath === '') {
      throw new TensorRTNodeError(
        'ERR_TENSORRT_UNAVAILABLE',
        `Expected an ONNX parser beside ${job.libraryPath} to refit an engine from a model but found none`,
      );
    }
    const output = path.resolve(options.output ?? path.join(folder, 'refitted.engine'));
    const values = path.join(folder, 'weights.bin');
    let modelPath = model?.input.path ?? '';
    if (model?.input.bytes) {
      modelPath = path.join(folder, 'model.onnx');
      await writeFile(modelPath, model.input.bytes);
    }
    const refit: Extract<ToolJob, { kind: 'refit' }> = {
      ...job,
      kind: 'refit',
      modelPath,
      transforms: model?.transforms ?? {},
      privateFolder: folder,
      weightsPath: named ? values : '',
      weights: named ? await writeWeights(named, values) : [],
      keepRefittable: options.keepRefittable ?? false,
      temporaryPath: temporaryNameOf(output),
      outputPath: output,
      facts: newFacts(plan, model, named?.length, options),
      metadata: { ...description.metadata },
    };
    try {
      await runTool('refits the engine', refit, options);
    } finally {
      // A process that was ended leaves it.
      await rm(refit.temporaryPath, { force: true });
    }
    // What was just written needs no signature to be read back.
    const unsigned = { verifyKey: false } as const;
    return options.output === undefined
      ? Engine.load(await readFile(output), unsigned)
      : Engine.load(output, unsigned);
  });
}

const isStripped = ({ options }: EngineDescription): boolean => options?.stripWeights === true;

const refitKinds = ['refittable', 'refitIdentical', 'refitIndividual'];

function refitKindsOf({ options }: EngineDescription): string[] {
  return refitKinds.filter((kind) => options?.[kind] === true);
}

/** TensorRT promises nothing for other weights; a plan that was stripped and nothing else counts as `refitIdentical`. */
function mustBeSame(description: EngineDescription): boolean {
  const kinds = refitKindsOf(description);
  return kinds.includes('refitIdentical') || (isStripped(description) && kinds.length === 0);
}

function requireRefittable(description: EngineDescription): void {
  // A plan that does not say how it was built is TensorRT's to judge.
  if (description.options === undefined) return;
  if (isStripped(description) || refitKindsOf(description).length > 0) return;
  throw invalidValue(
    'the engine',
    'one that was built with refittable or stripWeights',
    'one that was built with neither; build it anew with refittable: true',
  );
}

function isModelSource(source: RefitSource): source is ModelSource {
  if (typeof source !== 'object' || source === null) return true;
  const tag = Object.prototype.toString.call(source);
  return source instanceof URL || tag === '[object Uint8Array]' || tag === '[object ArrayBuffer]';
}

interface RefitModel {
  input: ModelInput;
  sha256: string;
  transforms: ReturnType<typeof checkTransforms>;
}

async function checkModel(
  description: EngineDescription,
  source: ModelSource,
  options: RefitOptions,
): Promise<RefitModel> {
  const input = await openModel(source);
  if (input.kind === 'engine') {
    throw invalidValue('weights', 'an ONNX model or tensors by name', `the engine ${input.label}`);
  }
  const info = await readOnnxModel(source);
  const sha256 = await inputSha256(input);
  const { onnxSha256 } = description;
  const isSame = onnxSha256 === sha256;
  if (mustBeSame(description) && !isSame && !options.allowOtherModel) {
    throw invalidValue(
      'weights',
      `the model that the engine was built from, since it takes the same weights alone (SHA-256 ${onnxSha256?.slice(0, 12)}…)`,
      `${input.label} (SHA-256 ${sha256.slice(0, 12)}…)`,
    );
  }
  const recorded = recordedOptions(description) as Record<string, unknown>;
  const transforms = checkTransforms(
    'options',
    Object.fromEntries(
      transformNames.flatMap((name) =>
        recorded[name] === undefined ? [] : [[name, recorded[name]]],
      ),
    ) as GraphTransforms,
  );
  // Edits of the graph may rename inputs and outputs; without any, they are the engine's.
  if (Object.keys(transforms).length === 0) {
    requireSameNames('inputs', description.inputs, info.inputs, input.label);
    requireSameNames('outputs', description.outputs, info.outputs, input.label);
  }
  return { input, sha256, transforms };
}

function requireSameNames(
  what: 'inputs' | 'outputs',
  engine: readonly { name: string }[] | undefined,
  model: readonly { name: string }[],
  label: string,
): void {
  if (engine === undefined) return;
  const listOf = (values: readonly { name: string }[]): string =>
    values.map(({ name }) => `"${name}"`).join(', ');
  const names = new Set(model.map(({ name }) => name));
  if (engine.length === names.size && engine.every(({ name }) => names.has(name))) return;
  throw invalidValue(
    'weights',
    `a model with the engine's ${what} ${listOf(engine)}`,
    `${label} with ${listOf(model) || 'none'}`,
  );
}

function checkWeights(source: Exclude<RefitSource, ModelSource>): [string, Tensor][] {
  const entries = Object.entries(source);
  if (entries.length === 0) throw invalidArgument('weights', 'at least one tensor', source);
  return entries.map(([name, value]) => {
    const label = `weights.${name}`;
    if (name === '') throw invalidValue('weights', 'names that are not empty', '""');
    const tensor = Tensor.of(label, value);
    if (!weightTypes.includes(tensor.dtype)) {
      throw invalidValue(label, `one of ${weightTypes.join(', ')}`, tensor.dtype);
    }
    if (tensor.size === 0) throw invalidValue(label, 'at least one value', 'an empty tensor');
    return [name, tensor];
  });
}

/** One file of all values, each from a place that suits every element type on. */
async function writeWeights(
  weights: readonly [string, Tensor][],
  file: string,
): Promise<{ name: string; dtype: string; offset: number; count: number }[]> {
  const alignment = 64;
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, 'wx');
    let offset = 0;
    const places = [];
    for (const [name, tensor] of weights) {
      const view = tensor.data as ArrayBufferView;
      const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      await handle.write(bytes, 0, bytes.length, offset);
      places.push({ name, dtype: tensor.dtype, offset, count: tensor.size });
      const end = offset + byteLengthOf(tensor.dtype, tensor.size);
      offset = Math.ceil(end / alignment) * alignment;
    }
    return places;
  } finally {
    await handle?.close();
  }
}

/** Undefined for a plan that had none: nothing is made up about it. */
function newFacts(
  { description, facts }: EnginePlan,
  model: RefitModel | undefined,
  namedWeights: number | undefined,
  { keepRefittable }: RefitOptions,
): EngineFacts | undefined {
  if (facts === undefined) return undefined;
  const { onnxPath: _, ...kept } = facts;
  const filled = isStripped(description) ? filledOptions(description, keepRefittable) : {};
  return {
    ...kept,
    packageVersion: packageVersion(),
    createdAt: new Date().toISOString(),
    options: { ...facts.options, ...filled },
    ...(facts.given ? { given: { ...facts.given, ...filled } } : {}),
    ...(model ? { onnxSha256: model.sha256 } : {}),
    ...(model?.input.path === undefined ? {} : { onnxPath: model.input.path }),
    ...(namedWeights === undefined ? {} : { refittedWeights: namedWeights }),
  };
}

/** How an engine would have to be built to be what a stripped one becomes with its weights. */
function filledOptions(
  description: EngineDescription,
  keepRefittable: boolean | undefined,
): Record<string, boolean> {
  const kinds = refitKindsOf(description);
  if (!keepRefittable) {
    return Object.fromEntries([['stripWeights', false], ...kinds.map((kind) => [kind, false])]);
  }
  return { stripWeights: false, ...(kinds.length === 0 ? { refitIdentical: true } : {}) };
}
