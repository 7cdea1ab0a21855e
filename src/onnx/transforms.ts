import type { OnnxModel } from './graph';
import { halfPass } from './passes/half';
import { type GraphPass, type PassReport, runPasses } from './passes/pass';
import {
  type CheckedPrecision,
  checkPrecision,
  type Precision,
  type PrecisionOptions,
} from './passes/precision-options';

/** Edits of a graph that can be asked for, before a build or by themselves. */
export interface GraphTransforms {
  /** Casts the graph to 16-bit floating point. Default: the graph stays as it is. */
  precision?: Precision | PrecisionOptions;
}

/** {@link GraphTransforms} with all defaults filled in: plain JSON, the same for equal wishes. */
export interface CheckedTransforms {
  precision?: CheckedPrecision;
}

interface Transform<Checked> {
  /** @throws ERR_INVALID_ARGUMENT */
  check(name: string, value: unknown): Checked;
  passes(options: Checked): GraphPass[];
}

type TransformTable = {
  [Name in keyof CheckedTransforms]-?: Transform<NonNullable<CheckedTransforms[Name]>>;
};

/** Every transform, in the order in which they are applied: precision last, on the final operators. */
const transformTable: TransformTable = {
  precision: { check: checkPrecision, passes: (options) => [halfPass(options)] },
};

export const transformNames = Object.keys(transformTable) as (keyof GraphTransforms)[];

/** The transforms among the given options. @throws ERR_INVALID_ARGUMENT */
export function checkTransforms(name: string, options: GraphTransforms): CheckedTransforms {
  const checked: Record<string, unknown> = {};
  for (const key of transformNames) {
    const value = options[key];
    if (value !== undefined) checked[key] = transformTable[key].check(`${name}.${key}`, value);
  }
  return checked as CheckedTransforms;
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
