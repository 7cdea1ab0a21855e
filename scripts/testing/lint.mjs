import { run, runNode, StepError } from '../prepare/process.mjs';
import { ensureClangFormat } from '../prepare/tools.mjs';

/** Each check by name; one that returns a string was left out for that reason. */
const checks = {
  'biome (format and lint)': () => runNode('node_modules/@biomejs/biome/bin/biome', ['ci', '.']),
  'tsc over sources and tests': () =>
    runNode('node_modules/typescript/bin/tsc', ['--noEmit', '-p', 'tsconfig.json']),
  'clang-format': clangFormat,
};

/** @returns {Promise<import('./report.mjs').Tally>} */
export async function runLint() {
  const tally = { passed: 0, failed: 0, skipped: 0, notes: [] };
  for (const [name, check] of Object.entries(checks)) {
    try {
      const reason = await check();
      if (typeof reason === 'string') {
        tally.skipped++;
        tally.notes.push(`${name}: skipped, ${reason}`);
      } else {
        tally.passed++;
      }
    } catch (error) {
      if (!(error instanceof StepError)) throw error;
      console.error(error.output.trimEnd().split('\n').slice(-80).join('\n'));
      tally.failed++;
      tally.notes.push(`${name}: ${error.message}`);
    }
  }
  return tally;
}

async function clangFormat() {
  const binary = await ensureClangFormat();
  if (!binary) return 'clang-format could not be had from PyPI';
  const { output } = await run('git', [
    'ls-files',
    '--cached',
    '--others',
    '--exclude-standard',
    'native',
    'test/native',
  ]);
  const files = output.split('\n').filter((file) => /\.(cpp|h|cu|cuh|inc)$/.test(file));
  await run(binary, ['--dry-run', '--Werror', ...files]);
}
