import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fromRoot, run, StepError } from '../prepare/process.mjs';
import { layerOf } from './layers.mjs';

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

/**
 * A file that failed to load has no failed test in the report: it counts as one failure, and so does any
 * other reason to exit non-zero.
 */
function tally(report, exitCode) {
  const sum = { passed: 0, failed: 0, skipped: 0, byLayer: {} };
  for (const file of report.testResults) {
    const counts = countFile(file);
    const layer = layerOf(path.relative(fromRoot(), file.name));
    sum.byLayer[layer] ??= { passed: 0, failed: 0, skipped: 0 };
    for (const key of ['passed', 'failed', 'skipped']) {
      sum[key] += counts[key];
      sum.byLayer[layer][key] += counts[key];
    }
  }
  if (sum.failed === 0 && exitCode !== 0) sum.failed = 1;
  return sum;
}

function countFile({ status, assertionResults }) {
  const count = (wanted) => assertionResults.filter((test) => wanted.includes(test.status)).length;
  const failed = count(['failed']);
  return {
    passed: count(['passed']),
    failed: failed === 0 && status === 'failed' ? 1 : failed,
    skipped: count(['skipped', 'pending', 'todo', 'disabled']),
  };
}
