import { describe, expect, it } from 'vitest';
import { native } from '../../src/native/binding';

describe('native buffers', () => {
  it('hold what was written and give copies back', () => {
    const addon = native();
    const buffer = addon.bufferAllocate(16);
    addon.bufferWrite(buffer, new Float32Array([1, 2, 3, 4]));
    addon.bufferWrite(buffer, new Float32Array([9]), 4);
    expect([...new Float32Array(addon.bufferRead(buffer))]).toEqual([1, 9, 3, 4]);
    expect([...new Float32Array(addon.bufferRead(buffer, 8, 4))]).toEqual([3]);
    addon.bufferRelease(buffer);
    addon.bufferRelease(buffer);
    expect(() => addon.bufferRead(buffer)).toThrow(
      expect.objectContaining({ code: 'ERR_DISPOSED' }),
    );
  });

  it('refuse writes and reads outside their bounds, foreign handles and shared memory', () => {
    const addon = native();
    const buffer = addon.bufferAllocate(8);
    const bad = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' });
    expect(() => addon.bufferWrite(buffer, new Uint8Array(9))).toThrow(bad);
    expect(() => addon.bufferWrite(buffer, new Uint8Array(1), 8)).toThrow(bad);
    expect(() => addon.bufferWrite(buffer, new Uint8Array(1), -1)).toThrow(bad);
    expect(() => addon.bufferRead(buffer, 4, 5)).toThrow(bad);
    expect(() => addon.bufferRead(buffer, 0, Number.MAX_SAFE_INTEGER)).toThrow(bad);
    expect(() => addon.bufferRead({} as never)).toThrow(bad);
    expect(() => addon.bufferWrite(buffer, new Uint8Array(new SharedArrayBuffer(4)))).toThrow(bad);
    expect(() => addon.bufferAllocate(2 ** 50)).toThrow(
      expect.objectContaining({ code: 'ERR_OUT_OF_MEMORY' }),
    );
    expect(() => addon.bufferAllocate(1.5)).toThrow(bad);
  });

  it('read a detached array as empty', () => {
    const addon = native();
    const buffer = addon.bufferAllocate(8);
    const detached = new Uint8Array(8);
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    addon.bufferWrite(buffer, detached);
    expect(addon.bufferByteLength(buffer)).toBe(8);
  });
});
