import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fromRoot, run, StepError } from '../prepare/process.mjs';

/**
 * Runs vitest and counts by its JSON report.
 *
 * @param {string[]} filters paths to run; all when empty
 * @param {{ node?: string, env?: object, args?: string[] }} options `node`: the Node binary to run with
 * @returns {Promise<import('./report.mjs').Tally>}
 */
export async function runVitest(filters, { node = process.execPath, env = {}, args = [] } = {}) {
  const folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-vitest-'));
  const reportFile = path.join(folder, 'report.json');
  try {
    const { code } = await run(
      node,
      [
        fromRoot('node_modules', 'vitest', 'vitest.mjs'),
        'run',
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${reportFile}`,
        ...args,
        ...filters,
      ],
      { env: { ...process.env, ...env }, live: true, allowFailure: true },
    );
    return tally(readReport(reportFile), code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new StepError(`vitest left no report: ${cause.message}`);
  }
}

/** A file that failed to load has no tests in the report: it counts as one failure, and so does any other reason to exit non-zero. */
function tally(report, exitCode) {
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((t) => t.status !== 'failed'),
  ).length;
  const failed = report.numFailedTests + broken;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}
