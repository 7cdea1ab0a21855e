import { describe, expect, it } from 'vitest';
import { ProtoWriter } from '../../../src/onnx/proto-writer';
import { tensorBytes, toHalf } from '../../helpers/onnx-writer';

const hex = (writer: ProtoWriter): string => Buffer.from(writer.toUint8Array()).toString('hex');

describe('the protobuf writer', () => {
  it('writes the examples of the wire format', () => {
    expect(hex(new ProtoWriter().varint(1, 150))).toBe('089601');
    expect(hex(new ProtoWriter().string(2, 'testing'))).toBe('120774657374696e67');
    expect(hex(new ProtoWriter().message(3, new ProtoWriter().varint(1, 150)))).toBe('1a03089601');
    expect(hex(new ProtoWriter().float(2, 1))).toBe('150000803f');
    expect(hex(new ProtoWriter().tag(300, 2))).toBe('e212');
  });

  it('writes 64-bit integers of either sign', () => {
    expect(hex(new ProtoWriter().rawVarint(-1))).toBe('ffffffffffffffffff01');
    expect(hex(new ProtoWriter().rawVarint(-(2n ** 63n)))).toBe('80808080808080808001');
    expect(hex(new ProtoWriter().rawVarint(2n ** 63n - 1n))).toBe('ffffffffffffffff7f');
    expect(hex(new ProtoWriter().rawVarint(2 ** 32))).toBe('8080808010');
    expect(hex(new ProtoWriter().rawVarint(Number.MAX_SAFE_INTEGER))).toBe('ffffffffffffff0f');
  });

  it('keeps large arrays by reference and counts every byte', () => {
    const large = new Uint8Array(5000).fill(7);
    const writer = new ProtoWriter().varint(1, 1).bytes(9, large).varint(2, 3);
    expect(writer.length).toBe(2 + 3 + 5000 + 2);
    expect(writer.chunks()).toContain(large);
    const many = new ProtoWriter();
    for (let i = 0; i < 3000; i++) many.string(1, 'name');
    expect(many.toUint8Array()).toHaveLength(3000 * 6);
  });
});

describe('the model writer of the tests', () => {
  it('rounds half-precision numbers to even', () => {
    const halves = [0, 1, -2, 0.1, 65504, 65520, 6e-8, 2049, 2051, Number.NaN].map(toHalf);
    expect(halves).toEqual([0, 0x3c00, 0xc000, 0x2e66, 0x7bff, 0x7c00, 1, 0x6800, 0x6802, 0x7e00]);
  });

  it('converts numbers to the element type', () => {
    expect([...tensorBytes({ dtype: 'int64', dims: [1], data: [-1] })]).toEqual(Array(8).fill(255));
    expect([...tensorBytes({ dtype: 'bfloat16', dims: [1], data: [1] })]).toEqual([0x80, 0x3f]);
  });
});
