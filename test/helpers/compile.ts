import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';

/** Compiles C source into a shared library at `file`, with the compiler that the addon needs anyway. */
export function compileLibrary(file: string, source: string): string {
  mkdirSync(path.dirname(file), { recursive: true });
  execFileSync(
    process.env.CXX ?? 'c++',
    ['-x', 'c', '-', '-shared', '-fPIC', '-O1', '-o', file, `-Wl,-soname,${path.basename(file)}`],
    { input: source },
  );
  return file;
}

/** Source of a library that exports TensorRT's version functions and nothing else. */
export function versionSource(major: number, minor: number, patch = 0, build = 0): string {
  const functions = { Major: major, Minor: minor, Patch: patch, Build: build };
  return Object.entries(functions)
    .map(([part, value]) => `int getInferLib${part}Version(void) { return ${value}; }`)
    .join('\n');
}
