import { ByteRange } from './byte-source';
import { encodeText, type ProtoReader } from './proto-reader';
import { ProtoWriter, wireType } from './proto-writer';
import type { Bulk, FieldSpec, ScalarKind, Schema } from './schema';

/** Bounds on what a file may make of the memory: a message of two bytes becomes an object of two hundred. */
export interface DecodeLimits {
  /** Messages in all: nodes, attributes, tensors, types, … */
  maxMessages: number;
  /** Elements of repeated fields in all. */
  maxValues: number;
}

/** Messages within messages; protobuf's own limit. */
const maxDepth = 100;

type Fields = Record<string, unknown> & { unknown?: Uint8Array[] };

const expectedWire: Record<ScalarKind, number> = {
  integer: wireType.varint,
  int64: wireType.varint,
  float: wireType.fixed32,
  string: wireType.bytes,
  bytes: wireType.bytes,
};

/** Reads a message by its table. Throws a {@link ProtoError}. */
export function decode<T>(schema: Schema, reader: ProtoReader, limits: DecodeLimits): T {
  const decoder = new Decoder(limits);
  return decoder.message(schema, reader, undefined, 0) as T;
}

class Decoder {
  private messages = 0;
  private values = 0;

  constructor(private readonly limits: DecodeLimits) {}

  /** `into`: a message that occurred before, which protobuf says to merge with. */
  message(schema: Schema, reader: ProtoReader, into: Fields | undefined, depth: number): Fields {
    if (depth > maxDepth) throw reader.error(`messages nested over ${maxDepth} deep`);
    if (++this.messages > this.limits.maxMessages) {
      throw reader.error(`a graph of more than ${this.limits.maxMessages} parts`);
    }
    const result = into ?? emptyMessage<Fields>(schema);
    while (reader.next()) {
      const spec = schema.get(reader.field);
      if (spec === undefined || !this.field(spec, reader, result, depth)) {
        this.count(reader);
        result.unknown ??= [];
        result.unknown.push(reader.raw());
      }
    }
    return result;
  }

  /** Reads one field into `result`; false, with nothing read, if its wire type is not the table's. */
  private field(spec: FieldSpec, reader: ProtoReader, result: Fields, depth: number): boolean {
    const { key, kind, repeated } = spec;
    if (typeof kind === 'object') {
      if ('bulk' in kind) return this.bulk(key, kind.bulk, reader, result);
      if (reader.wire !== wireType.bytes) return false;
      const before = repeated ? undefined : (result[key] as Fields | undefined);
      const value = this.message(kind.message, reader.message(), before, depth + 1);
      this.set(spec, result, value, reader);
      return true;
    }
    if (reader.wire === expectedWire[kind]) {
      this.set(spec, result, scalar(kind, reader), reader);
      return true;
    }
    const packable = repeated && expectedWire[kind] !== wireType.bytes;
    if (!packable || reader.wire !== wireType.bytes) return false;
    const packed = reader.message();
    while (!packed.done) this.set(spec, result, scalar(kind, packed), packed);
    return true;
  }

  private set(spec: FieldSpec, result: Fields, value: unknown, reader: ProtoReader): void {
    if (spec.repeated) {
      this.count(reader);
      (result[spec.key] as unknown[]).push(value);
      return;
    }
    result[spec.key] = value;
    for (const other of spec.oneof ?? []) result[other] = undefined;
  }

  /** Numbers that are not packed are joined to one array, which grows by doubling. */
  private bulk(key: string, element: number, reader: ProtoReader, result: Fields): boolean {
    if (reader.wire !== wireType.bytes && reader.wire !== element) return false;
    result[key] ??= [];
    const parts = result[key] as Bulk;
    if (reader.wire === wireType.bytes) {
      const { start, end } = reader.span();
      this.count(reader);
      // Packed numbers add up; of a plain bytes field the last one counts.
      if (element === wireType.bytes) parts.length = 0;
      parts.push(new ByteRange(reader.source, start, end - start));
      return true;
    }
    const value = reader.value();
    const last = parts.at(-1);
    if (last instanceof Uint8Array) parts[parts.length - 1] = append(last, value);
    else parts.push(append(new Uint8Array(0), value));
    return true;
  }

  private count(reader: ProtoReader): void {
    if (++this.values > this.limits.maxValues) {
      throw reader.error(`lists of more than ${this.limits.maxValues} values`);
    }
  }
}

/** `bytes` followed by `more`, in the same memory where that has room. */
function append(bytes: Uint8Array, more: Uint8Array): Uint8Array {
  const length = bytes.length + more.length;
  let memory = bytes.buffer;
  if (length > memory.byteLength) {
    const grown = new Uint8Array(Math.max(64, 2 * length));
    grown.set(bytes);
    memory = grown.buffer;
  }
  const result = new Uint8Array(memory, 0, length);
  result.set(more, bytes.length);
  return result;
}

/** A message without content: undefined and empty arrays for all keys of the table. */
export function emptyMessage<T = Fields>(schema: Schema): T {
  const result: Fields = {};
  for (const { key, repeated } of schema.values()) result[key] = repeated ? [] : undefined;
  return result as T;
}

function scalar(kind: ScalarKind, reader: ProtoReader): unknown {
  switch (kind) {
    case 'integer':
      return reader.integer();
    case 'int64':
      return reader.int64();
    case 'float':
      return reader.float();
    case 'string':
      return reader.string();
    case 'bytes':
      return reader.bytes();
  }
}

/**
 * Writes a message by its table: fields in the order of their numbers, as protobuf's own writers do, unknown
 * ones behind them. Lists of numbers are not packed, as ONNX (proto2) has them. `substitutes` are messages to
 * write in place of others.
 */
export function encode(
  schema: Schema,
  message: object,
  substitutes: ReadonlyMap<object, object> = new Map(),
): ProtoWriter {
  const writer = new ProtoWriter();
  const fields = (substitutes.get(message) ?? message) as Fields;
  const put = (number: number, spec: FieldSpec, value: unknown): void => {
    if (typeof spec.kind === 'object' && 'message' in spec.kind) {
      writer.message(number, encode(spec.kind.message, value as object, substitutes));
    } else encodeField(writer, number, spec.kind, value);
  };
  for (const [number, spec] of schema) {
    const value = fields[spec.key];
    if (value === undefined) continue;
    if (spec.repeated) for (const item of value as unknown[]) put(number, spec, item);
    else put(number, spec, value);
  }
  for (const raw of fields.unknown ?? []) writer.raw(raw);
  return writer;
}

function encodeField(
  writer: ProtoWriter,
  number: number,
  kind: Exclude<FieldSpec['kind'], { message: Schema }>,
  value: unknown,
): void {
  if (typeof kind === 'object') {
    const parts = value as Bulk;
    writer.tag(number, wireType.bytes);
    writer.rawVarint(parts.reduce((total, part) => total + part.length, 0));
    for (const part of parts) {
      writer.raw(part instanceof Uint8Array ? part : (part.inMemory() ?? part));
    }
  } else if (kind === 'string') writer.bytes(number, encodeText(value as string));
  else if (kind === 'bytes') writer.bytes(number, value as Uint8Array);
  else if (kind === 'float') writer.float(number, value as number);
  else writer.varint(number, value as number | bigint);
}
