import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isNativeError } from 'node:util/types';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkBuildOptions, settingNames, settingTable } from '../../src/engine/build-options';
import type { SettingRule } from '../../src/engine/options/rule';
import { isErrorCode, TensorRTNodeError } from '../../src/errors';
import { Engine, Session, setLogSink, VisionModel } from '../../src/index';
import { tinyYolo } from '../helpers/tiny-yolo';
import { hostileValue, type LegalOptions, mutateOptions } from './option-mutations';
import { Random } from './random';

const count = Number(process.env.TENSORRT_NODE_FUZZ_OPTIONS ?? 5000);
const seed = Number(process.env.TENSORRT_NODE_FUZZ_SEED ?? 1);

const oneOf =
  (...values: unknown[]) =>
  (random: Random): unknown =>
    random.pick(values);

/** Legal values of a setting by its row. */
function legalSetting(rule: SettingRule): (random: Random) => unknown {
  switch (rule.kind) {
    case 'boolean':
      return oneOf(true, false);
    case 'integer':
      return rule.powerOfTwo
        ? oneOf(rule.min, rule.max)
        : oneOf(rule.min, rule.max, rule.min + Math.floor((rule.max - rule.min) / 2));
    case 'choice':
      return oneOf(...Object.keys(rule.choices));
    case 'set':
      return oneOf([], Object.keys(rule.choices), Object.keys(rule.choices).slice(-1));
    case 'text':
      return oneOf('-conv_use_long_w=off');
    case 'list':
      return oneOf([], ['libplugin.so'], ['./a.so', '/b.so']);
  }
}

const buildOptions: LegalOptions = {
  flavor: oneOf('rtx1', 'trt10', 'trt11'),
  computeCapabilities: oneOf(['8.9'], ['8.9', '12.0'], []),
  shapes: (random) => {
    const range = { min: [1, 3], opt: [1, 3], max: [1 + random.below(8), 3] };
    return random.pick<unknown>([
      {},
      [],
      { x: [1, 3] },
      { x: range, size: { values: [8, 8] } },
      { x: range },
      [{ x: range }, { x: range }],
    ]);
  },
  tensors: oneOf({}, { x: { formats: ['linear', 'hwc8'], dtype: 'float32' } }),
  output: oneOf('model.engine'),
  timeoutMs: oneOf(1, 60_000, 2 ** 31 - 1),
  signal: () => new AbortController().signal,
  logLevel: oneOf('verbose', 'info', 'warn', 'error'),
  onLog: () => () => {},
  onProgress: () => () => {},
  metadata: (random) => ({ owner: 'someone', list: [1, random.below(9)], nested: { yes: true } }),
  ...Object.fromEntries(
    settingNames
      // Exclude each other.
      .filter((name) => name !== 'refitIdentical' && name !== 'refitIndividual')
      .map((name) => [name, legalSetting(settingTable[name])]),
  ),
};

const sessionOptions: LegalOptions = {
  backend: oneOf('auto', 'cpu'),
  optimizeFor: oneOf('latency', 'throughput'),
  concurrency: oneOf(1, 2),
  maxQueued: oneOf(0, 8, 256),
  cpu: (random) => ({
    intraOpThreads: 1,
    executionMode: random.pick(['sequential', 'parallel']),
    enableMemPattern: random.below(2) === 0,
    config: { 'session.set_denormal_as_zero': '1' },
  }),
};

const visionOptions: LegalOptions = {
  backend: oneOf('auto', 'cpu'),
  maxQueued: oneOf(0, 8),
  imageSize: oneOf(32, { width: 32, height: 32 }),
  batchSize: oneOf(1),
  names: oneOf(['a', 'b']),
  maxPixels: oneOf(1, 2 ** 20),
};

const predictOptions: LegalOptions = {
  confidence: oneOf(0, 0.25, 1),
  iou: oneOf(0, 0.5, 1),
  maxDetections: oneOf(1, 300, 100_000),
  classes: oneOf([], [0], [0, 1]),
  agnostic: oneOf(true, false),
};

const prototypeKeys = (): PropertyKey[] =>
  [Object, Array, Function, String].flatMap(({ prototype }) => Reflect.ownKeys(prototype));

const accepted = Symbol('accepted');

/** What was thrown may be a proxy of the caller's. */
const stackOf = (error: unknown): string | undefined =>
  isNativeError(error) ? error.stack : `a thrown ${typeof error}`;

/** Counts outcomes; anything but success and an error of ours with a documented code is listed in full. */
class Outcomes {
  readonly counts: Record<string, number> = {};
  readonly faults: string[] = [];
  readonly #keys = prototypeKeys();

  add(index: number, error: unknown = accepted): void {
    const ours = error instanceof TensorRTNodeError ? error : undefined;
    const key = error === accepted ? 'accepted' : (ours?.code ?? 'foreign');
    this.counts[key] = (this.counts[key] ?? 0) + 1;
    if (error === accepted) return;
    const isDocumented = ours && isErrorCode(ours.code) && ours.code !== 'ERR_INTERNAL';
    if (!isDocumented) this.faults.push(`#${index}: ${stackOf(error)}`);
    else if (ours.message.length > 1000) this.faults.push(`#${index}: ${ours.message}`);
  }

  /** Both outcomes in numbers: all refused, or all accepted, would prove nothing. */
  expectSound(of: number, good = 'accepted'): void {
    expect(this.faults.slice(0, 5)).toEqual([]);
    const total = Object.values(this.counts).reduce((sum, n) => sum + n, 0);
    expect(total).toBe(of);
    expect(this.counts[good]).toBeGreaterThan(of / 10);
    expect(this.counts.ERR_INVALID_ARGUMENT).toBeGreaterThan(of / 4);
    expect(prototypeKeys()).toEqual(this.#keys);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  }
}

describe('mutated options', () => {
  let folder = '';
  beforeAll(() => {
    setLogSink(() => {});
    folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-options-'));
    // `cache: true` is among what is tried.
    process.env.TENSORRT_NODE_ENGINE_CACHE = folder;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it(`${count} for a build: plain data or an error with a code`, () => {
    const random = new Random(seed);
    const outcomes = new Outcomes();
    for (let index = 0; index < count; index++) {
      const options = mutateOptions(random, buildOptions);
      let checked: unknown;
      try {
        checked = checkBuildOptions(options as never);
      } catch (error) {
        outcomes.add(index, error ?? null);
        continue;
      }
      outcomes.add(index);
      // What goes to the build process is JSON and stays what it was.
      expect(JSON.parse(JSON.stringify(checked)), `#${index}`).toEqual(checked);
      expectLegal(checked as { settings: { name: string; value: unknown }[] });
    }
    console.log(`build options: ${JSON.stringify(outcomes.counts)}`);
    outcomes.expectSound(count);
  });

  it(`${count} through Engine.build`, async () => {
    const random = new Random(seed);
    const outcomes = new Outcomes();
    for (let index = 0; index < count; index++) {
      const options = mutateOptions(random, buildOptions);
      // The empty model is refused after the options, and before any process is started.
      await Engine.build(new Uint8Array(0), options as never).then(
        () => outcomes.add(index),
        (error) => outcomes.add(index, error ?? null),
      );
    }
    outcomes.expectSound(count, 'ERR_INVALID_MODEL');
  });

  it(`${count} through Session.create`, async () => {
    const random = new Random(seed + 1);
    const outcomes = new Outcomes();
    for (let index = 0; index < count; index++) {
      const options = mutateOptions(random, sessionOptions);
      await Session.create(new Uint8Array(0), options as never).then(
        () => outcomes.add(index),
        (error) => outcomes.add(index, error ?? null),
      );
    }
    outcomes.expectSound(count, 'ERR_INVALID_MODEL');
  });

  it(`${count / 100} through VisionModel.load, with a model`, async () => {
    const random = new Random(seed + 2);
    const outcomes = new Outcomes();
    const model = tinyYolo();
    for (let index = 0; index < count / 100; index++) {
      const options = mutateOptions(random, visionOptions);
      await VisionModel.load(model, options as never).then(
        async (loaded) => {
          outcomes.add(index);
          await loaded.dispose();
        },
        (error) => outcomes.add(index, error ?? null),
      );
    }
    outcomes.expectSound(count / 100);
  });

  it(`${count} through predict, with hostile pictures among them`, async () => {
    const random = new Random(seed + 3);
    const outcomes = new Outcomes();
    await using model = await VisionModel.load(tinyYolo(), { backend: 'cpu' });
    const picture = { data: new Uint8Array(3), width: 1, height: 1 };
    for (let index = 0; index < count; index++) {
      const options = mutateOptions(random, predictOptions);
      // Mostly no picture and so no run: the options alone are looked at.
      const source = index % 10 === 0 ? hostileValue(random) : index % 20 === 1 ? [picture] : [];
      await model.predict(source as never, options as never).then(
        () => outcomes.add(index),
        (error) => outcomes.add(index, error ?? null),
      );
    }
    outcomes.expectSound(count);
  });
});

/** Each setting once, of its row's kind and within its range. */
function expectLegal({ settings }: { settings: { name: string; value: unknown }[] }): void {
  const names = settings.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, value } of settings) {
    const rule: SettingRule = settingTable[name as keyof typeof settingTable];
    if (rule.kind === 'boolean') expect(typeof value).toBe('boolean');
    if (rule.kind === 'text') expect(typeof value).toBe('string');
    if (rule.kind === 'choice') expect(Object.keys(rule.choices)).toContain(value);
    if (rule.kind === 'set' || rule.kind === 'list') {
      const items = value as unknown[];
      expect(new Set(items).size).toBe(items.length);
      for (const item of items) {
        if (rule.kind === 'set') expect(Object.keys(rule.choices)).toContain(item);
        else expect(typeof item).toBe('string');
      }
    }
    if (rule.kind !== 'integer') continue;
    expect(Number.isInteger(value)).toBe(true);
    expect(value).toBeGreaterThanOrEqual(rule.min);
    expect(value).toBeLessThanOrEqual(rule.max);
  }
}
