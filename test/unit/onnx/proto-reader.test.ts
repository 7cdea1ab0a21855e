import { describe, expect, it } from 'vitest';
import { ByteSource } from '../../../src/onnx/byte-source';
import { decode, encode } from '../../../src/onnx/codec';
import { decodeText, encodeText, ProtoError, ProtoReader } from '../../../src/onnx/proto-reader';
import { ProtoWriter } from '../../../src/onnx/proto-writer';
import { type AttributeProto, schemas, type TensorProto } from '../../../src/onnx/schema';
import { bulkLength, loadBulk } from '../../../src/onnx/tensors';

const limits = { maxMessages: 1000, maxValues: 10_000 };

function reader(bytes: Uint8Array): ProtoReader {
  return new ProtoReader(ByteSource.of(bytes), 0, bytes.length);
}

function first(hex: string): ProtoReader {
  const result = reader(Buffer.from(hex, 'hex'));
  expect(result.next()).toBe(true);
  return result;
}

describe('the protobuf reader', () => {
  it('reads what the writer wrote, at the edges of 32, 53 and 64 bits', () => {
    const values = [
      0,
      1,
      127,
      128,
      16_383,
      2 ** 31 - 1,
      2 ** 31,
      2 ** 32,
      2 ** 49 - 1,
      2 ** 49,
      Number.MAX_SAFE_INTEGER,
      2n ** 53n,
      2n ** 63n - 1n,
      -(2n ** 63n),
      -1,
      -5,
      -Number.MAX_SAFE_INTEGER,
    ];
    const writer = new ProtoWriter();
    for (const value of values) writer.varint(3, value);
    const fields = reader(writer.toUint8Array());
    const read = values.map(() => fields.next() && fields.int64());
    expect(read).toEqual(values);
    expect(fields.next()).toBe(false);
  });

  it('skips every kind of value and gives unknown fields back byte for byte', () => {
    const bytes = Buffer.from('0896011500000000190000000000000000220161', 'hex');
    const fields = reader(bytes);
    const raw: Uint8Array[] = [];
    while (fields.next()) raw.push(fields.raw());
    expect(raw).toHaveLength(4);
    expect(Buffer.concat(raw)).toEqual(bytes);
  });

  it.each([
    ['a group', '0b0c', /no protobuf message at byte 0/],
    ['a field number of zero', '00', /no protobuf message at byte 0/],
    ['a wire type that is none', '0e', /no protobuf message/],
    ['a field number beyond 2^29', 'ffffffffff01', /impossible field number/],
    ['a tag that is cut off', '80', /cut off at byte 1/],
  ])('refuses %s', (_, hex, message) => {
    const fields = reader(Buffer.from(hex, 'hex'));
    expect(() => fields.next()).toThrow(ProtoError);
    expect(() => reader(Buffer.from(hex, 'hex')).next()).toThrow(message);
  });

  it.each([
    ['a length beyond the end', '1205616263', /field 2 claims 5 bytes where 3 are left at byte 0/],
    ['a length of 10 GB', '1280c8afa025', /claims 10000000000 bytes where 0 are left/],
    ['a negative length', '12ffffffffffffffffff01', /impossible length/],
    ['a varint of eleven bytes', `08${'ff'.repeat(10)}01`, /more than ten bytes/],
    ['a varint that is cut off', '08ff', /cut off/],
    ['a fixed 32-bit value that is cut off', '15000000', /cut off/],
    ['a fixed 64-bit value that is cut off', '1100000000000000', /cut off/],
  ])('refuses %s', (_, hex, message) => {
    expect(() => first(hex).skip()).toThrow(ProtoError);
    expect(() => first(hex).skip()).toThrow(message);
  });

  it('keeps text that is no UTF-8', () => {
    for (const hex of [
      '61ff62',
      'c3',
      'e28241',
      'f09f9880e9',
      '80818283',
      'efbfbd',
      'eda080',
      'c080',
    ]) {
      const bytes = Buffer.from(hex, 'hex');
      expect(Buffer.from(encodeText(decodeText(bytes))).toString('hex')).toBe(hex);
    }
    expect(decodeText(Buffer.from('naïve 😀'))).toBe('naïve 😀');
  });
});

describe('the message codec', () => {
  it('reads packed and unpacked numbers alike', () => {
    const packed = new ProtoWriter().rawVarint(1).rawVarint(-2).rawVarint(300).toUint8Array();
    const bytes = new ProtoWriter().bytes(8, packed).varint(8, 7).toUint8Array();
    const attribute = decode<AttributeProto>(schemas.attribute, reader(bytes), limits);
    expect(attribute.ints).toEqual([1, -2, 300, 7]);
  });

  it('joins the data of a tensor that comes in several forms', async () => {
    const one = Buffer.from('0000803f', 'hex');
    const writer = new ProtoWriter().bytes(4, one);
    for (let i = 0; i < 100; i++) writer.float(4, i);
    const bytes = writer.bytes(4, one).toUint8Array();
    const tensor = decode<TensorProto>(schemas.tensor, reader(bytes), limits);
    expect(bulkLength(tensor.floatData!)).toBe(4 * 102);
    const data = (await loadBulk(tensor.floatData!)).slice();
    expect([...new Float32Array(data.buffer)]).toEqual([1, ...Array(100).keys(), 1]);
  });

  it('takes the last raw data, as protobuf says', async () => {
    const bytes = new ProtoWriter()
      .bytes(9, Buffer.from('one'))
      .bytes(9, Buffer.from('two'))
      .toUint8Array();
    const tensor = decode<TensorProto>(schemas.tensor, reader(bytes), limits);
    expect(Buffer.from(await loadBulk(tensor.rawData!)).toString()).toBe('two');
  });

  it('merges a message that occurs twice and clears the other keys of a oneof', () => {
    const shape = (param: string): ProtoWriter =>
      new ProtoWriter().message(
        2,
        new ProtoWriter().message(1, new ProtoWriter().string(2, param)),
      );
    const bytes = new ProtoWriter()
      .message(1, new ProtoWriter().varint(1, 1))
      .message(1, shape('N'))
      .toUint8Array();
    expect(decode(schemas.type, reader(bytes), limits)).toMatchObject({
      tensor: { elementType: 1, shape: { dims: [{ param: 'N' }] } },
    });
    const dimension = new ProtoWriter().string(2, 'N').varint(1, 3).toUint8Array();
    expect(decode(schemas.dimension, reader(dimension), limits)).toMatchObject({
      value: 3,
      param: undefined,
    });
  });

  it('keeps fields that it does not know, and known ones of another wire type', () => {
    const bytes = new ProtoWriter()
      .string(1, 'key')
      .string(2, 'value')
      .varint(99, 5)
      .varint(1, 7)
      .toUint8Array();
    const entry = decode<object>(schemas.entry, reader(bytes), limits);
    expect(entry).toMatchObject({ key: 'key', value: 'value' });
    expect(encode(schemas.entry, entry).toUint8Array()).toEqual(bytes);
  });

  it('stops at its limits', () => {
    const nodes = new ProtoWriter();
    for (let i = 0; i < 1001; i++) nodes.message(1, new ProtoWriter());
    expect(() => decode(schemas.graph, reader(nodes.toUint8Array()), limits)).toThrow(
      /more than 1000 parts/,
    );
    const ints = new ProtoWriter().bytes(8, new Uint8Array(10_001)).toUint8Array();
    expect(() => decode(schemas.attribute, reader(ints), limits)).toThrow(/more than 10000 values/);
    const unknown = new ProtoWriter();
    for (let i = 0; i < 10_001; i++) unknown.varint(50, 1);
    expect(() => decode(schemas.entry, reader(unknown.toUint8Array()), limits)).toThrow(
      /more than 10000 values/,
    );
    let nested = new ProtoWriter();
    for (let i = 0; i < 60; i++) {
      nested = new ProtoWriter().message(4, new ProtoWriter().message(1, nested));
    }
    expect(() => decode(schemas.type, reader(nested.toUint8Array()), limits)).toThrow(
      /nested over 100 deep/,
    );
  });
});
