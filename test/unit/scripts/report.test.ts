import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectRoot } from '../../helpers/data';

/** Runs lines of an ES module that has imported everything from a module of scripts/testing. */
function runModule(file: string, lines: string): string {
  const url = new URL(path.join(projectRoot, 'scripts', 'testing', file), 'file:').href;
  return execFileSync(
    process.execPath,
    ['--input-type=module', '-e', `import * as m from '${url}';${lines}`],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  );
}

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1)!;

describe('the report of npm test', () => {
  it('closes with the sum of all runners, alone on the last line', () => {
    const output = runModule(
      'report.mjs',
      `const r = new m.Report();
       await r.stage('a', 'x', () => ({ passed: 3, failed: 0, skipped: 2 }));
       await r.stage('b', 'x', () => ({ passed: 4, failed: 1, skipped: 0,
         byLayer: { y: { passed: 4, failed: 0, skipped: 0 }, z: { passed: 0, failed: 1, skipped: 0 } } }));
       await r.stage('c', 'x', async () => {});
       console.error(r.close());`,
    );
    expect(lastLine(output)).toBe('8 passed, 1 failed, 2 skipped');
    expect(output).toMatch(/GPU .*not run/);
  });

  it('counts a stage that throws as a failure, and says so by its exit code', () => {
    const output = runModule(
      'report.mjs',
      `const r = new m.Report();
       const isGood = await r.stage('a', 'x', () => { throw new Error('broken'); });
       const code = r.close();
       console.log(isGood, code);`,
    );
    expect(output).toContain('0 passed, 1 failed, 0 skipped');
    expect(lastLine(output)).toBe('false 1');
  });

  it('takes a run that tested nothing for a failure', () => {
    const output = runModule(
      'report.mjs',
      `const r = new m.Report();
       await r.stage('a', 'x', () => ({ passed: 0, failed: 0, skipped: 9 }));
       console.log(r.close());`,
    );
    expect(lastLine(output)).toBe('1');
  });
});

describe('counting by JUnit', () => {
  const count = (xml: string): unknown =>
    JSON.parse(
      runModule('native.mjs', `console.log(JSON.stringify(m.readJunit(${JSON.stringify(xml)})))`),
    );

  it('reads what ctest writes', () => {
    const suite =
      '<testsuite name="x" tests="12" failures="2" disabled="1" skipped="3" time="0"><testcase/></testsuite>';
    expect(count(`<?xml version="1.0"?>\n${suite}`)).toEqual({ passed: 6, failed: 2, skipped: 4 });
  });

  it('finds nothing in an empty report', () => {
    expect(count('')).toEqual({ passed: 0, failed: 0, skipped: 0 });
  });
});

describe('the layers of truth', () => {
  it.each([
    ['test/package/install.test.ts', 'packed install'],
    ['test/engine/engine-build.test.ts', 'real TensorRT build, no device'],
    ['test/session/parity.test.ts', 'CPU backend'],
    ['test/unit/buffer.test.ts', 'plain code'],
  ])('puts %s under %s', (file, layer) => {
    expect(runModule('layers.mjs', `console.log(m.layerOf('${file}'))`).trim()).toBe(layer);
  });
});
