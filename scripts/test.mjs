import { buildNative, buildTypeScript, installPackages, setUpSdk } from './prepare/prepare.mjs';
import { runNode } from './prepare/process.mjs';
import { ensureTools } from './prepare/tools.mjs';
import { layers } from './testing/layers.mjs';
import { runLint } from './testing/lint.mjs';
import { buildSanitized, runNativeTests, runSanitizedAddon } from './testing/native.mjs';
import { ensureNode, environmentOf, otherNodes } from './testing/node-versions.mjs';
import { Report } from './testing/report.mjs';
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
      setUpSdk({ live: true, tests: true }).then(() => undefined),
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
    await report.stage('Tests', layers.cpu, () => runVitest(['--exclude', 'test/package/**']));
    return;
  }
  const isPacked = await report.stage('Prebuilt addon', layers.package, () =>
    runNode('scripts/prebuild.mjs', [], { live: true }).then(() => undefined),
  );
  const withoutPackage = isPacked ? [] : ['--exclude', 'test/package/**'];
  await report.stage(`Node ${process.versions.node}`, layers.cpu, () => runVitest(withoutPackage));
  for (const [version, filters] of Object.entries(otherNodes)) {
    await report.stage(`Node ${version}`, layers.cpu, async () => {
      const node = await ensureNode(version);
      return runVitest([...filters, ...withoutPackage], { node, env: environmentOf(node) });
    });
  }
  const isSanitized = await report.stage('Sanitized build', layers.sanitizers, buildSanitized);
  if (!isSanitized) return;
  await report.stage('C++ tests', layers.sanitizers, runNativeTests);
  await report.stage('Addon in Node', layers.sanitizers, runSanitizedAddon);
}

if (await prepare()) await runStages();
process.exitCode = report.close();
