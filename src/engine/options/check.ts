import path from 'node:path';
import type { TrtSetting } from '../../native/trt-contract';
import {
  invalidArgument,
  requireBoolean,
  requireInteger,
  requireOneOf,
  requireString,
} from '../../validate';
import type { SettingRule } from './rule';
import type { BuilderSettings } from './settings';
import { settingNames, settingTable } from './table';

/** Settings that are set, checked, in the table's order. Sets are put in the table's order, each value once. */
export function checkSettings(options: BuilderSettings): TrtSetting[] {
  const settings: TrtSetting[] = [];
  for (const name of settingNames) {
    const value: unknown = options[name];
    if (value !== undefined)
      settings.push({ name, value: checkSetting(`options.${name}`, settingTable[name], value) });
  }
  requireOneRefitKind(options);
  return settings;
}

function checkSetting(label: string, rule: SettingRule, value: unknown): TrtSetting['value'] {
  switch (rule.kind) {
    case 'boolean':
      return requireBoolean(label, value);
    case 'integer': {
      const number = requireInteger(label, value, rule.min, rule.max);
      if (rule.powerOfTwo && !Number.isInteger(Math.log2(number)))
        throw invalidArgument(label, 'a power of two', value);
      return number;
    }
    case 'choice':
      return requireOneOf(label, value, Object.keys(rule.choices));
    case 'set': {
      const known = Object.keys(rule.choices);
      if (!Array.isArray(value))
        throw invalidArgument(label, `an array of ${known.join(', ')}`, value);
      const checked = Array.from(value, (item) => requireOneOf(label, item, known));
      return known.filter((item) => checked.includes(item));
    }
    case 'text':
      return requireText(label, value);
    case 'list': {
      if (!Array.isArray(value)) throw invalidArgument(label, 'an array of files', value);
      // A name without a slash is looked for along the loader's own path.
      const files = Array.from(value, (item) => {
        const file = requireText(label, item);
        return file.includes('/') ? path.resolve(file) : file;
      });
      return [...new Set(files)];
    }
  }
}

function requireText(label: string, value: unknown): string {
  const text = requireString(label, value);
  if (text.includes('\0')) throw invalidArgument(label, 'a text without a zero byte', value);
  return text;
}

/** TensorRT clears the earlier one and goes on. */
function requireOneRefitKind(options: BuilderSettings): void {
  const kinds = (['refittable', 'refitIdentical', 'refitIndividual'] as const).filter(
    (name) => options[name],
  );
  if (kinds.length > 1)
    throw invalidArgument(
      `options.${kinds[1]}`,
      `no second kind of refit beside options.${kinds[0]}`,
      true,
    );
}
