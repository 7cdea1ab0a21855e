import { buildNative, buildTypeScript, installPackages, setUpSdk } from './prepare/prepare.mjs';
import { runNode } from './prepare/process.mjs';
import { ensureTools } from './prepare/tools.mjs';
import { runLint } from './testing/lint.mjs';
import { buildSanitized, runNativeTests, runSanitizedAddon } from './testing/native.mjs';
import { ensureNode, otherNodes } from './testing/node-versions.mjs';
import { layers, Report } from './testing/report.mjs';
import { runVitest } from './testing/vitest.mjs';

const isQuick = process.argv.includes('--quick');
const report = new Report();

const tookPlace = (did, what) => ({
  passed: 1,
  failed: 0,
  skipped: 0,
  notes: [did ? what : 'nothing had changed'],
});

/** Everything that later stages stand on; the first failure ends the run. */
async function prepare() {
  return (
    (await report.stage('Tools', layers.house, async () => ({
      passed: 1,
      failed: 0,
      skipped: 0,
      notes: await ensureTools(),
    }))) &&
    (await report.stage('Packages (npm ci)', layers.house, async () =>
      tookPlace(await installPackages(), 'installed'),
    )) &&
    (await report.stage('SDK (npm run setup)', layers.house, () =>
      setUpSdk({ live: true }).then(() => undefined),
    )) &&
    (await report.stage('Addon (cmake-js)', layers.house, async () =>
      tookPlace(await buildNative(), 'compiled'),
    )) &&
    (await report.stage('TypeScript', layers.house, async () =>
      tookPlace(await buildTypeScript(), 'compiled'),
    ))
  );
}

async function runStages() {
  await report.stage('Lint', layers.house, runLint);
  if (isQuick) {
    await report.stage('Tests', layers.cpu, () =>
      runVitest(['test/unit', 'test/process', 'test/types']),
    );
    return;
  }
  await report.stage('Prebuilt addon (npm run prebuild)', layers.package, () =>
    runNode('scripts/prebuild.mjs', [], { live: true }).then(() => undefined),
  );
  await report.stage(`Tests on Node ${process.versions.node}`, layers.cpu, () => runVitest([]));
  for (const version of otherNodes) {
    await report.stage(`Tests on Node ${version}`, layers.cpu, async () =>
      runVitest(['test/smoke'], { node: await ensureNode(version) }),
    );
  }
  const isBuilt = await report.stage('Sanitized build', layers.sanitizers, buildSanitized);
  if (!isBuilt) return;
  await report.stage('C++ tests', layers.sanitizers, runNativeTests);
  await report.stage('Addon in Node', layers.sanitizers, () => runSanitizedAddon([]));
}

if (await prepare()) await runStages();
report.add('GPU tests (npm run test:gpu)', 'not run: no device was used', {
  passed: 0,
  failed: 0,
  skipped: 0,
});
process.exitCode = report.close();
