import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Diagnosis } from '../../src/doctor/diagnose';
import { projectRoot } from '../helpers/data';

function doctor(env: Record<string, string>, ...flags: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [path.join(projectRoot, 'lib', 'cli', 'main.js'), 'doctor', ...flags],
    { env: { ...process.env, ...env }, encoding: 'utf8' },
  );
  return { status, stdout, stderr };
}

describe('tensorrt-node doctor', () => {
  it('agrees with itself: abilities, what they rest on, and the exit code', () => {
    const { status, stdout, stderr } = doctor({}, '--json');
    expect(stderr).toBe('');
    const found = JSON.parse(stdout) as Diagnosis;
    expect(found.addon).toMatchObject({ path: expect.stringMatching(/\.node$/) });
    expect(found.addon.error).toBeUndefined();
    expect(found.abilities.cpu.works).toBe(found.onnxruntime.version !== undefined);
    if (found.cuda!.devices.length === 0) expect(found.abilities.gpu.works).toBe(false);
    const { cpu, gpu } = found.abilities;
    expect(status).toBe(cpu.works || gpu.works ? 0 : 1);
  });

  it('fails where nothing can run models, and says what is missing and how to get it', () => {
    const env = {
      TENSORRT_NODE_ONNXRUNTIME: '/nowhere/ort',
      TENSORRT_NODE_LIBRARY_PATH: '/nowhere/trt',
    };
    const { status, stdout } = doctor(env);
    expect(status).toBe(1);
    expect(stdout).toContain('✗ run on the CPU');
    expect(stdout).toContain('✗ build engines');
    expect(stdout).toMatch(/✗ \/nowhere\/trt\n.*\n +TENSORRT_NODE_LIBRARY_PATH names it/);
    expect(stdout).toContain('npm install onnxruntime-node');
    expect(JSON.parse(doctor(env, '--json').stdout).abilities).toMatchObject({
      cpu: { works: false },
      gpu: { works: false },
      build: { works: false },
    });
  });

  it('refuses flags that it does not know', () => {
    expect(doctor({}, '--jsno').status).toBe(2);
  });
});
