import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isErrorCode } from '../../src/errors';
import { type FuzzResult, fuzzOnnx } from '../fuzz/onnx-fuzz';
import { keepCrashes } from '../fuzz/onnx-minimize';
import { describeWithRtx } from '../helpers/trt';

const count = Number(process.env.TENSORRT_NODE_FUZZ_ONNX ?? 2000);
const seed = Number(process.env.TENSORRT_NODE_FUZZ_SEED ?? 1);
/** Reduce what crashes the build process and put it with the fixtures. */
const keep = process.env.TENSORRT_NODE_FUZZ_KEEP === '1';
const timeout = keep ? 3_600_000 : 120_000 + count * 200;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tn-fuzz-onnx-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function expectTyped(outcomes: Record<string, number>, files: number): void {
  const faults = Object.keys(outcomes).filter((key) => key !== 'ok' && !isErrorCode(key));
  expect(faults).toEqual([]);
  expect(outcomes).not.toHaveProperty('ERR_INTERNAL');
  const total = Object.values(outcomes).reduce((sum, n) => sum + n, 0);
  expect(total).toBe(files);
  // Files that all fail, or all pass, would prove nothing.
  expect(outcomes.ok).toBeGreaterThan(files / 10);
  expect(total - outcomes.ok!).toBeGreaterThan(files / 10);
}

const crashed = (result: FuzzResult): unknown[] =>
  result.serviceCrashes.map(({ file, target, how }) => [path.basename(file), target, how]);

describe('mutated models', () => {
  // Twice as many: about half never get past our own check to ONNX Runtime's parser.
  it(`${2 * count} of them crash neither our reader nor ONNX Runtime`, { timeout }, async () => {
    const targets = ['reader', 'session'] as const;
    const result = await fuzzOnnx({ count: 2 * count, seed, targets, folder, workers: 2 });
    console.log('mutated models, reader:', result.outcomes.reader);
    console.log('mutated models, ONNX Runtime:', result.outcomes.session);
    expect(crashed(result)).toEqual([]);
    expectTyped(result.outcomes.reader, 2 * count);
    expectTyped(result.outcomes.session, 2 * count);
    expect(result.outcomes.reader.ok).toBeGreaterThanOrEqual(count);
  });
});

describeWithRtx('mutated models', () => {
  it(`${count} of them through TensorRT's parser and builder leave the service alive`, {
    timeout,
  }, async () => {
    const result = await fuzzOnnx({ count, seed, targets: ['build'], folder, workers: 2 });
    console.log('mutated models, TensorRT:', result.outcomes.build);
    console.log(`build process crashes: ${result.buildCrashes.length} of ${count}`);
    expect(crashed(result)).toEqual([]);
    expectTyped(result.outcomes.build, count);
    expect(result.outcomes.build.ERR_BUILD_CRASHED ?? 0).toBe(result.buildCrashes.length);
    if (keep) console.log('kept:', await keepCrashes(result.buildCrashes));
  });
});
