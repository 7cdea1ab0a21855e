import { TensorRTNodeError } from '../errors';
import { log } from '../log';
import type { ModelInput } from '../session/model-input';
import type { EngineBuildOptions } from './build-options';
import { type Compatibility, explainCompatibility } from './compatibility';
import { Engine, type EngineLoadOptions } from './engine';
import { selectTensorRT } from './library';
import { describeEngineMachine, type EngineMachine } from './machine';
import { Manifest, type ManifestWanted } from './manifest';
import { adaptTo, rebuildEngine, targetCapabilities } from './rebuild';

export interface AcquireOptions {
  /** Where built engines are kept. Default true: the user's cache. */
  cache?: EngineBuildOptions['cache'];
  /** Options of builds. */
  build?: EngineBuildOptions;
  /** Builds an engine anew that does not run here, from the ONNX that it names. Default false. */
  rebuild?: boolean;
  /** The ONNX file for that, in place of the one that the engine names. */
  model?: string;
  verifyKey?: EngineLoadOptions['verifyKey'];
  /** Which engine of a manifest; default: the first that runs here. */
  wanted?: ManifestWanted;
  /** Default: this one. */
  machine?: EngineMachine;
}

export interface AcquiredEngine {
  engine: Engine;
  compatibility: Compatibility;
  /** How it was come by, and why so: sentences. */
  reasons: readonly string[];
}

/**
 * The engine of a model for a machine: an engine file that fits, the match of a manifest, an ONNX model's engine out
 * of the cache, or one that is built for it.
 * @throws ERR_ENGINE_INCOMPATIBLE when an engine does not run here, with a sentence for each reason; and see
 * `Engine.load` and `Engine.build`
 */
export async function acquireEngine(
  model: ModelInput,
  options: AcquireOptions = {},
): Promise<AcquiredEngine> {
  const machine = options.machine ?? (await describeEngineMachine());
  if (model.kind === 'onnx') return buildFor(model, machine, options);
  if (model.kind === 'manifest') {
    const manifest = await Manifest.read(model.path!);
    const { engine, entry, compatibility } = await manifest.load(machine, {
      ...options.wanted,
      ...(options.verifyKey === undefined ? {} : { verifyKey: options.verifyKey }),
    });
    return {
      engine,
      compatibility,
      reasons: [`engine "${entry.name}" of ${model.label} fits: ${compatibility.summary}`],
    };
  }
  const engine = await Engine.load(
    model.path ?? model.bytes!,
    options.verifyKey === undefined ? {} : { verifyKey: options.verifyKey },
  );
  return fitOrRebuild(engine, model.label, machine, options);
}

/** The engine itself where it runs or may run, one built anew where that is wanted and helps. */
export async function fitOrRebuild(
  engine: Engine,
  label: string,
  machine: EngineMachine,
  options: AcquireOptions,
): Promise<AcquiredEngine> {
  const description = engine.inspect();
  const compatibility = explainCompatibility(description, machine);
  if (compatibility.runs !== 'no') {
    if (compatibility.runs === 'unknown')
      log('warn', 'engine', `${label}: ${compatibility.summary}`);
    return { engine, compatibility, reasons: [compatibility.summary] };
  }
  if (!options.rebuild || !compatibility.rebuildHelps) throw incompatible(label, compatibility);
  const rebuilt = await rebuildEngine(description, engine.path, {
    ...adaptTo(description, machine),
    ...(options.cache === false ? {} : { cache: options.cache ?? true }),
    ...options.build,
    ...(options.model === undefined ? {} : { model: options.model }),
  });
  await engine.dispose();
  const after = explainCompatibility(rebuilt.inspect(), machine);
  if (after.runs === 'no') throw incompatible(`the engine built anew from ${label}`, after);
  return { engine: rebuilt, compatibility: after, reasons: [compatibility.summary, how(rebuilt)] };
}

async function buildFor(
  model: ModelInput,
  machine: EngineMachine,
  { build = {}, cache = true }: AcquireOptions,
): Promise<AcquiredEngine> {
  const { flavor } = await selectTensorRT({
    ...(build.flavor === undefined ? {} : { flavor: build.flavor }),
    purpose: 'build',
  });
  const engine = await Engine.build(model.path ?? model.bytes!, {
    computeCapabilities: targetCapabilities(flavor, machine.devices[0]?.computeCapability),
    ...build,
    flavor,
    ...(cache === false ? {} : { cache }),
  });
  const compatibility = explainCompatibility(engine.inspect(), machine);
  if (compatibility.runs === 'no')
    throw incompatible(`the engine built from ${model.label}`, compatibility);
  return { engine, compatibility, reasons: [how(engine), compatibility.summary] };
}

function how(engine: Engine): string {
  const { flavor, tensorrtVersion } = engine.inspect();
  return engine.fromCache
    ? `the engine was in the cache, built by ${flavor} ${tensorrtVersion}`
    : `the engine was built by ${flavor} ${tensorrtVersion}`;
}

function incompatible(label: string, compatibility: Compatibility): TensorRTNodeError {
  const hint = compatibility.rebuildHelps
    ? ' Build it for this machine, or let the option "rebuild" do it.'
    : '';
  return new TensorRTNodeError(
    'ERR_ENGINE_INCOMPATIBLE',
    `${label} cannot be used. ${compatibility.summary}${hint}`,
    { details: compatibility.reasons.map(({ topic, text }) => `${topic}: ${text}`) },
  );
}
