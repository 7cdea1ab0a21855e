import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectRoot } from '../helpers/data';

const binary = path.join(projectRoot, 'build', 'Release', 'tensorrt_node.node');
const objects = path.join(projectRoot, 'build', 'native', 'trt', 'CMakeFiles');
const flavors = existsSync(objects)
  ? readdirSync(objects).flatMap(
      (name) => /^tensorrt_node_trt_(rtx1|trt10|trt11)\.dir$/.exec(name)?.[1] ?? [],
    )
  : [];

const run = (tool: string, ...args: string[]): string =>
  execFileSync(tool, args, { encoding: 'utf8', maxBuffer: 1 << 26 });

describe.skipIf(!existsSync(binary))('the built addon', () => {
  it('is linked to nothing of NVIDIA and to no C++ runtime', () => {
    const needed = [...run('readelf', '-d', binary).matchAll(/NEEDED.*\[(.+)\]/g)].map(
      (match) => match[1],
    );
    expect(needed).toContain('libc.so.6');
    expect(needed.filter((name) => /nv|cuda|tensorrt|cudart|stdc/i.test(name!))).toEqual([]);
  });

  it('exports the two functions of a Node-API module only', () => {
    const exported = run('nm', '-D', '--defined-only', binary)
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' ').at(-1));
    expect(exported.sort()).toEqual([
      'napi_register_module_v1',
      'node_api_module_get_api_version_v1',
    ]);
  });
});

/** Weak and unique symbols: those that the linker merges across object files. */
function mergeable(flavor: string): Set<string> {
  const folder = path.join(objects, `tensorrt_node_trt_${flavor}.dir`);
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.o'))
    .map((name) => path.join(folder, name));
  expect(files.length).toBeGreaterThan(3);
  const symbols = run('nm', ...files)
    .split('\n')
    .flatMap((line) => /^[0-9a-f]+ [WVu] (\S+)$/.exec(line)?.[1] ?? []);
  return new Set(symbols);
}

/** In namespace std, where sharing is safe: both sides instantiate the same template over the same types. */
const isStandard = (symbol: string): boolean =>
  /^_Z(?:T[ISV]|G[VR])?Z?N?K?S[tabsiod]/.test(symbol) || symbol === 'DW.ref.__gxx_personality_v0';

describe.skipIf(flavors.length < 2)('the flavours inside one binary', () => {
  it('share no mergeable symbol outside std', () => {
    const sets = new Map(flavors.map((flavor) => [flavor, mergeable(flavor)]));
    for (const [a, first] of sets) {
      for (const [b, second] of sets) {
        if (a >= b) continue;
        const shared = [...first].filter((symbol) => second.has(symbol) && !isStandard(symbol));
        expect({ a, b, shared }).toEqual({ a, b, shared: [] });
      }
    }
    // The test can fail: the flavours do have mergeable symbols, and shared ones in std.
    const all = [...sets.values()].flatMap((set) => [...set]);
    expect(all.filter((symbol) => !isStandard(symbol)).length).toBeGreaterThan(0);
    expect(all.some((symbol) => symbol.startsWith('_ZNSt'))).toBe(true);
  });

  it('refer to no symbol of NVIDIA that a library would have to provide', () => {
    for (const flavor of flavors) {
      const folder = path.join(objects, `tensorrt_node_trt_${flavor}.dir`);
      const files = readdirSync(folder).filter((name) => name.endsWith('.o'));
      const symbols = run('nm', '-C', '-u', ...files.map((name) => path.join(folder, name)))
        .split('\n')
        .flatMap((line) => /^ +[Uwv] (.+)$/.exec(line)?.[1] ?? []);
      expect(symbols.length).toBeGreaterThan(0);
      const foreign =
        /^(?:(?:typeinfo|vtable) for )?(?:nvinfer1|nvonnxparser)|_INTERNAL$|^(?:get|create)\w+$|^cu[A-Z]|^cuda/;
      expect(symbols.filter((symbol) => foreign.test(symbol))).toEqual([]);
    }
  });
});
