import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseShapes } from '../../../src/cli/build-flags';
import { checkBuildOptions } from '../../../src/engine/build-options';

const bad = (message: RegExp) =>
  expect.objectContaining({
    code: 'ERR_INVALID_ARGUMENT',
    message: expect.stringMatching(message),
  });

describe('paths of timing caches', () => {
  it('do not depend on the folder that another process works in', () => {
    const file = path.resolve('a.cache');
    const checked = { load: [{ file, isOptional: true }], save: file, ignoreMismatch: false };
    expect(checkBuildOptions({ timingCache: 'a.cache' }).timingCache).toEqual(checked);
    const both = { load: ['a.cache'], save: 'a.cache' };
    expect(checkBuildOptions({ timingCache: both }).timingCache).toEqual({
      ...checked,
      load: [{ file, isOptional: false }],
    });
  });
});

describe('build options', () => {
  it('become plain data with defaults filled in', () => {
    expect(checkBuildOptions({})).toEqual({
      computeCapabilities: [],
      profiles: [],
      extraMemoryTargets: [],
      tensors: [],
      settings: [],
      transforms: {},
      logLevel: 'info',
      metadata: {},
    });
    expect(
      checkBuildOptions({
        flavor: 'rtx1',
        computeCapabilities: ['8.9', '12.0', '8.9'],
        shapes: { x: { min: [1, 3], max: [4, 3] } },
        extraMemoryTarget: 0.5,
        tensors: { x: { formats: ['hwc8', 'linear', 'hwc8'] }, y: { dtype: 'float32' } },
        tf32: false,
        optimizationLevel: 5,
        hardwareCompatibility: 'ampere+',
        previewFeatures: ['runtime-activation-resize', 'aliased-plugin-io'],
        pluginLibraries: ['libplain.so', '/opt/../opt/lib.so', '/opt/lib.so'],
        metadata: { when: new Date(0), skipped: undefined },
      }),
    ).toEqual({
      flavor: 'rtx1',
      computeCapabilities: ['8.9', '12.0'],
      profiles: [[{ input: 'x', min: [1, 3], opt: [4, 3], max: [4, 3] }]],
      extraMemoryTargets: [0.5],
      tensors: [
        { name: 'x', formats: ['linear', 'hwc8'], dtype: '' },
        { name: 'y', formats: [], dtype: 'float32' },
      ],
      settings: [
        { name: 'optimizationLevel', value: 5 },
        { name: 'tf32', value: false },
        { name: 'hardwareCompatibility', value: 'ampere+' },
        { name: 'previewFeatures', value: ['aliased-plugin-io', 'runtime-activation-resize'] },
        { name: 'pluginLibraries', value: ['libplain.so', '/opt/lib.so'] },
      ],
      transforms: {},
      logLevel: 'info',
      metadata: { when: '1970-01-01T00:00:00.000Z' },
    });
  });

  it.each([
    [
      { optimisationLevel: 3 },
      /one of optimizationLevel, .* and \d+ more as a key of options but received "optimisationLevel"/,
    ],
    [{ flavor: 'trt9' }, /"rtx1", "trt10", "trt11" for options\.flavor/],
    [{ computeCapabilities: '8.9' }, /an array .* for options\.computeCapabilities/],
    [{ computeCapabilities: [8.9] }, /strings such as '8\.9'.* 8\.9 of type number/],
    [{ computeCapabilities: ['sm_89'] }, /sm_89/],
    [{ shapes: 'x' }, /an object of shapes by input name for options\.shapes/],
    [{ shapes: [[1]] }, /options\.shapes\[0\]/],
    [{ shapes: { x: '1x3' } }, /options\.shapes\.x/],
    [{ shapes: { x: [1, -1] } }, /options\.shapes\.x but received -1/],
    [{ shapes: { x: [1, 2.5] } }, /options\.shapes\.x/],
    [{ shapes: { x: Array(9).fill(1) } }, /at most 8 dimensions/],
    [{ shapes: { x: { min: [1] } } }, /options\.shapes\.x\.max/],
    [{ shapes: { x: { min: [4], max: [1] } } }, /min <= opt <= max/],
    [{ shapes: { x: { min: [1], opt: [1, 1], max: [1] } } }, /min <= opt <= max/],
    [{ shapes: { x: { min: [1], optimum: [1], max: [1] } } }, /"optimum"/],
    [{ shapes: { x: { values: [] } } }, /1 to 64 integers for options\.shapes\.x\.values/],
    [{ shapes: { x: { values: [1], min: [1] } } }, /"min"/],
    [{ shapes: { x: { values: { min: [2], max: [1] } } } }, /min <= opt <= max/],
    [{ shapes: { x: { values: [1.5] } } }, /options\.shapes\.x\.values but received 1\.5/],
    [{ extraMemoryTarget: 0.5 }, /no value without options\.shapes/],
    [{ shapes: { x: [1] }, extraMemoryTarget: 2 }, /numbers from 0 to 1/],
    [{ shapes: { x: [1] }, extraMemoryTarget: [0, 1] }, /1 numbers \(one a profile\)/],
    [{ tensors: [] }, /an object by tensor name/],
    [{ tensors: { x: { formats: [] } } }, /options\.tensors\.x\.formats/],
    [{ tensors: { x: { formats: ['nchw'] } } }, /"linear".* for options\.tensors\.x\.formats/],
    [{ tensors: { x: { format: 'hwc' } } }, /"format"/],
    [{ tensors: { x: { dtype: 1 } } }, /options\.tensors\.x\.dtype/],
    [{ computeCapabilities: ['now'] }, /"now"/],
    [{ previewFeatures: 'all' }, /an array of aliased-plugin-io/],
    [{ previewFeatures: ['all'] }, /options\.previewFeatures but received "all"/],
    [{ pluginLibraries: [''] }, /options\.pluginLibraries/],
    [{ pluginLibraries: ['a\0b'] }, /zero byte/],
    [{ buildRoute: 1 }, /options\.buildRoute/],
    [{ dlaLocalDramBytes: 5000 }, /a power of two for options\.dlaLocalDramBytes/],
    [{ maxTactics: 0 }, /options\.maxTactics/],
    [
      { refittable: true, refitIndividual: true },
      /no second kind of refit beside options\.refittable for options\.refitIndividual/,
    ],
    [{ optimizationLevel: 6 }, /an integer from 0 to 5 for options\.optimizationLevel/],
    [{ workspaceBytes: '1GiB' }, /options\.workspaceBytes/],
    [{ tf32: 1 }, /a boolean for options\.tf32/],
    [{ hardwareCompatibility: 'all' }, /one of "none", "ampere\+"/],
    [{ timeoutMs: 0 }, /options\.timeoutMs/],
    [{ signal: {} }, /an AbortSignal for options\.signal/],
    [{ onLog: true }, /a function for options\.onLog/],
    [{ logLevel: 'silent' }, /options\.logLevel/],
    [{ output: '' }, /options\.output/],
    [{ metadata: [] }, /an object for options\.metadata/],
  ])('%j is refused', (options, message) => {
    expect(() => checkBuildOptions(options as never)).toThrow(bad(message));
  });

  it('take no metadata that JSON cannot hold', () => {
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    for (const metadata of [{ n: 1n }, cyclic]) {
      expect(() => checkBuildOptions({ metadata })).toThrow(bad(/written as JSON/));
    }
  });
});

describe('the --shapes flag', () => {
  it('takes ranges and fixed shapes, and names with colons', () => {
    expect(parseShapes(['images:1x3x8x8:2x3x8x8:4x3x8x8', 'n:1', 'a:0:1x2', 'b:0:1:2:3'])).toEqual({
      images: { min: [1, 3, 8, 8], opt: [2, 3, 8, 8], max: [4, 3, 8, 8] },
      n: [1],
      'a:0': [1, 2],
      'b:0': { min: [1], opt: [2], max: [3] },
    });
  });

  it('takes values of shape inputs, and an input that is named again as the next profile', () => {
    expect(parseShapes(['x:1x4:2x4:8x4', 'x:16x4'], ['n:-1,2', 'a:b:1:2:3', 'n:4,4'])).toEqual([
      {
        x: { min: [1, 4], opt: [2, 4], max: [8, 4] },
        n: { values: [-1, 2] },
        'a:b': { values: { min: [1], opt: [2], max: [3] } },
      },
      { x: [16, 4], n: { values: [4, 4] } },
    ]);
    expect(() => parseShapes([], ['n:1x2'])).toThrow(bad(/--shape-values/));
  });

  it.each(['images', 'images:', ':1x2'.slice(1), 'images:1x-3', 'images:axb', ''])(
    'refuses "%s"',
    (text) => {
      expect(() => parseShapes([text])).toThrow(bad(/--shapes/));
    },
  );
});
