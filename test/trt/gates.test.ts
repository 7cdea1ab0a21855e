import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/native/binding';
import { projectRoot } from '../helpers/data';

type Gate = { className: string; signature: string; name: string; since: Record<string, unknown> };
interface GateFile {
  floors: Record<string, string>;
  versions: Record<string, string[]>;
  gates: Gate[];
}

const table = JSON.parse(
  readFileSync(path.join(projectRoot, 'native/trt/gates.json'), 'utf8'),
) as GateFile;
// Plain JavaScript modules of the build scripts.
const load = (file: string) => import(path.join(projectRoot, 'scripts', 'gates', file));
const headersOf = (flavor: string) => path.join(projectRoot, '.sdk', 'headers', flavor);
const flavors = ['rtx1', 'trt10', 'trt11'].filter((flavor) =>
  existsSync(path.join(headersOf(flavor), 'NvInfer.h')),
);

describe('the gate table', () => {
  it('is what the C++ header was generated from', async () => {
    const { header } = await load('table.mjs');
    // The formatter may break lines anywhere.
    const compact = (text: string) => text.replace(/\/\/[^\n]*|\s+/g, '');
    const file = readFileSync(path.join(projectRoot, 'native/trt/gates.h'), 'utf8');
    expect(compact(file)).toBe(compact(header(table.gates)));
  });

  it('starts at the floors that the version rules enforce', () => {
    for (const floor of Object.values(table.floors)) {
      const [major, minor] = floor.split('.').map(Number) as [number, number];
      expect(native().trtJudgeVersion(major, minor).refusal).toBe('');
      if (minor > 0) expect(native().trtJudgeVersion(major, minor - 1).refusal).not.toBe('');
    }
  });

  it('holds functions that are known to be young, per overload', () => {
    const since = (className: string, name: string) =>
      table.gates
        .filter((gate) => gate.className === className && gate.signature.startsWith(`${name}(`))
        .map((gate) => gate.since);
    expect(since('VBuilderConfig', 'setTilingOptimizationLevel')).toEqual([
      { rtx1: 0, trt10: 8, trt11: 0 },
    ]);
    expect(since('VNetworkDefinition', 'addTopKV2')).toEqual([{ rtx1: 0, trt10: 14, trt11: 0 }]);
    // The older overload is no gate at all.
    expect(since('VNetworkDefinition', 'addTopK')).toEqual([]);
    expect(since('VNetworkDefinition', 'addSqueezeV2')).toEqual([
      { rtx1: 7, trt10: 'kNever', trt11: 4 },
    ]);
    expect(since('IParser', 'setBuilderConfig')).toEqual([{ rtx1: 0, trt10: 15, trt11: 0 }]);
  });
});

describe.skipIf(flavors.length === 0)('virtual calls of the flavour sources', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-test-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('stand behind a gate wherever the function is younger than the floor', () => {
    const script = path.join(projectRoot, 'scripts', 'gates.mjs');
    // Throws with the list of problems when there are any.
    execFileSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  }, 300_000);

  it('are found by the compiler, whatever they look like in the source', async () => {
    const checker = await load('check-calls.mjs');
    const flavor = flavors.includes('rtx1') ? 'rtx1' : 'trt11';
    if (!flavors.includes(flavor)) return;
    const headers = headersOf(flavor);
    const source = path.join(folder, 'flavor_bad.cpp');
    const write = (gate: string) =>
      writeFileSync(
        source,
        `#include <NvInfer.h>
         #include "trt/library.h"
         // gates::kBuilderConfigSetBuildRoute in a comment is no gate
         bool Bad(nvinfer1::IBuilderConfig& config, const tensorrt_node::trt::Library& library) {
           using namespace tensorrt_node::trt;
           auto* alias = &config;
           alias->setBuilderOptimizationLevel(3);
           ${gate}
           return (*alias).setBuildRoute("");
         }`,
      );
    const problems = () => checker.ungatedCalls(projectRoot, table, flavor, headers, source);
    write('static_cast<void>(library);');
    expect(problems()).toEqual([
      expect.stringMatching(/VBuilderConfig::setBuildRoute.*kBuilderConfigSetBuildRoute/),
    ]);
    write('if (!library.Has(gates::kBuilderConfigSetBuildRoute)) return false;');
    expect(problems()).toEqual([]);
  }, 60_000);
});
