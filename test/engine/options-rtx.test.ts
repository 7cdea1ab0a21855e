import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  checkBuildOptions,
  type EngineBuildOptions,
  requireAvailable,
} from '../../src/engine/build-options';
import type { SettingRule } from '../../src/engine/options/rule';
import { settingTable } from '../../src/engine/options/table';
import type { TensorRTNodeError } from '../../src/errors';
import { native } from '../../src/native/binding';
import type { TrtBuildEvent, TrtSetting } from '../../src/native/trt-contract';
import { projectRoot } from '../helpers/data';
import { convModel, onnxModel } from '../helpers/onnx-writer';
import { describeWithRtx, rtxLibrary } from '../helpers/trt';

/**
 * The real TensorRT-RTX, driven in this process: the native calls themselves, without the TypeScript checks and
 * without a child for each of more than a hundred builds. No device: the builds are ahead of time for 8.9.
 */
let folder = '';
let conv = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-test-'));
  conv = path.join(folder, 'conv.onnx');
  writeFileSync(conv, convModel({ channels: 32, size: 32 }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  sha256?: string;
  byteLength?: number;
  error?: TensorRTNodeError | { code: string; message: string };
  logs: string[];
}

async function build(
  options: EngineBuildOptions,
  model = conv,
  computeCapabilities = [89],
): Promise<Outcome> {
  const logs: string[] = [];
  const checked = checkBuildOptions(options);
  try {
    const result = await native().trtBuild(
      {
        ...rtxLibrary!,
        modelPath: model,
        profiles: checked.profiles,
        computeCapabilities,
        settings: checked.settings,
        extraMemoryTargets: checked.extraMemoryTargets,
        tensors: checked.tensors,
        maxSeverity: 4,
      },
      (event: TrtBuildEvent) => {
        if (event.type === 'log') logs.push(event.message);
      },
    );
    const bytes = native().bufferRead(result.plan, 0, result.byteLength);
    native().bufferRelease(result.plan);
    const sha256 = createHash('sha256').update(new Uint8Array(bytes)).digest('hex');
    return { sha256, byteLength: result.byteLength, logs };
  } catch (error) {
    return { error: error as { code: string; message: string }, logs };
  }
}

/** Every legal value of a setting: all choices alone, none and together; integers at least, a middle one, most. */
function legalValues(rule: SettingRule): TrtSetting['value'][] {
  switch (rule.kind) {
    case 'boolean':
      return [true, false];
    case 'integer': {
      const middle = Math.min(rule.max - 1, Math.max(rule.min + 1, 2 ** 28));
      return rule.powerOfTwo
        ? [rule.min, 2 ** 28, rule.max]
        : [rule.min, rule.max > 2 ** 28 ? middle : 3, rule.max];
    }
    case 'choice':
      return Object.keys(rule.choices);
    case 'set':
      return [[], ...Object.keys(rule.choices).map((item) => [item]), Object.keys(rule.choices)];
    case 'text':
      return ['-conv_use_long_w=off'];
    case 'list':
      return [[], ['/nowhere/libplugin.so']];
  }
}

/** Refused by TensorRT-RTX 1.7 on a machine without a GPU, for its own reasons. */
const refusals: Record<string, RegExp> = {
  'workspaceBytes=0': /requires workspace memory/,
  'tacticSharedMemoryBytes=0': /tacticMaxShmemSize/,
  'refittable=true': /Myelin/,
  'refitIdentical=true': /Myelin/,
  'stripWeights=true': /Myelin/,
  'runtimePlatform="windows-x64"': /does not support building engines on platforms other than/,
  'versionCompatible=true': /libnvinfer_lean/,
  'excludeLeanRuntime=true': /refused the build option excludeLeanRuntime: .*VERSION_COMPATIBLE/,
  'pluginLibraries=["/nowhere/libplugin.so"]': /Unable to load library: \/nowhere\/libplugin\.so/,
  'pluginsToSerialize=["/nowhere/libplugin.so"]': /Cannot open file \/nowhere\/libplugin\.so/,
};

/** Lines that do not come with the default build, numbers aside. */
function newLines(logs: readonly string[], base: readonly string[]): string[] {
  const plain = (line: string) => line.replace(/0x[0-9a-f]+|\d+(\.\d+)?(e-\d+)?/g, '#');
  const known = new Set(base.map(plain));
  return logs.filter((line) => !known.has(plain(line)));
}

describeWithRtx('builder settings on the real TensorRT-RTX', () => {
  it('build or are refused with a typed error, each at each of its legal values', async () => {
    const base = await build({});
    const again = await build({});
    expect(base.error).toBeUndefined();
    // Without that, a changed plan would prove nothing.
    expect(again.sha256).toBe(base.sha256);
    const baseLogs = [...base.logs, ...again.logs];

    const counts = { built: 0, refusedByUs: 0, refusedByTensorRT: 0 };
    const seen: Record<string, 'plan' | 'log'> = {};
    const refused: string[] = [];
    for (const [name, rule] of Object.entries(settingTable) as [string, SettingRule][]) {
      for (const value of legalValues(rule)) {
        const options = { [name]: value } as EngineBuildOptions;
        const { settings } = checkBuildOptions(options);
        const label = `${name}=${JSON.stringify(value)}`;
        const lacking = unavailable(settings);
        const outcome = await build(options);
        if (lacking) {
          counts.refusedByUs += 1;
          expect([label, lacking.code]).toEqual([label, 'ERR_INVALID_ARGUMENT']);
          // The native table refuses it by itself.
          expect([label, outcome.error?.code]).toEqual([
            label,
            expect.stringMatching(/^ERR_(INVALID_ARGUMENT|TENSORRT_VERSION)$/),
          ]);
          continue;
        }
        if (outcome.error) {
          counts.refusedByTensorRT += 1;
          refused.push(label);
          expect([label, outcome.error.code]).toEqual([label, 'ERR_ENGINE_BUILD']);
          expect([label, outcome.error.message]).toEqual([
            label,
            expect.stringMatching(refusals[label] ?? /^not expected to fail$/),
          ]);
          continue;
        }
        counts.built += 1;
        if (outcome.sha256 !== base.sha256) seen[name] = 'plan';
        else if (newLines(outcome.logs, baseLogs).length > 0) seen[name] ??= 'log';
      }
    }
    console.log(
      `rtx1: ${Object.keys(settingTable).length} settings, ${counts.built} values built, ${counts.refusedByUs} refused by us, ${counts.refusedByTensorRT} refused by TensorRT; effect seen of ${Object.keys(seen).length}`,
    );
    expect(refused.sort()).toEqual(Object.keys(refusals).sort());
    // What the page says of effects; versionCompatible needs a second option and has its own test.
    const told = Object.fromEntries(
      (Object.entries(settingTable) as [string, SettingRule][])
        .filter(([name, rule]) => rule.seen !== undefined && name !== 'versionCompatible')
        .map(([name, rule]) => [name, rule.seen]),
    );
    expect(seen).toEqual(told);
  }, 60_000);

  it('leave their marks in the log and the plan', async () => {
    const base = await build({});
    expect((await build({ optimizationLevel: 0 })).logs.join('\n')).toMatch(
      /tactics to 1 at optimization level 0/,
    );
    expect((await build({ monitorMemory: true })).logs.join('\n')).toMatch(/\[MemUsageChange\]/);
    expect((await build({ parserFlags: ['plugin-override'] })).logs.join('\n')).toMatch(
      /treated as plugin: Conv/,
    );
    expect((await build({ profilingVerbosity: 'detailed' })).logs.join('\n')).toMatch(
      /Layers:\nName: .*LayerType/,
    );
    const compatible = await build({ versionCompatible: true, excludeLeanRuntime: true });
    expect(compatible.error).toBeUndefined();
    expect(compatible.sha256).not.toBe(base.sha256);
    const individual = await build({ refitIndividual: true });
    expect(individual.byteLength).toBeGreaterThan(base.byteLength!);
  });

  it("takes a target for each compute capability of the header, and none of the machine's without a GPU", async () => {
    const header = path.join(projectRoot, '.sdk', 'headers', 'rtx1', 'NvInfer.h');
    const body = /enum class ComputeCapability[^{]*\{([^}]*)\}/.exec(
      readFileSync(header, 'utf8'),
    )![1]!;
    const known = [...body.matchAll(/kSM(\d+) =/g)].map((match) => Number(match[1]));
    expect(known.length).toBeGreaterThan(5);
    const each = await Promise.all(known.map((target) => build({}, conv, [target])));
    expect(each.map(({ error }) => error)).toEqual(known.map(() => undefined));
    expect(new Set(each.map(({ sha256 }) => sha256)).size).toBe(known.length);
    const all = await build({}, conv, known);
    expect(all.byteLength).toBeGreaterThan(each[0]!.byteLength!);
    expect((await build({}, conv, [61])).error).toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringContaining(
        known.map((target) => `${Math.floor(target / 10)}.${target % 10}`).join(', '),
      ),
    });
    expect((await build({}, conv, [1, 89])).error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });

  it('are checked once more when all are set: TensorRT drops one of two that exclude each other', async () => {
    const settings = [
      { name: 'refittable', value: true },
      { name: 'refitIndividual', value: true },
    ];
    await expect(
      native().trtBuild(
        {
          ...rtxLibrary!,
          modelPath: conv,
          profiles: [],
          computeCapabilities: [89],
          settings,
          extraMemoryTargets: [],
          tensors: [],
          maxSeverity: 1,
        },
        () => {},
      ),
    ).rejects.toMatchObject({
      code: 'ERR_ENGINE_BUILD',
      message: expect.stringMatching(/gave the build option refittable up/),
    });
  });

  it.each([
    [{ name: 'tf32', value: 1 }, /tf32/],
    [{ name: 'optimizationLevel', value: 6 }, /an integer from 0 to 5 for optimizationLevel/],
    [{ name: 'optimizationLevel', value: '3' }, /optimizationLevel/],
    [{ name: 'profilingVerbosity', value: 'loud' }, /one of none, layer-names, detailed/],
    [{ name: 'previewFeatures', value: ['all'] }, /one of aliased-plugin-io/],
    [{ name: 'pluginLibraries', value: ['a\0b'] }, /zero byte/],
    [{ name: 'frobnicate', value: true }, /a name that this flavour has/],
  ])('%j is refused natively, whatever the caller checked', async (setting, message) => {
    await expect(
      native().trtBuild(
        {
          ...rtxLibrary!,
          modelPath: conv,
          profiles: [],
          computeCapabilities: [],
          settings: [setting],
          extraMemoryTargets: [],
          tensors: [],
          maxSeverity: 1,
        },
        () => {},
      ),
    ).rejects.toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    });
  });
});

/** The error that a build of this package ends with before it starts, for TensorRT-RTX 1.7. */
function unavailable(settings: readonly TrtSetting[]): TensorRTNodeError | undefined {
  try {
    requireAvailable(settings, [], { flavor: 'rtx1', version: '1.7.1.116' });
    return undefined;
  } catch (error) {
    return error as TensorRTNodeError;
  }
}

/** y = x as the shape that the input `size` says: an input whose values are a shape. */
const reshapeModel = (size: readonly (number | string)[] = [2]) =>
  onnxModel({
    nodes: [
      { op: 'Reshape', inputs: ['x', 'size'], outputs: ['r'], name: 'reshape' },
      { op: 'Relu', inputs: ['r'], outputs: ['y'], name: 'relu' },
    ],
    inputs: [
      { name: 'x', dtype: 'float32', dims: ['n', 4] },
      { name: 'size', dtype: 'int64', dims: size },
    ],
    outputs: [{ name: 'y', dtype: 'float32', dims: [null, null] }],
  });

describeWithRtx('profiles and tensors on the real TensorRT-RTX', () => {
  const reshape = () => {
    const file = path.join(folder, 'reshape.onnx');
    writeFileSync(file, reshapeModel());
    return file;
  };
  const shapes = {
    x: { min: [1, 4], max: [8, 4] },
    size: { values: { min: [1, 4], max: [8, 4] } },
  };

  it('take values for an input that is a shape, in one profile or several', async () => {
    const one = await build({ shapes }, reshape());
    expect(one.error).toBeUndefined();
    const two = await build(
      { shapes: [shapes, { x: [16, 4], size: { values: [8, 8] } }], extraMemoryTarget: [0, 1] },
      reshape(),
    );
    expect(two.error).toBeUndefined();
    expect(two.byteLength).toBeGreaterThan(one.byteLength!);
    const other = await build(
      {
        shapes: { x: { min: [1, 4], max: [4, 4] }, size: { values: { min: [1, 4], max: [4, 4] } } },
      },
      reshape(),
    );
    expect(other.sha256).not.toBe(one.sha256);
  });

  it.each([
    [{ x: shapes.x }, /\{ values: \{ min, opt, max \} \} for the input "size".* in every profile/],
    [{ size: shapes.size }, /a range for the dynamic input "x" of shape -1x4/],
    [{ ...shapes, size: { values: [1] } }, /2 values for values of input "size" but received 1/],
    [{ ...shapes, z: [1] }, /names of inputs \(x, size\) for shapes but received "z"/],
    [{ ...shapes, x: [1, 5] }, /a shape that fits -1x4/],
  ])('%j is refused', async (bad, message) => {
    const { error } = await build({ shapes: bad as never }, reshape());
    expect(error).toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    });
  });

  it('refuse values for an input that is no shape', async () => {
    const { error } = await build({ shapes: { x: { values: [1] } } });
    expect(error).toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(/that the graph uses as a shape for values of input "x"/),
    });
  });

  it('restrict the memory layouts of inputs and outputs', async () => {
    const base = await build({});
    const linear = await build({ tensors: { x: { formats: ['linear'], dtype: 'float32' } } });
    expect(linear.error).toBeUndefined();
    const chw32 = await build({ tensors: { x: { formats: ['chw32'] } } });
    expect(chw32.error).toBeUndefined();
    expect(chw32.sha256).not.toBe(base.sha256);
    expect(chw32.logs.join('\n')).not.toBe(base.logs.join('\n'));
  });

  it.each([
    [{ nothing: { formats: ['linear'] } }, /inputs and outputs for tensors but .*"nothing"/],
    [
      { x: { dtype: 'float16' } },
      /Expected float32, the type that the ONNX graph gives.*received "float16"/,
    ],
  ])('%j is refused', async (tensors, message) => {
    const { error } = await build({ tensors: tensors as never });
    expect(error).toMatchObject({
      code: 'ERR_INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    });
  });
});
