import { formatDuration, printFailure } from '../prepare/process.mjs';

/** @typedef {{ passed: number, failed: number, skipped: number, notes?: string[] }} Tally */

export const layers = {
  house: 'house',
  sanitizers: 'ASan + UBSan',
  tensorrt: 'real TensorRT build, no device',
  cpu: 'CPU backend',
  package: 'packed install',
  gpu: 'GPU',
};

/** Collects what every runner counted, and prints the closing table and line. */
export class Report {
  #rows = [];

  /**
   * Runs one stage. `work` returns its tally, or nothing for a step that only has to succeed (it counts
   * as one check). A stage that throws counts as one failure.
   *
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
    console.log(`   ${count(tally)}  (${formatDuration(durationMs)})`);
    this.#rows.push({ title, layer, tally, durationMs });
    return tally.failed === 0;
  }

  /** Adds what was counted elsewhere, without running anything. */
  add(title, layer, tally) {
    this.#rows.push({ title, layer, tally, durationMs: 0 });
  }

  total() {
    const sum = { passed: 0, failed: 0, skipped: 0 };
    for (const { tally } of this.#rows) for (const key of Object.keys(sum)) sum[key] += tally[key];
    return sum;
  }

  /** Prints the table and, as the very last line, the sum of all runners. @returns {number} exit code */
  close() {
    const total = this.total();
    if (total.passed === 0 && total.failed === 0) total.failed = 1;
    const width = Math.max(...this.#rows.map(({ title }) => title.length));
    console.log('\nWhat ran, and what stands behind it:');
    for (const { title, layer, tally, durationMs } of this.#rows) {
      const counts = `${String(tally.passed).padStart(5)} ${String(tally.failed).padStart(4)} ${String(tally.skipped).padStart(4)}`;
      console.log(
        `  ${title.padEnd(width)} ${counts}  ${formatDuration(durationMs).padStart(9)}  ${layer}`,
      );
    }
    console.log(`\n${count(total)}`);
    return total.failed === 0 ? 0 : 1;
  }
}

const count = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed, ${skipped} skipped`;
