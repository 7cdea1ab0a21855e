import { ByteSource } from '../../src/onnx/byte-source';
import { ProtoReader } from '../../src/onnx/proto-reader';
import { ProtoWriter } from '../../src/onnx/proto-writer';
import type { Schema } from '../../src/onnx/schema';

/** A field of a protobuf message: with children where the schema says it is a message. */
export interface Field {
  number: number;
  wire: number;
  /** The payload; of a varint its bytes. */
  payload: Uint8Array;
  children: Field[] | undefined;
}

export function parse(bytes: Uint8Array, schema: Schema): Field[] {
  const reader = new ProtoReader(ByteSource.of(bytes), 0, bytes.length);
  const fields: Field[] = [];
  while (reader.next()) {
    const { field: number, wire } = reader;
    const kind = schema.get(number)?.kind;
    const payload = reader.value();
    const inner = typeof kind === 'object' && 'message' in kind && wire === 2 ? kind.message : null;
    fields.push({ number, wire, payload, children: inner ? parse(payload, inner) : undefined });
  }
  return fields;
}

export function write(fields: readonly Field[]): Uint8Array {
  const writer = new ProtoWriter();
  for (const { number, wire, payload, children } of fields) {
    writer.tag(number, wire);
    const bytes = children ? write(children) : payload;
    if (wire === 2) writer.rawVarint(bytes.length);
    writer.raw(bytes);
  }
  return writer.toUint8Array();
}

/** Every list of fields in a tree, with its owner. */
export function lists(fields: Field[]): Field[][] {
  return [fields, ...fields.flatMap(({ children }) => (children ? lists(children) : []))];
}

export function copy(field: Field): Field {
  return { ...field, children: field.children?.map(copy) };
}
