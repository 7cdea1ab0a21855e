import type { Flavor } from '../../native/trt-contract';

/** The form of a row in the table of builder settings; see table.ts. */

/**
 * Flavours that have something, each with the minor version that brought it; 0: every supported version has it.
 * A flavour that is not named lacks it.
 */
export type Since = Partial<Record<Flavor, number>>;

export interface ChoiceRule {
  /** TensorRT's enumerator. */
  enumerator: string;
  /** Default: wherever the option itself is. */
  since?: Since;
  /** What to do where it is lacking; a clause that ends the error's sentence. */
  alternative?: string;
}

interface RuleBase {
  group: SettingGroup;
  help: string;
  /** TensorRT's name: a flag, a pool or a function. */
  native: string;
  /** Default: every flavour. */
  since?: Since;
  /** What to do where it is lacking; a clause that ends the error's sentence. */
  alternative?: string;
  /** Where the tests see the option's effect with TensorRT-RTX on a machine without a GPU. */
  seen?: 'plan' | 'log';
}

export type SettingRule = RuleBase &
  (
    | { kind: 'boolean' }
    | { kind: 'integer'; min: number; max: number; powerOfTwo?: boolean }
    /** One of several values; a set takes any number of them, and what is not named is off. */
    | {
        kind: 'choice' | 'set';
        enumeration: string;
        choices: Readonly<Record<string, ChoiceRule>>;
      }
    | { kind: 'text' }
    /** Paths of files. */
    | { kind: 'list' }
  );

export const settingGroups = {
  search: 'Search for tactics',
  memory: 'Memory',
  arithmetic: 'Arithmetic',
  weights: 'Weights: refit, stripping, streaming',
  portability: 'Where the plan may run',
  dla: 'DLA (Jetson)',
  cache: 'Timing cache',
  reports: 'Reports and debugging',
  parser: 'Parser, plug-ins and the rest',
} as const;

export type SettingGroup = keyof typeof settingGroups;

/** The type of the option that a row describes. */
export type SettingValueOf<Rule extends SettingRule> = Rule extends { kind: 'boolean' }
  ? boolean
  : Rule extends { kind: 'integer' }
    ? number
    : Rule extends { kind: 'choice'; choices: infer Choices }
      ? keyof Choices
      : Rule extends { kind: 'set'; choices: infer Choices }
        ? readonly (keyof Choices)[]
        : Rule extends { kind: 'text' }
          ? string
          : readonly string[];

export const everywhere: Since = { rtx1: 0, trt10: 0, trt11: 0 };

/** Oldest supported minor version of each flavour; native/trt/version.cpp enforces them. */
export const floors: Readonly<Record<Flavor, readonly [major: number, minor: number]>> = {
  rtx1: [1, 5],
  trt10: [10, 3],
  trt11: [11, 0],
};

/** Memory layouts of inputs and outputs, by TensorRT's `TensorFormat`. */
export const tensorFormats = {
  linear: 'kLINEAR',
  chw2: 'kCHW2',
  hwc8: 'kHWC8',
  chw4: 'kCHW4',
  chw16: 'kCHW16',
  chw32: 'kCHW32',
  dhwc8: 'kDHWC8',
  cdhw32: 'kCDHW32',
  hwc: 'kHWC',
  'dla-linear': 'kDLA_LINEAR',
  'dla-hwc4': 'kDLA_HWC4',
  hwc16: 'kHWC16',
  dhwc: 'kDHWC',
} as const;

export type TensorFormat = keyof typeof tensorFormats;
