import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { native } from '../../src/native/binding';
import { flavors } from '../../src/native/trt-contract';
import { describeWithRtx, rtxLibrary } from '../helpers/trt';

describe('the compiled TensorRT flavours', () => {
  it('are each listed once, as compiled with their header version or as absent', () => {
    const { compiled, absent } = native().trtFlavors();
    expect([...Object.keys(compiled), ...absent].sort()).toEqual([...flavors]);
    const majors = { rtx1: 1, trt10: 10, trt11: 11 };
    for (const [name, version] of Object.entries(compiled)) {
      expect(version.major).toBe(majors[name as keyof typeof majors]);
    }
  });
});

describe('the version rules', () => {
  const refusal = (major: number, minor: number) => native().trtJudgeVersion(major, minor).refusal;

  it.each([
    [1, 3],
    [1, 4],
    [8, 6],
    [9, 3],
    [10, 0],
    [10, 2],
    [12, 0],
    [2, 0],
  ])('refuse %i.%i', (major, minor) => {
    expect(refusal(major, minor)).not.toBe('');
  });

  it.each([
    [1, 5],
    [1, 7],
    [1, 8],
    [10, 3],
    [10, 16],
    [11, 0],
    [11, 4],
  ])('accept %i.%i for building and running', (major, minor) => {
    expect(native().trtJudgeVersion(major, minor)).toEqual({ refusal: '', buildRefusal: '' });
  });

  it('let 10.8 run engines and not build them', () => {
    const verdict = native().trtJudgeVersion(10, 8);
    expect(verdict.refusal).toBe('');
    expect(verdict.buildRefusal).toMatch(/10\.8/);
  });
});

describe('looking into a library', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-test-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('says why a missing file, a text file and an ordinary library are no TensorRT', async () => {
    const text = path.join(folder, 'libnvinfer.so.10');
    writeFileSync(text, 'not a library');
    for (const file of [path.join(folder, 'none.so'), text, 'libm.so.6']) {
      await expect(native().trtLibraryInfo(file)).rejects.toMatchObject({
        code: 'ERR_TENSORRT_UNAVAILABLE',
        message: expect.stringContaining(file),
      });
    }
    expect(() => native().trtLibraryInfo(1 as never)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }),
    );
  });
});

describeWithRtx('the real TensorRT-RTX library', () => {
  it('gives flavour and version, as often as it is asked', async () => {
    for (let round = 0; round < 3; round++) {
      const info = await native().trtLibraryInfo(rtxLibrary!.libraryPath);
      expect(info.flavor).toBe('rtx1');
      expect(info.version.major).toBe(1);
      expect(info.version.minor).toBeGreaterThanOrEqual(5);
      expect(info.version.text).toMatch(/^1\.\d+\.\d+\.\d+$/);
      expect(info.buildRefusal).toBeUndefined();
    }
  });
});
