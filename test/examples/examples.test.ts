import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
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
