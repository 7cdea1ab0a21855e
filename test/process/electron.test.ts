import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { workerFile } from '../../src/engine/fork-worker';
import { requireCompiledWorker } from '../helpers/build-process';
import { projectRoot } from '../helpers/data';
import { addOneModel } from '../helpers/onnx-writer';
import { describeWithRtx, hasRtx } from '../helpers/trt';

let folder = '';
beforeAll(() => {
  if (hasRtx) requireCompiledWorker();
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'tensorrt-node-test-')));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('workerFile', () => {
  const versions = process.versions as Record<string, string | undefined>;
  afterEach(() => {
    delete versions.electron;
  });
  const archive = () => path.join(folder, 'Some.asar app', 'resources', 'app.asar');

  it('is the file itself outside of archives, also where a folder only looks like one', () => {
    expect(workerFile('build-worker', '/srv/app.asar.d/pkg')).toBe(
      '/srv/app.asar.d/pkg/lib/engine/build-worker.js',
    );
  });

  it('inside an archive is refused for plain Node with what to do, and left to Electron', () => {
    expect(() => workerFile('build-worker', archive())).toThrow(
      expect.objectContaining({ code: 'ERR_IO', message: expect.stringContaining('asarUnpack') }),
    );
    Object.defineProperty(versions, 'electron', { value: '40.0.0', configurable: true });
    expect(workerFile('build-worker', archive())).toBe(
      path.join(archive(), 'lib', 'engine', 'build-worker.js'),
    );
  });

  it('is the unpacked one where there is one', () => {
    const unpacked = path.join(`${archive()}.unpacked`, 'lib', 'engine');
    mkdirSync(unpacked, { recursive: true });
    writeFileSync(path.join(unpacked, 'build-worker.js'), '');
    expect(workerFile('build-worker', archive())).toBe(path.join(unpacked, 'build-worker.js'));
  });
});

describeWithRtx('a build under what looks like Electron', () => {
  it('starts its executable as Node on the unpacked worker', () => {
    // A packed application: the archive holds the JavaScript, what has to be a file lies beside it.
    const resources = path.join(folder, 'resources');
    const inside = path.join('node_modules', 'tensorrt-node');
    for (const [archive, what] of [
      ['app.asar', ['lib', 'package.json']],
      ['app.asar.unpacked', ['lib', 'package.json', 'build/Release/tensorrt_node.node']],
    ] as const) {
      for (const name of what)
        cpSync(path.join(projectRoot, name), path.join(resources, archive, inside, name), {
          recursive: true,
        });
      cpSync(
        path.join(projectRoot, 'node_modules', 'node-gyp-build'),
        path.join(resources, archive, 'node_modules', 'node-gyp-build'),
        { recursive: true },
      );
    }
    // In the real thing Electron's file system finds the addon of the archive beside it.
    cpSync(
      path.join(resources, 'app.asar.unpacked', inside, 'build'),
      path.join(resources, 'app.asar', inside, 'build'),
      { recursive: true },
    );
    // An executable that is Node only when it is told to be, as Electron's is.
    const executable = path.join(folder, 'electron');
    const calls = path.join(folder, 'calls.txt');
    writeFileSync(
      executable,
      `#!/bin/sh\necho "$ELECTRON_RUN_AS_NODE $*" >> '${calls}'\n[ "$ELECTRON_RUN_AS_NODE" = 1 ] || exit 9\nexec '${process.execPath}' "$@"\n`,
    );
    chmodSync(executable, 0o755);
    const model = path.join(folder, 'model.onnx');
    writeFileSync(model, addOneModel());
    const script = `
      Object.defineProperty(process.versions, 'electron', { value: '40.0.0' });
      process.execPath = ${JSON.stringify(executable)};
      const { Engine } = require(${JSON.stringify(path.join(resources, 'app.asar', inside))});
      Engine.build(${JSON.stringify(model)}, { flavor: 'rtx1', computeCapabilities: ['8.9'] })
        .then((engine) => console.log(engine.byteLength));`;
    const out = execFileSync(process.execPath, ['-e', script], {
      encoding: 'utf8',
      env: {
        ...process.env,
        TENSORRT_NODE_LIBRARY_PATH: path.join(projectRoot, '.sdk', 'lib', 'rtx1'),
      },
    });
    expect(Number(out)).toBeGreaterThan(1000);
    const started = readFileSync(calls, 'utf8').trim().split('\n');
    expect(started.length).toBeGreaterThanOrEqual(1);
    for (const line of started)
      expect(line).toMatch(/^1 .*app\.asar\.unpacked.*\/lib\/engine\/[a-z-]+-worker\.js$/);
    expect(started.some((line) => line.endsWith('/build-worker.js'))).toBe(true);
  });
});
