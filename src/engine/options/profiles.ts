import type { TrtShapeRange, TrtTensorRequest } from '../../native/trt-contract';
import {
  invalidArgument,
  requireInteger,
  requireKnownKeys,
  requireOneOf,
  requireString,
} from '../../validate';
import { type TensorFormat, tensorFormats } from './rule';

/** Checks of the options that have a form of their own: profiles, tensors, compute capabilities. */

/** Values from `min` to `max`; `opt` is what TensorRT tunes for, default `max`. A plain array stands for all three. */
export type ValueRange =
  | readonly number[]
  | { min: readonly number[]; opt?: readonly number[]; max: readonly number[] };

/**
 * A shape, or the range that a dynamic input may take; `opt` is what TensorRT tunes for, default `max`. For an
 * input that the graph uses as a shape (of a Reshape, say), `values` is the range of its values.
 */
export type ShapeRange = ValueRange | { values: ValueRange };

/** Ranges of one optimisation profile by input name. */
export type ShapeProfile = Readonly<Record<string, ShapeRange>>;

/** What is asked of one input or output. */
export interface TensorOptions {
  /** Memory layouts that TensorRT may choose from. Default: all that it has for the tensor. */
  formats?: readonly TensorFormat[];
  /** Element type that the graph has to have there; the build fails if it has another. */
  dtype?: string;
}

/** TensorRT's own limit of dimensions. */
const maxRank = 8;
const maxShapeValues = 64;

/** GPUs as `8.9`, each once; `current` is this machine's. */
export function checkCapabilities(value: unknown): string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value))
    throw invalidArgument('options.computeCapabilities', "an array such as ['8.9', '12.0']", value);
  const checked = new Set<string>();
  for (const item of value) {
    if (typeof item !== 'string' || !/^([1-9]\d?\.\d|current)$/.test(item))
      throw invalidArgument('options.computeCapabilities', "strings such as '8.9'", item);
    checked.add(item);
  }
  return [...checked];
}

export function checkShapes(value: unknown): TrtShapeRange[][] {
  if (value === undefined) return [];
  const profiles = Array.isArray(value) ? value : [value];
  // Not map: it passes over holes.
  return Array.from(profiles, (profile: unknown, index) => {
    const name = Array.isArray(value) ? `options.shapes[${index}]` : 'options.shapes';
    if (typeof profile !== 'object' || profile === null || Array.isArray(profile))
      throw invalidArgument(name, 'an object of shapes by input name', profile);
    return Object.entries(profile).map(([input, range]) =>
      checkShapeRange(`${name}.${input}`, input, range),
    );
  });
}

function checkShapeRange(name: string, input: string, value: unknown): TrtShapeRange {
  if (typeof value === 'object' && value !== null && Object.hasOwn(value, 'values')) {
    requireKnownKeys(name, value, ['values']);
    const { values } = value as { values: unknown };
    return { input, values: true, ...checkRange(`${name}.values`, values, checkValues) };
  }
  return { input, ...checkRange(name, value, checkShape) };
}

function checkRange(
  name: string,
  value: unknown,
  check: (name: string, value: unknown) => number[],
): Pick<TrtShapeRange, 'min' | 'opt' | 'max'> {
  if (Array.isArray(value)) {
    const only = check(name, value);
    return { min: only, opt: only, max: only };
  }
  requireKnownKeys(name, value, ['min', 'opt', 'max']);
  if (value === undefined) throw invalidArgument(name, 'a shape or { min, opt, max }', value);
  const range = value as { min?: unknown; opt?: unknown; max?: unknown };
  const min = check(`${name}.min`, range.min);
  const max = check(`${name}.max`, range.max);
  const opt = range.opt === undefined ? max : check(`${name}.opt`, range.opt);
  const ordered =
    min.length === opt.length &&
    opt.length === max.length &&
    min.every((dim, i) => dim <= opt[i]! && opt[i]! <= max[i]!);
  if (!ordered)
    throw invalidArgument(
      name,
      'min <= opt <= max in every dimension',
      [min, opt, max].map((shape) => shape.join('x')).join(':'),
    );
  return { min, opt, max };
}

function checkShape(name: string, value: unknown): number[] {
  if (!Array.isArray(value) || value.length > maxRank)
    throw invalidArgument(name, `an array of at most ${maxRank} dimensions`, value);
  return Array.from(value, (dim) => requireInteger(name, dim, 0, 2 ** 31 - 1));
}

function checkValues(name: string, value: unknown): number[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > maxShapeValues)
    throw invalidArgument(name, `an array of 1 to ${maxShapeValues} integers`, value);
  return Array.from(value, (item) =>
    requireInteger(name, item, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  );
}

/** One number for each profile, or none at all. */
export function checkMemoryTargets(value: unknown, profileCount: number): number[] {
  if (value === undefined) return [];
  const name = 'options.extraMemoryTarget';
  if (profileCount === 0)
    throw invalidArgument(name, 'no value without options.shapes, whose profiles it is for', value);
  const targets = Array.isArray(value)
    ? Array.from(value)
    : new Array<unknown>(profileCount).fill(value);
  if (targets.length !== profileCount)
    throw invalidArgument(name, `a number, or ${profileCount} numbers (one a profile)`, value);
  return targets.map((target) => {
    if (typeof target !== 'number' || !(target >= 0 && target <= 1))
      throw invalidArgument(name, 'numbers from 0 to 1', target);
    // Minus zero is zero.
    return target + 0;
  });
}

export function checkTensors(value: unknown): TrtTensorRequest[] {
  if (value === undefined) return [];
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidArgument('options.tensors', 'an object by tensor name', value);
  const known = Object.keys(tensorFormats) as TensorFormat[];
  return Object.entries(value).map(([tensor, options]) => {
    const name = `options.tensors.${tensor}`;
    requireKnownKeys(name, options, ['formats', 'dtype']);
    const { formats, dtype } = (options ?? {}) as { formats?: unknown; dtype?: unknown };
    if (formats !== undefined && (!Array.isArray(formats) || formats.length === 0))
      throw invalidArgument(`${name}.formats`, 'an array of tensor formats', formats);
    const checked = Array.from(formats ?? [], (format) =>
      requireOneOf(`${name}.formats`, format, known),
    );
    return {
      name: tensor,
      formats: known.filter((format) => checked.includes(format)),
      dtype: dtype === undefined ? '' : requireString(`${name}.dtype`, dtype),
    };
  });
}
