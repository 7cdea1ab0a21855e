import { formatDuration, printFailure } from '../prepare/process.mjs';

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */
/** @typedef {Counts & { notes?: string[], byLayer?: Record<string, Counts> }} Tally */

/** Collects what every runner counted, and prints the closing table and line. */
export class Report {
  #rows = [];

  /**
   * Runs one stage. `work` returns its tally, or nothing for a step that only has to succeed (it counts
   * as one check). A stage that throws counts as one failure.
   *
   * @param {string} layer what stands behind its result, unless its tally says so by layer
   * @returns {Promise<boolean>} whether nothing in it failed
   */
  async stage(title, layer, work) {
    console.log(`\n== ${title}`);
    const start = performance.now();
    let tally;
    try {
      tally = (await work()) ?? { passed: 1, failed: 0, skipped: 0 };
    } catch (error) {
      printFailure(error);
      tally = { passed: 0, failed: 1, skipped: 0 };
    }
    const durationMs = performance.now() - start;
    for (const note of tally.notes ?? []) console.log(`   ${note}`);
    console.log(`   ${count(tally)} (${formatDuration(durationMs)})`);
    this.#rows.push({ title, layer, tally, durationMs });
    return tally.failed === 0;
  }

  /** @returns {Counts} the sum of all stages */
  total() {
    const sum = { passed: 0, failed: 0, skipped: 0 };
    for (const { tally } of this.#rows) for (const key of Object.keys(sum)) sum[key] += tally[key];
    return sum;
  }

  /** Prints the table and, as the very last line, the sum of all runners. @returns {number} exit code */
  close() {
    const total = this.total();
    // A run that tested nothing is no success.
    if (total.passed === 0 && total.failed === 0) total.failed = 1;
    const width = Math.max(...this.#rows.map(({ title }) => title.length));
    const line = (title, tally, time, layer) =>
      console.log(
        [
          `  ${title.padEnd(width)}`,
          String(tally.passed).padStart(6),
          String(tally.failed).padStart(6),
          String(tally.skipped).padStart(7),
          time.padStart(10),
          ` ${layer}`,
        ].join(' '),
      );
    console.log('\nWhat ran, and what stands behind it:');
    line('', { passed: 'passed', failed: 'failed', skipped: 'skipped' }, 'time', 'layer of truth');
    for (const { title, layer, tally, durationMs } of this.#rows) {
      const parts = Object.entries(tally.byLayer ?? { [layer]: tally });
      for (const [index, [name, counts]] of parts.entries())
        line(index === 0 ? title : '', counts, index === 0 ? formatDuration(durationMs) : '', name);
    }
    line(
      'GPU',
      { passed: '-', failed: '-', skipped: '-' },
      '',
      'not run: nothing here was shown on a device',
    );
    console.log(`\n${count(total)}`);
    return total.failed === 0 ? 0 : 1;
  }
}

const count = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`;
