import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectRoot } from '../helpers/data';
import { describeWithRtx } from '../helpers/trt';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-examples-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs an example as a reader would: on the compiled package. */
function runExample(name: string, ...args: string[]) {
  const file = path.join(projectRoot, 'examples', name);
  return spawnSync(process.execPath, [file, ...args], { cwd: folder, encoding: 'utf8' });
}

describe('examples/session.mjs', () => {
  it('runs the sample model and shows what came out', () => {
    const model = path.join(projectRoot, 'examples', 'models', 'shelf.onnx');
    const { status, stdout } = runExample('session.mjs', model, 'cpu');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^runs on cpu \(ONNX Runtime \d/);
    expect(stdout).toContain('in  images: float32 [1,3,416,416]');
    expect(stdout).toContain('out output0: float32 [1,10,3549]');
  });
});

describe('examples/detect.js', () => {
  it('prints what is on the sample picture and leaves an annotated copy', async () => {
    const { status, stdout, stderr } = runExample('detect.js');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^runs on (cpu|tensorrt): /);
    expect(stdout).toMatch(/shelf-01\.jpg: 29 objects/);
    for (const label of ['can', 'jar', 'box', 'empty', 'pouch', 'bottle'])
      expect(stdout).toMatch(new RegExp(`^  ${label} 0\\.\\d\\d at \\d+, \\d+, \\d+, \\d+$`, 'm'));
    const { width, height } = await sharp(path.join(folder, 'out', 'shelf-01.jpg')).metadata();
    expect([width, height]).toEqual([1280, 960]);
  });

  it('says in one line what is wrong with a picture that is not there', () => {
    const model = path.join(projectRoot, 'examples', 'models', 'shelf.onnx');
    const { status, stderr } = runExample('detect.js', model, 'absent.jpg');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^ERR_IO: .*absent\.jpg.*\n$/);
  });
});

describe('examples/precision.mjs', () => {
  it('casts the sample model and finds the same on the picture', () => {
    const { status, stdout, stderr } = runExample('precision.mjs');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/\d+ nodes in fp16, \d+ in float32; \d+ casts inserted/);
    const [, float, half] = /float32: (\d+) objects, fp16: (\d+) objects/.exec(stdout)!;
    expect(Number(float)).toBeGreaterThan(20);
    expect(half).toBe(float);
    expect(Number(/score: ([\d.]+)/.exec(stdout)![1])).toBeLessThan(0.02);
  });

  it('says in one line what is wrong with a model that is not there', () => {
    const { status, stderr } = runExample('precision.mjs', 'absent.onnx');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^ERR_IO: .*absent\.onnx.*\n$/);
  });
});

describe('examples/fused.js', () => {
  it('detects the same with pictures in and detections out', () => {
    const { status, stdout, stderr } = runExample('fused.js');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/in {2}images: uint8 \[.*,3\]\nout boxes: float32 \[.*,1000,4\]\n/);
    expect(stdout).toMatch(/30 objects before, 30 after: the same\n$/);
  });

  it('says in one line what is wrong with a model that has no such head', () => {
    const { status, stderr } = runExample('fused.js', 'absent.onnx');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^ERR_IO: .*absent\.onnx.*\n$/);
  });
});

describe('what npm start shows', () => {
  it('is where it ran and why, what it found, and annotated pictures', () => {
    const demo = new URL(path.join(projectRoot, 'scripts', 'demo', 'demo.mjs'), 'file:').href;
    const script = `import { runDemo } from '${demo}'; await runDemo(process.argv[1]);`;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', script, folder],
      { cwd: folder, encoding: 'utf8' },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/runs on: (cpu|tensorrt)/);
    expect(stdout).toMatch(/ONNX Runtime|GPU/);
    const pictures = readdirSync(path.join(projectRoot, 'examples', 'images'));
    expect(pictures.length).toBeGreaterThanOrEqual(6);
    for (const picture of pictures) expect(stdout).toMatch(new RegExp(`${picture}: \\d+ \\w+`));
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(pictures));
  });
});

describeWithRtx('examples/build-engine.js', () => {
  it('builds a real engine of the sample model, into a folder that it makes', () => {
    const { status, stdout, stderr } = runExample('build-engine.js');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('for compute capability 8.9, 12.0');
    const plan = readFileSync(path.join(folder, 'out', 'shelf.engine'));
    expect(plan.length).toBeGreaterThan(500_000);
  });

  it('says in one line what is wrong with a model that is not there', () => {
    const { status, stderr } = runExample('build-engine.js', 'absent.onnx');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^ERR_IO: .*absent\.onnx/);
  });
});

describeWithRtx('examples/many-gpus.js', () => {
  it('builds for several GPUs, and says which engine a machine takes or why none', () => {
    const { status, stdout, stderr } = runExample('many-gpus.js');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^built {2}ada-fp16 \d+ ms$/m);
    expect(stdout).toMatch(/^built {2}shelf-rtx1-sm12\.0-batch1-8 \d+ ms$/m);
    expect(stdout).toMatch(/^an RTX 4090 takes ada-fp16\.engine$/m);
    expect(stdout).toMatch(/^this machine takes (\S+\.engine|none of them:\n( {2}.+\n)+)/m);
    expect(readdirSync(path.join(folder, 'out', 'engines'))).toHaveLength(5);
  });
});

describeWithRtx('examples/doctor.js', () => {
  it('asks the real parser, and lists the kernels of an engine', () => {
    const { status, stdout, stderr } = runExample('doctor.js');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^shelf\.onnx: supported\n {2}rtx1 1\.\S+: supported\n/);
    expect(stdout).toMatch(/^ {2}info: Give a range of shapes/m);
    expect(stdout).toMatch(/^\d+ kernels and signals:\n( {2}\d+ \S+ in .+\n)+$/m);
  });
});
