import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { findOnnxRuntime, Session } from '../../src';
import { selectFrom, selectOnnxRuntime } from '../../src/session/onnxruntime';
import { addOneModel } from '../helpers/onnx-writer';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'onnxruntime-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const installed = () => findOnnxRuntime().find(({ exists }) => exists)!.path;

describe('finding ONNX Runtime', () => {
  it('takes the package onnxruntime-node first', () => {
    const [first] = findOnnxRuntime();
    expect(first).toMatchObject({ origin: 'onnxruntime-node', exists: true });
    expect(first!.path).toMatch(/libonnxruntime\.so\.1$/);
  });

  it('the environment variable is the only candidate: a file, a folder, or neither', () => {
    vi.stubEnv('TENSORRT_NODE_ONNXRUNTIME', installed());
    expect(findOnnxRuntime()).toEqual([{ path: installed(), origin: 'environment', exists: true }]);
    vi.stubEnv('TENSORRT_NODE_ONNXRUNTIME', path.dirname(installed()));
    expect(findOnnxRuntime()[0]!.path).toBe(installed());
    vi.stubEnv('TENSORRT_NODE_ONNXRUNTIME', folder);
    expect(findOnnxRuntime()).toMatchObject(
      [{ exists: false, reason: /holds no libonnx/ }].map((c) => ({
        ...c,
        reason: expect.stringMatching(c.reason),
      })),
    );
  });

  it('finds the package of the working directory and the folders of LD_LIBRARY_PATH', () => {
    const project = path.join(folder, 'project');
    const library = path.join(
      project,
      `node_modules/onnxruntime-node/bin/napi-v9/linux/${process.arch}/libonnxruntime.so.1`,
    );
    mkdirSync(path.dirname(library), { recursive: true });
    writeFileSync(path.join(project, 'node_modules/onnxruntime-node/package.json'), '{}');
    writeFileSync(library, '');
    const system = path.join(folder, 'lib');
    mkdirSync(system);
    writeFileSync(path.join(system, 'libonnxruntime.so.1.17.0'), '');
    writeFileSync(path.join(system, 'libonnxruntime.so.1'), '');
    writeFileSync(path.join(system, 'libonnxruntime_providers_shared.so'), '');
    vi.stubEnv('LD_LIBRARY_PATH', system);
    vi.spyOn(process, 'cwd').mockReturnValue(project);
    const paths = findOnnxRuntime().map((candidate) => candidate.path);
    expect(paths).toContain(library);
    expect(paths.filter((file) => file.startsWith(system))).toEqual([
      path.join(system, 'libonnxruntime.so.1'),
      path.join(system, 'libonnxruntime.so.1.17.0'),
    ]);
  });

  it('prefers the package that the program itself would load', () => {
    const program = path.join(folder, 'program');
    const library = path.join(
      program,
      `node_modules/onnxruntime-node/bin/napi-v6/linux/${process.arch}/libonnxruntime.so.1`,
    );
    mkdirSync(path.dirname(library), { recursive: true });
    writeFileSync(path.join(program, 'node_modules/onnxruntime-node/package.json'), '{}');
    writeFileSync(library, '');
    writeFileSync(path.join(program, 'main.js'), '');
    const [node, script] = process.argv;
    try {
      process.argv[1] = path.join(program, 'main.js');
      expect(findOnnxRuntime()[0]).toMatchObject({ path: library, exists: true });
      process.argv[1] = path.join(program, 'gone.js');
      expect(findOnnxRuntime()[0]!.path).not.toBe(library);
    } finally {
      process.argv.splice(0, 2, node!, script!);
    }
  });

  it('passes over what does not load and says why', async () => {
    const broken = path.join(folder, 'broken');
    mkdirSync(broken);
    writeFileSync(path.join(broken, 'libonnxruntime.so'), 'no library');
    await expect(selectOnnxRuntime(broken)).rejects.toMatchObject({
      code: 'ERR_CPU_BACKEND_UNAVAILABLE',
      status: 503,
      message: expect.stringMatching(/options\.cpu\.library.*(invalid ELF|too short)/),
      details: [expect.stringContaining('libonnxruntime.so: ')],
    });
  });

  it('refuses a library that is no ONNX Runtime', async () => {
    // libm: a library that every machine with glibc has.
    const libm = execFileSync('ldconfig', ['-p'], {
      encoding: 'utf8',
      env: { PATH: '/sbin:/usr/sbin' },
    })
      .split('\n')
      .find((line) => line.includes('libm.so.6'))!
      .split('=> ')[1]!;
    await expect(selectOnnxRuntime(libm)).rejects.toMatchObject({
      code: 'ERR_CPU_BACKEND_UNAVAILABLE',
      message: expect.stringContaining('does not export OrtGetApiBase'),
    });
  });

  it('a library given by option is used, under whatever name', async () => {
    const link = path.join(folder, 'my-onnxruntime.so');
    symlinkSync(installed(), link);
    await using session = await Session.create(addOneModel(), { cpu: { library: link } });
    expect(session.engine).toMatch(/^ONNX Runtime/);
  });

  it('names what is missing, and the command that installs it', async () => {
    vi.stubEnv('TENSORRT_NODE_ONNXRUNTIME', path.join(folder, 'missing.so'));
    await expect(Session.create(addOneModel())).rejects.toMatchObject({
      code: 'ERR_CPU_BACKEND_UNAVAILABLE',
      message: expect.stringMatching(/TENSORRT_NODE_ONNXRUNTIME.*missing\.so: it does not exist/),
    });
    const nothing = {
      path: '/x',
      origin: 'onnxruntime-node',
      exists: false,
      reason: 'none',
    } as const;
    await expect(selectFrom([nothing])).rejects.toMatchObject({
      code: 'ERR_CPU_BACKEND_UNAVAILABLE',
      message: expect.stringContaining('npm install onnxruntime-node --ignore-scripts'),
      details: ['/x: none'],
    });
  });
});
