import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isErrorCode } from '../../src/errors';
import { FuzzService } from '../fuzz/onnx-fuzz';
import { crashFolder } from '../fuzz/onnx-minimize';
import { hasRtx } from '../helpers/trt';

/**
 * Models that once ended a process: `build-…` inside TensorRT's parser or builder, `runtime-…` inside ONNX
 * Runtime. The first are answered by ERR_BUILD_CRASHED as long as TensorRT has the fault, the second by our
 * check before ONNX Runtime sees them.
 */
const files = readdirSync(crashFolder).filter((name) => name.endsWith('.onnx'));
const service = new FuzzService();
const folder = mkdtempSync(path.join(tmpdir(), 'tn-crashes-'));
afterAll(async () => {
  await service.close();
  rmSync(folder, { recursive: true, force: true });
});

const typed = ({ outcome, crashed }: { outcome: string; crashed: boolean }): boolean =>
  !crashed && (outcome === 'ok' || isErrorCode(outcome));

describe('models that once ended a process', () => {
  it('are there', () => {
    expect(existsSync(crashFolder)).toBe(true);
    expect(files.filter((name) => name.startsWith('build-')).length).toBeGreaterThan(0);
    expect(files.filter((name) => name.startsWith('runtime-')).length).toBeGreaterThan(0);
  });

  it.each(files)('%s ends no service', { timeout: 60_000 }, async (name) => {
    const file = path.join(crashFolder, name);
    expect(await service.run(file, 'reader')).toSatisfy(typed);
    const session = await service.run(file, 'session');
    expect(session).toSatisfy(typed);
    if (name.startsWith('runtime-')) expect(session.outcome).toBe('ERR_INVALID_MODEL');
    if (hasRtx) expect(await service.run(file, 'build')).toSatisfy(typed);
  });
});
