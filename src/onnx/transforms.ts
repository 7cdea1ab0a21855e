import { requireBoolean } from '../validate';
import type { OnnxModel } from './graph';
import { constantFoldingPass } from './passes/constant-folding';
import { deadNodesPass } from './passes/dead-nodes';
import { halfPass } from './passes/half';
import {
  type CheckedImageInput,
  checkImageInput,
  type ImageInputOptions,
  imageInputPass,
} from './passes/image-input';
import { type GraphPass, type PassReport, runPasses } from './passes/pass';
import {
  type CheckedPrecision,
  checkPrecision,
  type Precision,
  type PrecisionOptions,
} from './passes/precision-options';
import { checkTopK, topKPass } from './passes/top-k-head';

/** Edits of a graph that can be asked for, before a build or by themselves. */
export interface GraphTransforms {
  /** Casts the graph to 16-bit floating point. Default: the graph stays as it is. */
  precision?: Precision | PrecisionOptions;
  /** Computes constants and shapes that are known before a run, and removes nodes that nobody needs. Default false. */
  simplify?: boolean;
  /**
   * Makes the float input `[N, 3, H, W]` a uint8 input `[N, H, W, 3]` of RGB samples, normalised inside.
   * `true`: divided by 255, as YOLO models want it. Default false.
   */
  imageInput?: boolean | ImageInputOptions;
  /**
   * Decodes a YOLO detection head in the graph and keeps the K best anchors: outputs `boxes` `[N, K, 4]`, `scores`
   * `[N, K]`, `labels` `[N, K]`; non-maximum suppression stays outside. A number is K, at most 3840 and at most
   * the anchors of the model; `true` is 1000 or all anchors. Anchors above the confidence beyond K are lost.
   * Default false.
   */
  topK?: boolean | number;
}

/** {@link GraphTransforms} with all defaults filled in: plain JSON, the same for equal wishes. */
export interface CheckedTransforms {
  precision?: CheckedPrecision;
  simplify?: true;
  imageInput?: CheckedImageInput;
  topK?: number | true;
}

interface Transform<Checked> {
  /** Undefined where the value asks for nothing. @throws ERR_INVALID_ARGUMENT */
  check(name: string, value: unknown): Checked | undefined;
  passes(options: Checked): GraphPass[];
}

type TransformTable = {
  [Name in keyof CheckedTransforms]-?: Transform<NonNullable<CheckedTransforms[Name]>>;
};

/**
 * Every transform, in the order in which they are applied. The precision comes before what is added at both ends:
 * pictures are normalised and scores compared in float32 whatever the network computes in.
 */
const transformTable: TransformTable = {
  simplify: { check: checkSwitch, passes: () => [constantFoldingPass(), deadNodesPass()] },
  precision: { check: checkPrecision, passes: (options) => [halfPass(options)] },
  imageInput: { check: checkImageInput, passes: (options) => [imageInputPass(options)] },
  topK: { check: checkTopK, passes: (k) => [topKPass(k), deadNodesPass()] },
};

export const transformNames = Object.keys(transformTable) as (keyof GraphTransforms)[];

/** The transforms among the given options. @throws ERR_INVALID_ARGUMENT */
export function checkTransforms(name: string, options: GraphTransforms): CheckedTransforms {
  const checked: Record<string, unknown> = {};
  for (const key of transformNames) {
    const value = options[key];
    if (value === undefined) continue;
    const wish = transformTable[key].check(`${name}.${key}`, value);
    if (wish !== undefined) checked[key] = wish;
  }
  return checked as CheckedTransforms;
}

function checkSwitch(name: string, value: unknown): true | undefined {
  return requireBoolean(name, value) || undefined;
}

/** Edits a model in place. */
export function applyTransforms(
  model: OnnxModel,
  transforms: CheckedTransforms,
): Promise<PassReport[]> {
  const passes = transformNames.flatMap((key) => {
    const options = transforms[key];
    return options === undefined ? [] : passesFor(key, options);
  });
  return runPasses(model, passes);
}

function passesFor(key: keyof CheckedTransforms, options: unknown): GraphPass[] {
  return (transformTable[key] as Transform<unknown>).passes(options);
}
