// The engine cache among processes, in its long form: 50 processes that ask at once, and many rounds of kill -9
// at a random moment. Prints the counts as JSON, and fails where the test does.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { circumstances, report } from '../bench/lib/statistics.mjs';
import { fromRoot } from './prepare/process.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Math.floor(Date.now() / 1000) % 1_000_000) },
    out: { type: 'string' },
  },
});

const folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-stress-'));
const countsFile = path.join(folder, 'counts.json');
try {
  const started = performance.now();
  const { status } = spawnSync(
    process.execPath,
    [
      fromRoot('node_modules/vitest/vitest.mjs'),
      'run',
      '--typecheck.enabled=false',
      'test/process/engine-cache.test.ts',
    ],
    {
      cwd: fromRoot(),
      stdio: ['ignore', 2, 2],
      env: {
        ...process.env,
        TENSORRT_NODE_CACHE_ROUNDS: values.rounds,
        TENSORRT_NODE_CACHE_SEED: values.seed,
        TENSORRT_NODE_CACHE_COUNTS: countsFile,
      },
    },
  );
  process.exitCode = status ?? 1;
  if (status === 0) {
    report(
      {
        benchmark: 'engine cache: 50 processes at once, then kill -9 at a random moment',
        ...circumstances({}),
        seed: Number(values.seed),
        seconds: Math.round((performance.now() - started) / 1000),
        ...JSON.parse(readFileSync(countsFile, 'utf8')),
      },
      values.out,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
