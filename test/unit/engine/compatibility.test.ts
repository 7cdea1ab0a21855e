import { describe, expect, it } from 'vitest';
import {
  type CompatibilityFacts,
  describeEngineMachine,
  type EngineMachine,
  explainCompatibility,
} from '../../../src';

const l4 = { name: 'NVIDIA L4', computeCapability: '8.9' };
const rtx5090 = { name: 'NVIDIA GeForce RTX 5090', computeCapability: '12.0' };
const a10 = { name: 'NVIDIA A10', computeCapability: '8.6' };
const t4 = { name: 'Tesla T4', computeCapability: '7.5' };
const orin = { name: 'Orin', computeCapability: '8.7' };

function machine(change: Partial<EngineMachine> = {}): EngineMachine {
  return {
    platform: 'linux-x64',
    libraries: [
      { flavor: 'trt10', version: '10.16.1.11' },
      { flavor: 'rtx1', version: '1.7.1.116' },
    ],
    devices: [l4],
    cudaVersion: '13.0',
    isJetson: false,
    ...change,
  };
}
const has = (flavor: 'rtx1' | 'trt10' | 'trt11', version: string) =>
  machine({ libraries: [{ flavor, version }] });
const on = (...devices: EngineMachine['devices']) => machine({ devices });

const rtx: CompatibilityFacts = {
  flavor: 'rtx1',
  tensorrtVersion: '1.7.1.116',
  computeCapabilities: ['8.9', '12.0'],
  options: {},
  platform: 'linux-x64',
};
const trt: CompatibilityFacts = {
  flavor: 'trt10',
  tensorrtVersion: '10.16.1.11',
  computeCapabilities: [],
  options: {},
  platform: 'linux-x64',
  device: l4,
};
const compatible = { options: { versionCompatible: true } };

/** Name, engine, machine, verdict, topics of the reasons, and what the sentence says. */
const table: [string, CompatibilityFacts, EngineMachine, string, string[], RegExp][] = [
  // TensorRT-RTX
  [
    'its own machine',
    rtx,
    machine(),
    'yes',
    [],
    /with TensorRT-RTX 1\.7\.1\.116 on NVIDIA L4 \(8\.9\)/,
  ],
  ['the second GPU fits', rtx, on(t4, rtx5090), 'yes', [], /RTX 5090/],
  [
    'a capability that is not in its list',
    rtx,
    on(a10),
    'no',
    ['compute-capability'],
    /for compute capability 8\.9, 12\.0 and this machine's NVIDIA A10 has 8\.6/,
  ],
  ['no list, a default capability', { ...rtx, computeCapabilities: [] }, on(a10), 'yes', [], /A10/],
  [
    'no list, a later one',
    { ...rtx, computeCapabilities: [] },
    on({ name: 'X', computeCapability: '12.1' }),
    'yes',
    [],
    /X/,
  ],
  [
    'no list, Turing',
    { ...rtx, computeCapabilities: [] },
    on(t4),
    'no',
    ['compute-capability'],
    /8\.0, 8\.6, 8\.9, 12\.0 and later/,
  ],
  [
    'no list, one in between',
    { ...rtx, computeCapabilities: [] },
    on({ name: 'H100', computeCapability: '9.0' }),
    'unknown',
    ['compute-capability'],
    /not known: it was built for/,
  ],
  [
    'built for the GPU of its machine',
    { ...rtx, computeCapabilities: ['current'], device: l4 },
    machine(),
    'yes',
    [],
    /L4/,
  ],
  [
    'built for another GPU of its machine',
    { ...rtx, computeCapabilities: ['current'], device: a10 },
    machine(),
    'no',
    ['compute-capability'],
    /for compute capability 8\.6 and/,
  ],
  [
    'built for a GPU that is not told',
    { ...rtx, computeCapabilities: ['current'] },
    machine(),
    'unknown',
    ['compute-capability'],
    /does not tell which GPU/,
  ],
  ['another release', rtx, has('rtx1', '1.8.0.5'), 'no', ['version'], /own release alone/],
  [
    'another build of the release',
    rtx,
    has('rtx1', '1.7.1.120'),
    'unknown',
    ['version'],
    /another build/,
  ],
  [
    'version-compatible does not help RTX',
    { ...rtx, ...compatible },
    has('rtx1', '1.8.0.5'),
    'no',
    ['version'],
    /own release/,
  ],
  [
    'only TensorRT there',
    rtx,
    has('trt11', '11.4.0.106'),
    'no',
    ['flavor'],
    /TensorRT-RTX 1\.7\.1\.116 and this machine has TensorRT 11\.4/,
  ],
  ['built on Windows', { ...rtx, platform: 'win32-x64' }, machine(), 'yes', [], /runs here/],
  [
    'built on another CPU',
    { ...rtx, platform: 'linux-arm64' },
    machine(),
    'unknown',
    ['platform'],
    /linux-arm64/,
  ],
  [
    'an older driver',
    { ...rtx, cudaVersion: '13.1' },
    machine(),
    'no',
    ['driver'],
    /CUDA 13\.1 .* CUDA 13\.0/,
  ],
  ['a newer driver', { ...rtx, cudaVersion: '12.9' }, machine(), 'yes', [], /runs/],
  // TensorRT
  ['its own machine', trt, machine(), 'yes', [], /with TensorRT 10\.16\.1\.11 on NVIDIA L4/],
  ['a later version', trt, has('trt10', '10.17.0.3'), 'no', ['version'], /not version-compatible/],
  ['an earlier version', trt, has('trt10', '10.3.0.26'), 'no', ['version'], /10\.3\.0\.26/],
  [
    'compatible: a later minor',
    { ...trt, ...compatible },
    has('trt10', '10.17.0.3'),
    'yes',
    [],
    /runs/,
  ],
  [
    'compatible: an earlier minor',
    { ...trt, ...compatible },
    has('trt10', '10.3.0.26'),
    'no',
    ['version'],
    /later versions/,
  ],
  [
    'compatible: 10 to 11',
    { ...trt, ...compatible },
    has('trt11', '11.4.0.106'),
    'yes',
    [],
    /TensorRT 11\.4/,
  ],
  [
    'compatible: 11 to 10',
    { ...trt, flavor: 'trt11', tensorrtVersion: '11.0.0.1', ...compatible },
    machine(),
    'no',
    ['version'],
    /later versions/,
  ],
  [
    'compatible: 8.6 to 10',
    { ...trt, flavor: undefined, tensorrtVersion: '8.6.1.6', ...compatible },
    machine(),
    'yes',
    [],
    /runs/,
  ],
  [
    'compatible: 8.5 to 10',
    { ...trt, flavor: undefined, tensorrtVersion: '8.5.3.1', ...compatible },
    machine(),
    'no',
    ['version'],
    /begins with TensorRT 8\.6/,
  ],
  [
    'compatible: 8.6 to 11',
    { ...trt, flavor: undefined, tensorrtVersion: '8.6.1.6', ...compatible },
    has('trt11', '11.4.0.106'),
    'no',
    ['version'],
    /only 8 to 10 and 10 to 11/,
  ],
  [
    'compatible without lean runtime',
    { ...trt, options: { versionCompatible: true, excludeLeanRuntime: true } },
    has('trt11', '11.4.0.106'),
    'unknown',
    ['version'],
    /lean runtime of TensorRT 10\.16/,
  ],
  [
    'only TensorRT-RTX there',
    trt,
    has('rtx1', '1.7.1.116'),
    'no',
    ['flavor'],
    /built by TensorRT 10\.16\.1\.11 and this machine has TensorRT-RTX/,
  ],
  [
    'another architecture',
    trt,
    on(a10),
    'no',
    ['compute-capability'],
    /built on NVIDIA L4 \(8\.9\) and this machine's NVIDIA A10 has 8\.6/,
  ],
  [
    'another model of the capability',
    trt,
    on({ name: 'NVIDIA RTX 4090', computeCapability: '8.9' }),
    'unknown',
    ['compute-capability'],
    /another model/,
  ],
  [
    'same-compute-capability: another model',
    { ...trt, options: { hardwareCompatibility: 'same-compute-capability' } },
    on({ name: 'NVIDIA RTX 4090', computeCapability: '8.9' }),
    'yes',
    [],
    /4090/,
  ],
  [
    'same-compute-capability: another one',
    { ...trt, options: { hardwareCompatibility: 'same-compute-capability' } },
    on(a10),
    'no',
    ['compute-capability'],
    /for the same compute capability/,
  ],
  [
    'ampere+: Ampere and later',
    { ...trt, options: { hardwareCompatibility: 'ampere+' } },
    on(rtx5090),
    'yes',
    [],
    /5090/,
  ],
  [
    'ampere+: Turing',
    { ...trt, options: { hardwareCompatibility: 'ampere+' } },
    on(t4),
    'no',
    ['compute-capability'],
    /Ampere and later/,
  ],
  [
    'ampere+: Jetson',
    { ...trt, options: { hardwareCompatibility: 'ampere+' } },
    machine({ devices: [orin], isJetson: true }),
    'no',
    ['compute-capability'],
    /Jetson/,
  ],
  [
    'built where no GPU is told',
    { ...trt, device: undefined },
    machine(),
    'unknown',
    ['compute-capability'],
    /does not tell which GPU/,
  ],
  [
    'built on Windows',
    { ...trt, platform: 'win32-x64' },
    machine(),
    'no',
    ['platform'],
    /win32-x64 and this machine is linux-x64/,
  ],
  [
    'built for Windows',
    { ...trt, options: { runtimePlatform: 'windows-x64' } },
    machine(),
    'no',
    ['platform'],
    /win32-x64/,
  ],
  [
    'an older driver',
    { ...trt, cudaVersion: '13.1' },
    machine(),
    'unknown',
    ['driver'],
    /driver for CUDA 13\.1/,
  ],
  [
    'built for DLA alone',
    { ...trt, options: { engineCapability: 'dla-standalone' } },
    machine(),
    'no',
    ['flavor'],
    /dla-standalone runtime/,
  ],
  // Machines without something
  [
    'no device',
    rtx,
    machine({ devices: [], deviceReason: 'The driver is asleep.' }),
    'no',
    ['device'],
    /no CUDA device \(The driver is asleep\)/,
  ],
  [
    'no library',
    rtx,
    machine({ libraries: [] }),
    'no',
    ['flavor'],
    /needs TensorRT-RTX 1\.7\.1\.116 and this machine has no TensorRT/,
  ],
  [
    'nothing at all',
    trt,
    machine({ libraries: [], devices: [] }),
    'no',
    ['flavor', 'device'],
    /, and this machine has no CUDA device/,
  ],
  // Files that tell little
  [
    'a plan of an unknown origin',
    {},
    machine(),
    'unknown',
    ['version', 'compute-capability'],
    /which TensorRT version/,
  ],
  [
    'an RTX plan without version',
    { flavor: 'rtx1', computeCapabilities: ['8.9'] },
    has('trt10', '10.16.1.11'),
    'no',
    ['flavor'],
    /is for TensorRT-RTX/,
  ],
  // Plug-ins
  [
    'plug-ins that nobody knows of',
    { ...rtx, plugins: ['EfficientNMS_TRT'] },
    machine(),
    'unknown',
    ['plugins'],
    /EfficientNMS_TRT/,
  ],
  [
    'plug-ins that are there',
    { ...rtx, plugins: ['a.B'] },
    machine({ plugins: ['a.B'] }),
    'yes',
    [],
    /runs/,
  ],
  [
    'plug-ins that are not there',
    { ...rtx, plugins: ['a.B'] },
    machine({ plugins: [] }),
    'no',
    ['plugins'],
    /not there: a\.B/,
  ],
  [
    'plug-ins inside the engine',
    { ...trt, plugins: ['a.B'], options: { pluginsToSerialize: ['libb.so'] } },
    machine(),
    'yes',
    [],
    /runs/,
  ],
];

describe('whether an engine runs on a machine', () => {
  it.each(table)('%#: %s', (_, engine, where, runs, topics, summary) => {
    const answer = explainCompatibility(engine, where);
    expect(answer.runs).toBe(runs);
    expect(answer.reasons.map(({ topic }) => topic)).toEqual(topics);
    expect(answer.summary).toMatch(summary);
    // One sentence: a capital, a full stop, no other sentence in between.
    expect(answer.summary).toMatch(/^[A-Z].*\.$/);
    expect(answer.summary).not.toMatch(/[a-z]\. [A-Z]/);
    expect('library' in answer).toBe(runs !== 'no');
  });

  it('names every hindrance, and tells what a new build can help', () => {
    const far = explainCompatibility(
      { ...trt, platform: 'win32-x64', plugins: ['a.B'] },
      machine({
        libraries: [{ flavor: 'trt11', version: '11.4.0.106' }],
        devices: [a10],
        plugins: [],
      }),
    );
    expect(far.reasons.map(({ topic }) => topic)).toEqual([
      'platform',
      'version',
      'compute-capability',
      'plugins',
    ]);
    expect(far.rebuildHelps).toBe(false);
    const near = explainCompatibility(trt, machine({ devices: [a10] }));
    expect(near).toMatchObject({ runs: 'no', rebuildHelps: true });
    expect(explainCompatibility(trt, machine({ devices: [] })).rebuildHelps).toBe(false);
    expect(explainCompatibility(trt, machine()).rebuildHelps).toBe(false);
  });

  it('takes the library and the device that fit best', () => {
    expect(explainCompatibility(rtx, on(t4, a10, l4))).toMatchObject({
      library: { flavor: 'rtx1' },
      deviceIndex: 2,
    });
    const versions = ['10.3.0.26', '10.16.1.11'].map((version) => ({
      flavor: 'trt10' as const,
      version,
    }));
    expect(explainCompatibility(trt, machine({ libraries: versions })).library).toEqual(
      versions[1],
    );
  });

  it('is answered for this machine', async () => {
    const here = await describeEngineMachine();
    expect(here.platform).toBe(`${process.platform}-${process.arch}`);
    expect(['yes', 'no', 'unknown']).toContain(explainCompatibility(rtx, here).runs);
  });
});
