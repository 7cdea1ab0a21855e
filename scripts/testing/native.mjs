import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { parallelJobs } from '../prepare/prepare.mjs';
import { fromRoot, probe, run, StepError } from '../prepare/process.mjs';
import { runVitest } from './vitest.mjs';

const buildFolder = fromRoot('build-asan');
const addonRoot = path.join(buildFolder, 'addon');
const getGoogleTest =
  'GoogleTest is missing: "apt-get install libgtest-dev" (Debian, Ubuntu) or "dnf install gtest-devel" (Fedora, RHEL)';

/** Compiles the addon and the C++ tests with AddressSanitizer and UndefinedBehaviorSanitizer, into build-asan. */
export async function buildSanitized() {
  const generator = (await probe('ninja')) ? ['-G', 'Ninja'] : [];
  await run('cmake', [
    ...['-S', fromRoot(), '-B', buildFolder, ...generator],
    '-DCMAKE_BUILD_TYPE=RelWithDebInfo',
    '-DTENSORRT_NODE_TESTS=ON',
    '-DTENSORRT_NODE_SANITIZE=ON',
    // node-gyp-build looks for build/Release under the folder that TENSORRT_NODE_PREBUILD names.
    `-DCMAKE_LIBRARY_OUTPUT_DIRECTORY=${path.join(addonRoot, 'build', 'Release')}`,
  ]);
  await run('cmake', ['--build', buildFolder, '--parallel', String(parallelJobs)]);
}

/** The C++ tests, by ctest. @returns {Promise<import('./report.mjs').Tally>} */
export async function runNativeTests() {
  if (!existsSync(path.join(buildFolder, 'test', 'native', 'CTestTestfile.cmake')))
    return withoutGoogleTest();
  const reportFile = path.join(buildFolder, 'ctest.xml');
  rmSync(reportFile, { force: true });
  const { code, output } = await run(
    'ctest',
    [
      '--test-dir',
      buildFolder,
      '--output-on-failure',
      '--no-tests=error',
      '--output-junit',
      reportFile,
    ],
    { allowFailure: true },
  );
  if (!existsSync(reportFile)) throw new StepError('ctest left no report.', output);
  const tally = readJunit(readFileSync(reportFile, 'utf8'));
  if (code !== 0 && tally.failed === 0) tally.failed = 1;
  if (tally.failed > 0) console.error(output);
  return tally;
}

function withoutGoogleTest() {
  if (process.env.CI === 'true') throw new StepError(getGoogleTest);
  return { passed: 0, failed: 0, skipped: 1, notes: [getGoogleTest] };
}

/** Counts of a JUnit file as ctest writes it: one `testsuite` element with the sums. */
export function readJunit(xml) {
  const suite = xml.match(/<testsuite\b[^>]*>/)?.[0] ?? '';
  const attribute = (name) => Number(suite.match(new RegExp(`\\b${name}="(\\d+)"`))?.[1] ?? 0);
  const failed = attribute('failures') + attribute('errors');
  const skipped = attribute('skipped') + attribute('disabled');
  return { passed: attribute('tests') - failed - skipped, failed, skipped };
}

/** Tests that drive the addon itself and measure neither memory nor time: those that count ticks stay out. */
const sanitizedFiles = [
  'test/unit/buffer',
  'test/process/task-runner',
  'test/session',
  'test/vision',
  '--exclude',
  'test/vision/ticks.alone.test.ts',
];

/** Vitest files against the sanitized addon. Node itself is not instrumented, so leaks are not looked for. */
export async function runSanitizedAddon(files = sanitizedFiles) {
  const library = await probe('g++', ['-print-file-name=libasan.so']);
  if (!library || !path.isAbsolute(library))
    throw new StepError('libasan.so of g++ was not found: "apt-get install libasan8"');
  const { passed, failed, skipped } = await runVitest(files, {
    env: {
      LD_PRELOAD: library,
      ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=1:allocator_may_return_null=1',
      UBSAN_OPTIONS: 'print_stacktrace=1',
      // OpenVINO's TBB else opens a library in a way that AddressSanitizer ends the process for.
      TBB_ENABLE_SANITIZERS: '1',
      TENSORRT_NODE_PREBUILD: addonRoot,
    },
  });
  return { passed, failed, skipped };
}
