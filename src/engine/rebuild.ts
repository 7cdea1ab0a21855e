import { access } from 'node:fs/promises';
import path from 'node:path';
import { TensorRTNodeError } from '../errors';
import { openModel } from '../session/model-input';
import { givenOptions, inputSha256 } from './build-key';
import type { EngineBuildOptions } from './build-options';
import { Engine, type EngineDescription } from './engine';
import type { EngineMachine } from './machine';

/** Capabilities that TensorRT-RTX builds for. */
const rtxCapabilities = ['7.5', '8.0', '8.6', '8.9', '12.0', '12.1'];

export interface EngineRebuildOptions extends EngineBuildOptions {
  /** The ONNX file. Default: where it was when the engine was built, else beside the engine. */
  model?: string;
}

/**
 * Builds an engine anew from the ONNX file that its metadata names, with the options that it was built with and
 * those that are given now.
 * @param enginePath of the old engine; its folder is looked into too
 * @throws ERR_INVALID_ARGUMENT when the engine does not tell what it was built from, ERR_IO when the model is not
 * there, ERR_INVALID_MODEL when it is not the model any more; and see `Engine.build`
 */
export async function rebuildEngine(
  engine: EngineDescription,
  enginePath: string | undefined,
  { model, ...options }: EngineRebuildOptions = {},
): Promise<Engine> {
  const label = enginePath ?? 'the engine';
  const { onnxSha256, onnxPath } = engine;
  if (onnxSha256 === undefined) {
    throw new TensorRTNodeError(
      'ERR_INVALID_ARGUMENT',
      `Expected an engine file of this package to build anew but ${label} does not tell which ONNX model it was built from; build that with Engine.build`,
    );
  }
  if (engine.refittedWeights !== undefined) {
    throw new TensorRTNodeError(
      'ERR_INVALID_ARGUMENT',
      `Expected an engine with the weights of its ONNX model to build anew but weights of ${label} were replaced by name since; build the model with Engine.build and refit that engine`,
    );
  }
  const places = model !== undefined ? [model] : placesOf(onnxPath, enginePath);
  const found = await firstOf(places);
  if (found === undefined) {
    throw new TensorRTNodeError(
      'ERR_IO',
      places.length === 0
        ? `Expected an ONNX file to build ${label} anew but it was built from bytes; name the file by the option "model"`
        : `Expected the ONNX file of ${label} at ${places.join(' or ')} but it is not there; name it by the option "model"`,
    );
  }
  const sha256 = await inputSha256(await openModel(found));
  if (sha256 !== onnxSha256) {
    throw new TensorRTNodeError(
      'ERR_INVALID_MODEL',
      `Expected ${found} to be the model that ${label} was built from but it was changed since ` +
        `(SHA-256 ${sha256.slice(0, 12)}… in place of ${onnxSha256.slice(0, 12)}…); build it with Engine.build if the new one is meant`,
    );
  }
  return Engine.build(found, { ...recordedOptions(engine), ...options });
}

/**
 * The options that an engine says it was built with. A file can say anything: what belongs to a call, such as where
 * to write, is never taken from it.
 */
export function recordedOptions(engine: EngineDescription): EngineBuildOptions {
  return { ...givenOptions(optionsOf(engine)), metadata: engine.metadata };
}

function optionsOf(engine: EngineDescription): EngineBuildOptions {
  const { given, options, flavor, computeCapabilities = [], profiles = [] } = engine;
  if (given) return given as EngineBuildOptions;
  // Engines of before options were recorded as given.
  return {
    ...(options as EngineBuildOptions),
    ...(flavor === undefined ? {} : { flavor }),
    ...(computeCapabilities.length > 0 ? { computeCapabilities } : {}),
    ...(profiles.length > 0
      ? {
          shapes: profiles.map((ranges) =>
            Object.fromEntries(
              ranges.map(({ input, min, opt, max }) => [input, { min, opt, max }]),
            ),
          ),
        }
      : {}),
  };
}

/** What has to change so that an engine built with the same options suits a machine. */
export function adaptTo(engine: EngineDescription, machine: EngineMachine): EngineBuildOptions {
  const flavor =
    machine.libraries.find((library) => library.flavor === engine.flavor)?.flavor ??
    machine.libraries[0]?.flavor;
  const capability = machine.devices[0]?.computeCapability;
  return {
    ...(flavor === undefined ? {} : { flavor }),
    computeCapabilities: targetCapabilities(flavor, capability),
  };
}

/** The list to build for when an engine is for one machine: its own where it can be chosen. */
export function targetCapabilities(
  flavor: string | undefined,
  capability: string | undefined,
): string[] {
  return flavor === 'rtx1' && capability !== undefined && rtxCapabilities.includes(capability)
    ? [capability]
    : [];
}

function placesOf(onnxPath: string | undefined, enginePath: string | undefined): string[] {
  if (onnxPath === undefined) return [];
  const beside =
    enginePath === undefined ? [] : [path.join(path.dirname(enginePath), path.basename(onnxPath))];
  return [...new Set([onnxPath, ...beside])];
}

async function firstOf(places: readonly string[]): Promise<string | undefined> {
  for (const place of places) {
    const there = await access(place).then(
      () => true,
      () => false,
    );
    if (there) return place;
  }
  return undefined;
}
