import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readTables } from './parse-headers.mjs';

const enumOf = { rtx1: 'kRtx1', trt10: 'kTrt10', trt11: 'kTrt11' };

/** The flavour sources of the project. */
export function flavorSources(root) {
  const folder = path.join(root, 'native', 'trt');
  return readdirSync(folder)
    .filter((name) => /^flavor_.*\.cpp$/.test(name))
    .map((name) => path.join(folder, name));
}

/**
 * Virtual functions that a source calls on TensorRT's classes when compiled for a flavour. The compiler tells,
 * in its own intermediate form, class and slot of each call, inlined wrappers of the headers included.
 */
export function virtualCalls(root, flavor, headers, source) {
  const folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-gates-'));
  try {
    const dump = path.join(folder, 'gimple');
    execFileSync(
      process.env.CXX ?? 'g++',
      [
        ...['-std=c++17', '-O0', '-w', '-S', '-o', '/dev/null', `-fdump-tree-gimple=${dump}`],
        `-I${path.join(root, 'native')}`,
        ...['-isystem', headers, '-isystem', path.join(root, 'native', 'trt', 'cuda_shim')],
        `-DTRT_FLAVOR=${flavor}`,
        `-DTRT_FLAVOR_ENUM=${enumOf[flavor]}`,
        `-DTRT_FLAVOR_${flavor.toUpperCase()}=1`,
        source,
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const calls = new Set();
    const call = /OBJ_TYPE_REF\([^;]*;\((?:const )?struct (\w+)\)[^-]*->(\d+)B?\)/g;
    for (const [, className, slot] of readFileSync(dump, 'utf8').matchAll(call)) {
      calls.add(`${className} ${slot}`);
    }
    const tables = readTables(headers);
    return [...calls].flatMap((text) => {
      const [className, slot] = text.split(' ');
      const entry = tables.get(className)?.[Number(slot)];
      if (!tables.has(className)) return [];
      if (!entry)
        throw new Error(`${source}: call of slot ${slot} of ${className}, which has none`);
      return [{ className, signature: entry.signature }];
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Calls of younger functions whose gate the source does not name. `table` is gates.json.
 * @returns one sentence for each
 */
export function ungatedCalls(root, table, flavor, headers, source) {
  const gates = new Map(table.gates.map((gate) => [`${gate.className}::${gate.signature}`, gate]));
  const text = readFileSync(source, 'utf8').replace(/\/\/[^\n]*/g, '');
  const problems = [];
  for (const { className, signature } of virtualCalls(root, flavor, headers, source)) {
    const gate = gates.get(`${className}::${signature}`);
    if (!gate || gate.since[flavor] === 0) continue;
    if (!new RegExp(`\\bgates::${gate.name}\\b`).test(text)) {
      problems.push(
        `${path.basename(source)} (${flavor}): ${className}::${signature} came with ` +
          `${flavor} minor version ${gate.since[flavor]} and is called without gates::${gate.name}`,
      );
    }
  }
  return problems;
}

/** Where set-up puts a flavour's headers, or undefined. */
export function headersOf(root, flavor) {
  const folder = path.join(root, '.sdk', 'headers', flavor);
  return existsSync(path.join(folder, 'NvInfer.h')) ? folder : undefined;
}

/** `1.7` of a header set. */
export function headerVersion(folder) {
  const text = readFileSync(path.join(folder, 'NvInferVersion.h'), 'utf8');
  const part = (name) =>
    new RegExp(`define +(?:NV_TENSORRT_${name}|TRT_${name}_[A-Z]+) +(\\d+)`).exec(text)?.[1];
  return `${part('MAJOR')}.${part('MINOR')}`;
}
