import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectRoot } from '../helpers/data';
import { emptyFolder, type Packed, pack } from '../helpers/packed';

const manifest = JSON.parse(readFileSync(path.join(projectRoot, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
  bin: Record<string, string>;
  gypfile?: boolean;
};

describe('the package', () => {
  let folder: string;
  let packed: Packed;
  beforeAll(() => {
    folder = emptyFolder();
    packed = pack(folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('holds the compiled sources, one prebuilt addon and the documents, nothing else', () => {
    const outside = packed.files
      .map((file) => file.path)
      .filter((name) => !/^lib\/[\w./-]+\.(js|d\.ts)$/.test(name))
      .sort();
    expect(outside).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'package.json',
      `prebuilds/${process.platform}-${process.arch}/tensorrt-node.node`,
    ]);
  });

  it('has JavaScript and declarations for the public entry', () => {
    const names = packed.files.map((file) => file.path);
    expect(names).toContain('lib/index.js');
    expect(names).toContain('lib/index.d.ts');
    expect(names).toContain(manifest.bin['tensorrt-node']);
  });

  it('stays a small download', () => {
    expect(packed.size).toBeLessThan(4_000_000);
    expect(packed.size).toBeGreaterThan(50_000);
  });

  it('runs nothing when it is installed', () => {
    const hooks = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish'];
    expect(Object.keys(manifest.scripts).filter((name) => hooks.includes(name))).toEqual([]);
    expect(packed.files.map((file) => file.path)).not.toContain('binding.gyp');
  });

  it('has a command that is executable and starts with a shebang', () => {
    const entry = packed.files.find((file) => file.path === manifest.bin['tensorrt-node'])!;
    expect(entry.mode & 0o111).not.toBe(0);
    expect(readFileSync(path.join(projectRoot, entry.path), 'utf8')).toMatch(/^#!.*\bnode\n/);
  });

  it('passes publint', () => {
    const command = path.join(projectRoot, 'node_modules', '.bin', 'publint');
    const { status, stdout } = spawnSync(command, ['run', '--strict', '--pack', 'false'], {
      cwd: projectRoot,
      encoding: 'utf8',
      env: { ...process.env, NO_COLOR: '1' },
    });
    expect(stdout).toContain('All good!');
    expect(status).toBe(0);
  });
});

describe('the prebuilt addon', () => {
  const binary = path.join(
    projectRoot,
    'prebuilds',
    `${process.platform}-${process.arch}`,
    'tensorrt-node.node',
  );

  it('is linked to the C library alone: no CUDA, TensorRT, ONNX Runtime or C++ runtime', () => {
    const output = execFileSync('readelf', ['-d', binary], { encoding: 'utf8' });
    const needed = [...output.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map((match) => match[1]);
    expect(needed.length).toBeGreaterThan(0);
    expect(needed.filter((name) => !/^(libc|libm|ld-linux[\w-]*)\.so\.\d+$/.test(name!))).toEqual(
      [],
    );
  });

  it('exports what Node-API looks up and nothing of TensorRT or the C++ runtime', () => {
    const output = execFileSync('nm', ['-D', '--defined-only', binary], { encoding: 'utf8' });
    const symbols = output
      .trim()
      .split('\n')
      .map((line) => line.split(' ').at(-1)!);
    expect(symbols).toContain('napi_register_module_v1');
    expect(symbols.filter((name) => !/^(napi_|node_api_)/.test(name))).toEqual([]);
  });

  it('is stripped of debugging information', () => {
    const output = execFileSync('readelf', ['-S', '--wide', binary], { encoding: 'utf8' });
    expect(output).not.toContain('.debug_info');
  });
});
