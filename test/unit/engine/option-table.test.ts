import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { requireAvailable } from '../../../src/engine/options/availability';
import { leftOut, structuredTable } from '../../../src/engine/options/beside-table';
import {
  everywhere,
  floors,
  type SettingRule,
  settingGroups,
  tensorFormats,
} from '../../../src/engine/options/rule';
import { settingNames, settingTable } from '../../../src/engine/options/table';
import { native } from '../../../src/native/binding';
import { type Flavor, flavors } from '../../../src/native/trt-contract';
import { projectRoot } from '../../helpers/data';

const rules = Object.entries(settingTable) as [string, SettingRule][];
const compiled = flavors.filter((flavor) => native().trtFlavors().compiled[flavor]);
const never = 1 << 20;

describe('the table of builder settings', () => {
  it('is what the interface and the page were written from', async () => {
    // A plain JavaScript module of the build scripts.
    const { docsPage, settingsInterface } = await import(
      path.join(projectRoot, 'scripts', 'options', 'render.mjs')
    );
    const read = (file: string) => readFileSync(path.join(projectRoot, file), 'utf8');
    expect(read('src/engine/options/settings.ts')).toBe(settingsInterface(settingTable));
    expect(read('docs/build-options.md')).toBe(
      docsPage({
        settings: settingTable,
        groups: settingGroups,
        structured: structuredTable,
        leftOut,
        formats: tensorFormats,
      }),
    );
  });

  it('says what to do instead wherever something is lacking', () => {
    const missing = rules.flatMap(([name, rule]) => [
      ...(rule.since !== undefined && !rule.alternative ? [name] : []),
      ...Object.entries('choices' in rule ? rule.choices : {})
        .filter(([, choice]) => choice.since !== undefined && !choice.alternative)
        .map(([text]) => `${name} ${text}`),
    ]);
    expect(missing).toEqual([]);
  });

  it('starts at the floors that the version rules enforce', () => {
    for (const [major, minor] of Object.values(floors)) {
      expect(native().trtJudgeVersion(major, minor).refusal).toBe('');
      if (minor > 0) expect(native().trtJudgeVersion(major, minor - 1).refusal).not.toBe('');
    }
  });

  it.each(compiled)(
    'is the native table of %s: names, kinds, ranges, values, versions',
    (flavor) => {
      const expected = rules
        .filter(([, rule]) => (rule.since ?? everywhere)[flavor] !== undefined)
        .map(([name, rule]) => ({
          name,
          kind: rule.kind,
          sinceMinor: (rule.since ?? everywhere)[flavor],
          ...(rule.kind === 'integer' ? { min: rule.min, max: rule.max } : {}),
          choices: Object.fromEntries(
            Object.entries('choices' in rule ? rule.choices : {})
              .map(([text, { since }]) => [text, (since ?? everywhere)[flavor]])
              .filter(([, minor]) => minor !== undefined),
          ),
        }));
      const { settings } = native().trtSettings(flavor);
      expect(settings).toEqual(expected);
      expect(settings.every(({ sinceMinor }) => sinceMinor < never)).toBe(true);
    },
  );

  it.each(compiled)('accounts for every enumerator that the native side counts in %s', (flavor) => {
    const { enums, settings } = native().trtSettings(flavor);
    for (const { name, enumMax, offered, leftOut: omitted, unused } of enums) {
      const count = omitted === '' ? 0 : omitted.split(' ').length;
      expect([name, offered + count + unused]).toEqual([name, enumMax]);
    }
    const total = (key: 'enumMax' | 'offered') => enums.reduce((sum, item) => sum + item[key], 0);
    const values = settings.reduce((sum, { choices }) => sum + Object.keys(choices).length, 0);
    console.log(
      `${flavor}: ${settings.length} of ${rules.length} settings with ${values} named values; ${enums.length} enums, ${total('offered')} of ${total('enumMax')} enumerators offered`,
    );
  });
});

describe("the table and NVIDIA's headers", () => {
  const headersOf = (flavor: string) => path.join(projectRoot, '.sdk', 'headers', flavor);
  const present = flavors.filter((flavor) => existsSync(path.join(headersOf(flavor), 'NvInfer.h')));

  /** Enumerators of the enums of a header set that the table is about. */
  function enumerators(flavor: Flavor): Map<string, string[]> {
    const files = readdirSync(headersOf(flavor)).filter((name) => /^Nv.*\.h$/.test(name));
    const text = files
      .map((name) => readFileSync(path.join(headersOf(flavor), name), 'utf8'))
      .join('\n')
      .replace(/\/\*[\s\S]*?\*\/|\/\/.*|^#.*$/gm, '');
    const found = new Map<string, string[]>();
    for (const [, name, body] of text.matchAll(/enum class (\w+)[^{;]*\{([^}]*)\}/g)) {
      const names = body!.split(',').map((item) => /^\s*(k\w+)/.exec(item)?.[1]);
      found.set(name!, [...new Set(names.filter((item) => item !== undefined))]);
    }
    return found;
  }

  it.each(present)(
    'agree on every setter of builder, configuration and profile of %s',
    (flavor) => {
      const text = ['NvInfer.h', 'NvInferRuntime.h']
        .map((name) => readFileSync(path.join(headersOf(flavor), name), 'utf8'))
        .join('\n')
        .replace(/\/\/.*/g, '');
      const natives: string[] = [
        ...rules.map(([, rule]) => rule.native),
        ...Object.values(structuredTable).flatMap((row) => row.native),
      ];
      const counts: string[] = [];
      for (const name of ['IBuilder', 'IBuilderConfig', 'IOptimizationProfile']) {
        const body = new RegExp(`\\bclass ${name} : public INoCopy\\s*\\{([\\s\\S]*?)\\n\\};`).exec(
          text,
        )![1]!;
        const setters = new Set(
          [...body.matchAll(/\b((?:set|add)[A-Z]\w*)\s*\(/g)].map((m) => m[1]!),
        );
        expect(setters.size).toBeGreaterThan(2);
        const omitted = Object.keys(leftOut[name] ?? {});
        expect(
          [...setters].filter(
            (item) => !natives.includes(`${name}::${item}`) && !omitted.includes(item),
          ),
        ).toEqual([]);
        counts.push(`${setters.size} of ${name}`);
      }
      console.log(`${flavor}: setters all placed: ${counts.join(', ')}`);
    },
  );

  it.each(present)('agree on every enumerator of %s', (flavor) => {
    const headers = enumerators(flavor);
    const offered = new Map<string, Set<string>>();
    const add = (name: string, enumerator: string) =>
      offered.set(name, (offered.get(name) ?? new Set()).add(enumerator));
    for (const [, rule] of rules) {
      const [name, member] = rule.native.split('::') as [string, string];
      if (headers.has(name)) add(name, member);
      if (!('choices' in rule)) continue;
      for (const { enumerator } of Object.values(rule.choices)) add(rule.enumeration, enumerator);
    }
    for (const enumerator of Object.values(tensorFormats)) add('TensorFormat', enumerator);
    for (const name of ['BuilderFlag', 'MemoryPoolType', 'TacticSource', 'OnnxParserFlag'])
      expect(headers.get(name)?.length).toBeGreaterThan(1);
    let count = 0;
    for (const [name, known] of offered) {
      const present = headers.get(name);
      if (present === undefined) continue; // QuantizationFlag, which only TensorRT 10 has.
      count += present.length;
      const omitted = Object.keys(leftOut[name] ?? {});
      // Everything in the header has its place …
      expect([name, present.filter((item) => !known.has(item) && !omitted.includes(item))]).toEqual(
        [name, []],
      );
    }
    // … and everything in the table that this flavour is said to have is in its header.
    for (const [, rule] of rules) {
      if (!('choices' in rule) || (rule.since ?? everywhere)[flavor] === undefined) continue;
      for (const { enumerator, since } of Object.values(rule.choices)) {
        if ((since ?? everywhere)[flavor] !== undefined)
          expect(headers.get(rule.enumeration)).toContain(enumerator);
      }
    }
    console.log(
      `${flavor}: ${count} enumerators of ${offered.size} enums in the headers, all placed`,
    );
  });
});

describe('an option that the library lacks', () => {
  const check = (name: string, value: never, flavor: Flavor, version: string) =>
    requireAvailable([{ name, value }], [], { flavor, version });

  it('is refused with flavour, version and alternative, once for each row and flavour', () => {
    let refused = 0;
    for (const [name, rule] of rules) {
      const value = (
        { boolean: true, integer: 1, text: 'x', list: ['x'] } as Record<string, unknown>
      )[rule.kind];
      for (const flavor of flavors) {
        const [major, minor] = floors[flavor];
        const sample =
          value ??
          (rule.kind === 'set' ? [] : Object.keys('choices' in rule ? rule.choices : {})[0]);
        const since = (rule.since ?? everywhere)[flavor];
        const run = () => check(name, sample as never, flavor, `${major}.${minor}.0.1`);
        if (since === undefined || since > minor) {
          refused += 1;
          expect(run).toThrow(
            expect.objectContaining({
              code: since === undefined ? 'ERR_INVALID_ARGUMENT' : 'ERR_TENSORRT_VERSION',
              message: expect.stringContaining(
                ` with ${flavor} ${major}.${minor}.0.1: ${rule.alternative}`,
              ),
            }),
          );
        } else expect(run).not.toThrow();
        if (since !== undefined)
          expect(() =>
            check(name, sample as never, flavor, `${major}.${Math.max(since, minor)}.0.1`),
          ).not.toThrow();
      }
    }
    expect(refused).toBeGreaterThan(25);
    console.log(`${refused} refusals of ${settingNames.length} settings at the oldest versions`);
  });

  it('is refused by value too', () => {
    expect(() =>
      check('hardwareCompatibility', 'same-compute-capability' as never, 'trt10', '10.3.0.26'),
    ).toThrow(
      'Expected trt10 from 10.9 or trt11 from 11.0 for options.hardwareCompatibility "same-compute-capability" but received "same-compute-capability" of type string with trt10 10.3.0.26: versions before 10.9 take "ampere+"',
    );
    expect(() =>
      check('tacticSources', ['jit-convolutions', 'cudnn'] as never, 'trt11', '11.4.1.1'),
    ).toThrow(
      /^Expected trt10 from 10\.3 for options\.tacticSources "cudnn" .* trt11 11\.4\.1\.1: /,
    );
    expect(() => requireAvailable([], ['8.9'], { flavor: 'trt10', version: '10.16.0.1' })).toThrow(
      /^Expected rtx1 from 1\.5 for options\.computeCapabilities .* trt10 10\.16/,
    );
  });
});
