import {
  invalidArgument,
  requireBoolean,
  requireKnownKeys,
  requireOneOf,
  requireString,
} from '../../validate';

export const precisions = ['fp16', 'bf16'] as const;

/** The 16-bit type that a graph is cast to. */
export type Precision = (typeof precisions)[number];

export interface PrecisionOptions {
  type: Precision;
  /** Operators that stay in float32 besides the built-in list, such as `Softmax` or `my.domain.Operator`. */
  keepFloatOperators?: readonly string[];
  /** Names of nodes that stay in float32. */
  keepFloatNodes?: readonly string[];
  /** Inputs and outputs stay float32. Default true. */
  keepIoFloat?: boolean;
  /**
   * The last additions, multiplications and moves of data before an output stay in float32: box coordinates of
   * several hundred pixels have steps of half a pixel in fp16 and of four in bf16. Default true.
   */
  keepTailFloat?: boolean;
}

/** {@link PrecisionOptions} with every default filled in. */
export interface CheckedPrecision {
  type: Precision;
  keepFloatOperators: string[];
  keepFloatNodes: string[];
  keepIoFloat: boolean;
  keepTailFloat: boolean;
}

/** @throws ERR_INVALID_ARGUMENT */
export function checkPrecision(name: string, value: unknown): CheckedPrecision {
  if (typeof value === 'string') {
    return checkPrecision(name, { type: requireOneOf(name, value, precisions) });
  }
  if (typeof value !== 'object' || value === null) {
    throw invalidArgument(name, '"fp16", "bf16" or an object with a type', value);
  }
  requireKnownKeys(name, value, [
    'type',
    'keepFloatOperators',
    'keepFloatNodes',
    'keepIoFloat',
    'keepTailFloat',
  ]);
  const options = value as Partial<Record<keyof PrecisionOptions, unknown>>;
  return {
    type: requireOneOf(`${name}.type`, options.type, precisions),
    keepFloatOperators: names(`${name}.keepFloatOperators`, options.keepFloatOperators),
    keepFloatNodes: names(`${name}.keepFloatNodes`, options.keepFloatNodes),
    keepIoFloat: requireBoolean(`${name}.keepIoFloat`, options.keepIoFloat ?? true),
    keepTailFloat: requireBoolean(`${name}.keepTailFloat`, options.keepTailFloat ?? true),
  };
}

function names(label: string, value: unknown): string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw invalidArgument(label, 'an array of names', value);
  return [...new Set(value.map((item, i) => requireString(`${label}[${i}]`, item)))].sort();
}
