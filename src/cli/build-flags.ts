import type { Command } from 'commander';
import type { BuilderSettings, EngineBuildOptions } from '../engine/build-options';
import type { SettingRule } from '../engine/options/rule';
import { settingNames, settingTable } from '../engine/options/table';
import { invalidArgument } from '../validate';

/** Flags of `tensorrt-node build` that come from the table of builder settings, and those of profiles and tensors. */

type Flags = Record<string, unknown>;

export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

export function addSettingFlags(command: Command): void {
  for (const name of settingNames) {
    const rule: SettingRule = settingTable[name];
    command.option(`--${kebab(name)}${valueText(rule)}`, rule.help);
  }
}

function valueText(rule: SettingRule): string {
  switch (rule.kind) {
    case 'boolean':
      return ' [true|false]';
    case 'integer':
      return ' <number>';
    case 'choice':
      return ` <${Object.keys(rule.choices).join('|')}>`;
    case 'set':
      return ` <${Object.keys(rule.choices).join(',')}>`;
    case 'text':
      return ' <text>';
    case 'list':
      return ' <file...>';
  }
}

/** What the flags hold is checked by the builder's own rules; here texts only become values of the right kind. */
export function readSettings(flags: Flags): BuilderSettings {
  const settings: Flags = {};
  for (const name of settingNames) {
    const value = flags[name];
    if (value === undefined) continue;
    const { kind } = settingTable[name];
    const flag = `--${kebab(name)}`;
    if (kind === 'integer') settings[name] = toNumber(flag, value);
    else if (kind === 'boolean') settings[name] = toBoolean(flag, value);
    else if (kind === 'set') settings[name] = toList(value);
    else settings[name] = value;
  }
  return settings as BuilderSettings;
}

export function addProfileFlags(command: Command): void {
  command
    .option(
      '--shapes <name:min:opt:max...>',
      'range of a dynamic input, e.g. images:1x3x640x640:4x3x640x640:8x3x640x640, or one fixed shape; an input that is named again begins the next profile',
    )
    .option(
      '--shape-values <name:min:opt:max...>',
      'range of the values of an input that is a shape, e.g. size:320,320:640,640:960,960',
    )
    .option(
      '--extra-memory-target <list>',
      'how much more memory than necessary profiles may use, 0 to 1',
    )
    .option(
      '--tensor-format <name:format,format...>',
      'memory layouts of an input or output, e.g. images:hwc8,linear',
    );
}

/** The options that {@link addProfileFlags} is about. */
export function readProfiles(
  flags: Flags,
): Pick<EngineBuildOptions, 'shapes' | 'extraMemoryTarget' | 'tensors'> {
  const { shapes, shapeValues, extraMemoryTarget, tensorFormat } = flags as {
    shapes?: string[];
    shapeValues?: string[];
    extraMemoryTarget?: string;
    tensorFormat?: string[];
  };
  return {
    ...(shapes === undefined && shapeValues === undefined
      ? {}
      : { shapes: parseShapes(shapes ?? [], shapeValues) }),
    ...(extraMemoryTarget === undefined ? {} : { extraMemoryTarget: toTargets(extraMemoryTarget) }),
    ...(tensorFormat === undefined ? {} : { tensors: toTensors(tensorFormat) }),
  } as ReturnType<typeof readProfiles>;
}

type Range = number[] | { min: number[]; opt: number[]; max: number[] };
type Profile = Record<string, Range | { values: Range }>;

/**
 * `name:min:opt:max` or `name:shape`; a name may itself hold colons. One profile, or an array of them where inputs
 * are named more than once.
 */
export function parseShapes(
  shapes: readonly string[],
  values: readonly string[] = [],
): Profile | Profile[] {
  const profiles: Profile[] = [];
  const add = (name: string, entry: Profile[string]): void => {
    const free = profiles.find((profile) => !Object.hasOwn(profile, name));
    if (free) free[name] = entry;
    else profiles.push({ [name]: entry });
  };
  for (const text of shapes) {
    const [name, range] = parseRange('--shapes', text, /^\d+(x\d+)*$/, 'x', '1x3x640x640');
    add(name, range);
  }
  for (const text of values) {
    const [name, range] = parseRange('--shape-values', text, /^-?\d+(,-?\d+)*$/, ',', '640,640');
    add(name, { values: range });
  }
  return profiles.length > 1 ? profiles : (profiles[0] ?? {});
}

function parseRange(
  flag: string,
  text: string,
  form: RegExp,
  separator: string,
  example: string,
): [name: string, range: Range] {
  const isShape = (part: string | undefined): boolean => form.test(part ?? '');
  const toNumbers = (part: string): number[] => part.split(separator).map(Number);
  const parts = text.split(':');
  const last = parts.slice(-3);
  if (parts.length > 3 && last.every(isShape)) {
    const [min, opt, max] = last.map(toNumbers);
    return [parts.slice(0, -3).join(':'), { min: min!, opt: opt!, max: max! }];
  }
  if (parts.length > 1 && isShape(last.at(-1)))
    return [parts.slice(0, -1).join(':'), toNumbers(last.at(-1)!)];
  throw invalidArgument(flag, `name:min:opt:max or name:shape with shapes like ${example}`, text);
}

function toTargets(text: string): number | number[] {
  const targets = toList(text).map((item) => {
    if (!/^\d*\.?\d+$/.test(item))
      throw invalidArgument('--extra-memory-target', 'numbers from 0 to 1', text);
    return Number(item);
  });
  return targets.length === 1 ? targets[0]! : targets;
}

function toTensors(texts: readonly string[]): Record<string, { formats: string[] }> {
  const tensors: Record<string, { formats: string[] }> = {};
  for (const text of texts) {
    const at = text.lastIndexOf(':');
    if (at < 1) throw invalidArgument('--tensor-format', 'name:format,format', text);
    tensors[text.slice(0, at)] = { formats: toList(text.slice(at + 1)) };
  }
  return tensors;
}

export function toNumber(flag: string, value: unknown): number {
  if (typeof value !== 'string' || !/^\d+$/.test(value))
    throw invalidArgument(flag, 'a whole number', value);
  return Number(value);
}

function toBoolean(flag: string, value: unknown): boolean {
  if (value === true || value === 'true') return true;
  if (value === 'false') return false;
  throw invalidArgument(flag, 'true or false', value);
}

/** Comma-separated; an empty text is the empty list. */
function toList(value: unknown): string[] {
  return String(value)
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
