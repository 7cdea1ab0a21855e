import { describe, expect, it } from 'vitest';
import { adviseOn } from '../../../src/doctor/advice';
import { canRun, type Diagnosis } from '../../../src/doctor/diagnose';
import { render } from '../../../src/doctor/render';

type Facts = Omit<Diagnosis, 'advice'>;

const healthy: Facts = {
  version: '1.2.3',
  root: '/srv/app/node_modules/tensorrt-node',
  abilities: {
    cpu: { works: true, reason: 'ONNX Runtime 1.30.0' },
    gpu: { works: true, reason: 'TensorRT 10.9.0.34 (trt10)' },
    build: { works: true, reason: 'TensorRT 10.9.0.34 (trt10), for the GPUs of this machine' },
  },
  machine: {
    system: 'Debian GNU/Linux 12 (bookworm)',
    kernel: '6.1.0',
    arch: 'x64',
    glibc: '2.36',
    cpu: 'Test CPU',
    cores: 16,
    availableCores: 4,
    memoryBytes: 64 * 2 ** 30,
    memoryLimitBytes: 8 * 2 ** 30,
    node: '22.1.0',
    nodePath: '/usr/bin/node',
  },
  addon: {
    path: '/srv/app/node_modules/tensorrt-node/prebuilds/linux-x64/tensorrt-node.node',
    cpuFeatures: ['avx2'],
    flavors: { compiled: {}, absent: ['rtx1', 'trt10', 'trt11'] },
  },
  sharp: { version: '0.35.5', libvips: '8.18.7' },
  onnxruntime: {
    path: '/ort/libonnxruntime.so.1',
    version: '1.30.0',
    candidates: [
      { path: '/gone/libonnxruntime.so.1', origin: 'system', exists: true, reason: 'too old' },
      { path: '/ort/libonnxruntime.so.1', origin: 'onnxruntime-node', exists: true },
    ],
  },
  openvino: { candidates: [] },
  cuda: {
    libraryPath: '/usr/lib/libcuda.so.1',
    cudaVersion: '12.8',
    devices: [
      {
        ordinal: 0,
        name: 'Test GPU',
        computeCapability: '8.9',
        memoryBytes: 24 * 2 ** 30,
        multiprocessors: 84,
        isIntegrated: false,
        uuid: 'GPU-01112131-4151-6171-8191-a1b1c1d1e1f1',
        pciBusId: '0000:01:00.0',
        problems: ['the fan is loud'],
      },
    ],
  },
  nvidia: { kernelModule: '570.10', pciGpus: 1, isWsl: false },
  tensorrt: [
    {
      path: '/trt/libnvinfer.so.10',
      origin: 'loader',
      flavor: 'trt10',
      version: '10.9.0.34',
      parserPath: '/trt/libnvonnxparser.so.10',
    },
    { path: '/old/libnvinfer.so.8', origin: 'python', refusal: 'TensorRT 8.6.1 is refused' },
  ],
};

const noDevice = (reason: string, nvidia: Partial<Facts['nvidia']> = {}): Facts => ({
  ...healthy,
  abilities: { ...healthy.abilities, gpu: { works: false, reason } },
  cuda: { devices: [], reason },
  nvidia: { pciGpus: 0, isWsl: false, ...nvidia },
});
const absent = 'The CUDA driver could not be opened: libcuda.so.1: no such file';
const page = (facts: Facts, color = false) =>
  render({ ...facts, advice: adviseOn(facts) }, { color });

describe("the doctor's page", () => {
  it('shows devices, libraries with their verdicts, and limits of the container', () => {
    const text = page(healthy);
    for (const part of [
      '✓ run on a GPU    TensorRT 10.9.0.34 (trt10)',
      '4 of 16 cores',
      '64.0 GiB, limited to 8.0 GiB',
      '/usr/lib/libcuda.so.1, up to CUDA 12.8',
      'Test GPU, compute capability 8.9, 24.0 GiB, 84 multiprocessors',
      'GPU-01112131-4151-6171-8191-a1b1c1d1e1f1, 0000:01:00.0',
      'the fan is loud',
      '✓ /trt/libnvinfer.so.10\n    trt10 10.9.0.34, found by ldconfig\n    parser /trt/libnvonnx',
      '✗ /old/libnvinfer.so.8\n    found by looking into Python packages\n    TensorRT 8.6.1 is refused',
      'too old; system',
      '1.30.0, taken; onnxruntime-node',
    ]) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain('What to do');
  });

  it('keeps to 100 columns, in colour too', () => {
    const facts = noDevice(`${absent} and a long story about it`.repeat(4), { pciGpus: 2 });
    for (const line of page(facts).split('\n')) expect(line.length).toBeLessThanOrEqual(100);
    const colored = page(facts, true);
    expect(colored).toContain('\u001b[32m✓\u001b[0m');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape codes of colours
    expect(colored.replaceAll(/\u001b\[\d+m/g, '')).toBe(page(facts));
  });
});

describe("the doctor's advice", () => {
  const lacks = (facts: Facts) => adviseOn(facts).map(({ lack, fix }) => `${lack} ${fix}`);

  it('is silent on a machine without a GPU, and where all is well', () => {
    expect(lacks(healthy)).toEqual([]);
    expect(lacks(noDevice(absent))).toEqual([]);
  });

  it.each([
    ['a container without the runtime', { kernelModule: '550.54' }, /--gpus all/],
    ['a Jetson', { jetson: 'NVIDIA Jetson Orin Nano' }, /Orin Nano.*JetPack/],
    ['WSL', { isWsl: true }, /driver in Windows/],
    ['a GPU without a driver', { pciGpus: 1 }, /is an NVIDIA GPU .* no driver/],
    ['GPUs without a driver', { pciGpus: 2 }, /are 2 NVIDIA GPUs/],
  ])('knows %s', (_what, nvidia, text) => {
    expect(lacks(noDevice(absent, nvidia))).toEqual([expect.stringMatching(text)]);
  });

  it('passes on why a driver does not start', () => {
    expect(lacks(noDevice('it does not start: mismatch'))).toEqual([
      expect.stringMatching(/mismatch.*nvidia-smi/),
    ]);
  });

  it('tells how to get ONNX Runtime, TensorRT and sharp', () => {
    const nothing = { works: false, reason: 'x' };
    const bare: Facts = {
      ...noDevice(absent),
      abilities: { cpu: nothing, gpu: nothing, build: nothing },
      onnxruntime: { candidates: [] },
      tensorrt: [],
      sharp: { error: 'wrong platform' },
    };
    expect(lacks(bare)).toEqual([
      expect.stringContaining('npm install onnxruntime-node'),
      expect.stringContaining('pip install tensorrt-rtx-cu13-libs'),
      expect.stringContaining('wrong platform'),
    ]);
    expect(canRun(bare)).toBe(false);
    const refused = { ...bare, tensorrt: [healthy.tensorrt[1]!], sharp: healthy.sharp };
    expect(lacks(refused)[1]).toContain('TensorRT 8.6.1 is refused');
    const needsGpu = { ...bare, tensorrt: [healthy.tensorrt[0]!], sharp: healthy.sharp };
    expect(lacks(needsGpu)[1]).toContain('on a machine with a GPU only');
  });

  it('says first, and alone, that the addon cannot be loaded', () => {
    const works = { works: false, reason: 'the native addon cannot be loaded' };
    const { cuda: _, ...rest } = healthy;
    const broken: Facts = {
      ...rest,
      abilities: { cpu: works, gpu: works, build: works },
      addon: { error: 'GLIBC_2.38 not found' },
      tensorrt: [],
    };
    expect(lacks(broken)).toEqual([expect.stringContaining('GLIBC_2.38')]);
    const { glibc: __, ...musl } = broken.machine;
    expect(lacks({ ...broken, machine: musl })).toEqual([expect.stringContaining('Alpine')]);
    expect(page(broken)).toContain('not asked, since the addon cannot be loaded');
  });
});
