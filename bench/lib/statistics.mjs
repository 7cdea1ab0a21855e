import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import os from 'node:os';

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const rounded = (value) => Number(value.toPrecision(4));

/**
 * What rounds of two rivals say: the median of each, and the median, least and largest of the ratios within
 * a round (other / ours; above 1, ours is faster).
 */
export function compare(oursMs, otherMs) {
  const ratios = oursMs.map((value, round) => otherMs[round] / value);
  return {
    oursMs: rounded(median(oursMs)),
    otherMs: rounded(median(otherMs)),
    timesFaster: rounded(median(ratios)),
    leastTimesFaster: rounded(Math.min(...ratios)),
    mostTimesFaster: rounded(Math.max(...ratios)),
  };
}

/** The machine and the versions that a result belongs to. */
export function circumstances(buildInfo) {
  let commit = 'unknown';
  try {
    commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  } catch {
    // Not a checkout.
  }
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.cpus().length,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    // What else ran: far above the cores' number, a figure says little.
    loadAverage: Number(os.loadavg()[0].toFixed(1)),
    node: process.version,
    commit,
    cpuFeatures: buildInfo.cpuFeatures,
    poolThreads: buildInfo.poolThreads,
  };
}

/** Writes a benchmark's result as JSON into `file`, or to stdout without one. */
export function report(result, file) {
  const text = `${JSON.stringify(result, null, 2)}\n`;
  if (file) writeFileSync(file, text);
  else process.stdout.write(text);
}
