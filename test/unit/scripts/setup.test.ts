import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectRoot } from '../../helpers/data';

interface PartReport {
  id: string;
  state: string;
  where?: string;
  reason?: string;
  remedy?: string;
}

let folder: string;
let sdk: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tn-setup-'));
  sdk = path.join(folder, 'sdk');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function setUp(env: Record<string, string>, ...flags: string[]) {
  const clean = { ...process.env, TENSORRT_ROOT: '', TENSORRT_NODE_CACHE: '', LD_LIBRARY_PATH: '' };
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [path.join(projectRoot, 'scripts', 'setup.mjs'), '--sdk', sdk, ...flags],
    { env: { ...clean, ...env }, encoding: 'utf8' },
  );
  const parts = () => (JSON.parse(stdout) as { parts: PartReport[] }).parts;
  return { status, stdout, stderr, part: (id: string) => parts().find((one) => one.id === id)! };
}

/** Neither cargo nor Python. */
const withoutTools = () => ({ PATH: '/nowhere', CARGO_HOME: path.join(folder, 'cargo') });

/** A cargo home whose cache holds `contents` as the crate, as cargo keeps it. */
function cargoHomeWith(contents: string): string {
  const home = path.join(folder, 'cargo');
  const cache = path.join(home, 'registry', 'cache', 'registry-0');
  mkdirSync(cache, { recursive: true });
  writeFileSync(path.join(cache, 'trtx-sys-0.9.1+rtx1.7.crate'), contents);
  return home;
}

describe('npm run setup', () => {
  it('goes on without the parts whose tools are missing, and says how to get them', () => {
    const run = setUp(withoutTools(), '--json');
    expect(run.status).toBe(0);
    expect(run.part('trt11-headers')).toMatchObject({
      state: 'missing',
      reason: expect.stringContaining('cargo'),
      remedy: expect.stringContaining('apt-get install cargo'),
    });
    expect(run.part('rtx1-libraries').remedy).toContain('python3-pip');
    expect(existsSync(path.join(sdk, 'headers'))).toBe(false);
    expect(existsSync(path.join(sdk, 'staging'))).toBe(false);
  });

  it('names licence, source and size before it fetches what is proprietary', () => {
    const { stdout } = setUp(withoutTools());
    const announced = stdout.indexOf('NVIDIA Software License Agreement');
    expect(announced).toBeGreaterThan(0);
    expect(stdout).toMatch(/PyPI, tensorrt-rtx-cu13-libs 1\.7\.1\.116/);
    expect(stdout).toMatch(/95\.2 MB/);
    expect(announced).toBeLessThan(stdout.indexOf('Python with pip is missing'));
  });

  it("leaves NVIDIA's libraries out on request", () => {
    const run = setUp({ ...withoutTools(), TENSORRT_NODE_SKIP_NVIDIA: '1' });
    expect(run.stdout).toMatch(/libraries 1\.7\.1\.116: left out/);
    expect(run.stdout).not.toContain('proprietary');
  });

  it('installs nothing from an archive whose checksum is another', () => {
    const run = setUp({ PATH: process.env.PATH!, CARGO_HOME: cargoHomeWith('tampered') });
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(
      /Expected SHA-256 5480ee\w+ for trtx-sys 0\.9\.1 but received \w{64}/,
    );
    expect(run.stderr).toMatch(/delete \S+trtx-sys-0\.9\.1\+rtx1\.7\.crate to download it again/);
    expect(existsSync(path.join(sdk, 'headers', 'trt11'))).toBe(false);
    expect(existsSync(path.join(sdk, 'manifest.json'))).toBe(false);
  });

  it('takes headers and libraries of an installation, but not headers that are too old', () => {
    const root = path.join(folder, 'TensorRT');
    mkdirSync(path.join(root, 'include'), { recursive: true });
    mkdirSync(path.join(root, 'lib'));
    for (const name of ['NvInfer.h', 'NvOnnxParser.h']) {
      writeFileSync(path.join(root, 'include', name), '');
    }
    for (const name of ['libtensorrt_rtx.so.1', 'libtensorrt_onnxparser_rtx.so.1']) {
      writeFileSync(path.join(root, 'lib', name), '');
    }
    const version = (minor: number) =>
      writeFileSync(
        path.join(root, 'include', 'NvInferVersion.h'),
        `#define TRT_MAJOR_RTX 1\n#define TRT_MINOR_RTX ${minor}\n#define NV_TENSORRT_MAJOR TRT_MAJOR_RTX\n`,
      );
    const env = { ...withoutTools(), TENSORRT_ROOT: root };
    version(7);
    const run = setUp(env, '--json');
    expect(run.part('rtx1-headers')).toMatchObject({
      state: 'system',
      where: path.join(root, 'include'),
    });
    expect(run.part('rtx1-libraries')).toMatchObject({ state: 'system' });
    expect(run.part('trt11-headers').state).toBe('missing');
    version(5);
    expect(setUp(env, '--json').part('rtx1-headers').state).toBe('missing');
  });

  it('counts libraries of the system only when their version is known and usable', () => {
    const lib = path.join(folder, 'lib');
    mkdirSync(lib);
    writeFileSync(path.join(lib, 'libtensorrt_onnxparser_rtx.so.1'), '');
    const stateOf = (file: string) => {
      const link = path.join(lib, 'libtensorrt_rtx.so.1');
      rmSync(link, { force: true });
      writeFileSync(path.join(lib, file), '');
      if (file !== path.basename(link)) symlinkSync(file, link);
      const run = setUp({ ...withoutTools(), LD_LIBRARY_PATH: lib }, '--check', '--json');
      return run.part('rtx1-libraries').state;
    };
    expect(stateOf('libtensorrt_rtx.so.1.7.1')).toBe('system');
    expect(stateOf('libtensorrt_rtx.so.1.5.0')).toBe('system');
    expect(stateOf('libtensorrt_rtx.so.1.3.0')).toBe('missing');
    expect(stateOf('libtensorrt_rtx.so.1')).toBe('missing');
  });

  it('fetches nothing with --check, and fails when something is missing', () => {
    const run = setUp(withoutTools(), '--check', '--json');
    expect(run.status).toBe(1);
    expect(run.part('rtx1-headers').state).toBe('missing');
    expect(existsSync(sdk)).toBe(false);
  });

  it('refuses flags that it does not know', () => {
    expect(setUp({}, '--chekc')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--check'),
    });
  });
});

const cargoCaches = path.join(
  process.env.CARGO_HOME ?? path.join(homedir(), '.cargo'),
  'registry/cache',
);
const hasCrates =
  existsSync(cargoCaches) &&
  readdirSync(cargoCaches, { recursive: true }).some((name) =>
    /trtx-sys-0\.9\.1/.test(String(name)),
  );

function onlyTar(): string {
  const bin = path.join(folder, 'bin');
  mkdirSync(bin);
  for (const name of ['tar', 'gzip']) {
    const tool = ['/bin', '/usr/bin'].map((at) => path.join(at, name)).find(existsSync);
    symlinkSync(tool!, path.join(bin, name));
  }
  return bin;
}

describe.skipIf(!hasCrates)('npm run setup, with the crates that cargo has downloaded', () => {
  const env = { TENSORRT_NODE_SKIP_NVIDIA: '1' };

  it('installs the headers once, and again where a file is lost or altered', () => {
    expect(setUp(env, '--json').part('rtx1-headers').state).toBe('fetched');
    const header = path.join(sdk, 'headers', 'rtx1', 'NvInfer.h');
    const original = readFileSync(header, 'utf8');
    expect(original).toContain('SPDX-License-Identifier: Apache-2.0');
    expect(existsSync(path.join(sdk, 'headers', 'trt11', 'impl'))).toBe(true);
    expect(setUp(env, '--json').part('rtx1-headers').state).toBe('present');

    writeFileSync(header, `X${original.slice(1)}`);
    expect(setUp(env, '--check', '--json').part('rtx1-headers').state).toBe('missing');
    rmSync(header);
    mkdirSync(path.join(sdk, 'staging', '4194305-rtx1-headers'), { recursive: true });
    const again = setUp(env, '--json');
    expect(again.part('rtx1-headers').state).toBe('fetched');
    expect(again.part('trt11-headers').state).toBe('present');
    expect(readFileSync(header, 'utf8')).toBe(original);
    expect(existsSync(path.join(sdk, 'staging'))).toBe(false);
  });

  it('keeps archives in TENSORRT_NODE_CACHE, and needs no cargo for them', () => {
    const cache = path.join(folder, 'cache');
    setUp({ ...env, TENSORRT_NODE_CACHE: cache });
    expect(readdirSync(cache)).toHaveLength(2);
    rmSync(sdk, { recursive: true });
    const run = setUp(
      { ...withoutTools(), ...env, PATH: onlyTar(), TENSORRT_NODE_CACHE: cache },
      '--json',
    );
    expect(run.part('trt10-headers').state).toBe('fetched');
  });
});
