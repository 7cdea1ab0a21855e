import type { ByteSource } from './byte-source';

/** The bytes are no well-formed protobuf message. `message` reads after "but received". */
export class ProtoError extends Error {
  constructor(
    problem: string,
    /** Where in the file, in bytes. */
    readonly position: number,
  ) {
    super(`${problem} at byte ${position}`);
    this.name = 'ProtoError';
  }
}

/** A 64-bit integer: a number where that is exact, else a bigint. */
export type Int64 = number | bigint;

/**
 * Reader of one protobuf message between two positions of a {@link ByteSource}.
 *
 * Every length is checked against the end of the message before anything is made of it. Groups are refused.
 * Call {@link next}, look at `field` and `wire`, then read or {@link skip} the value.
 */
export class ProtoReader {
  field = 0;
  wire = 0;
  private fieldStart = 0;
  private position: number;
  private buffer: Uint8Array = new Uint8Array(0);
  private bufferStart = 0;

  constructor(
    readonly source: ByteSource,
    start: number,
    private readonly end: number,
  ) {
    this.position = start;
  }

  /** Moves to the next field; false at the end of the message. */
  next(): boolean {
    if (this.position >= this.end) return false;
    this.fieldStart = this.position;
    const tag = this.unsigned();
    if (tag > 0xffffffff)
      throw new ProtoError('data with an impossible field number', this.fieldStart);
    this.wire = tag & 7;
    this.field = tag >>> 3;
    if (this.field === 0 || this.wire === 3 || this.wire === 4 || this.wire > 5) {
      throw new ProtoError('data that is no protobuf message', this.fieldStart);
    }
    return true;
  }

  /** A varint as signed 64-bit integer. */
  int64(): Int64 {
    const start = this.position;
    const first = this.byte();
    if (first < 0x80) return first;
    let low = first & 0x7f;
    let high = 0;
    for (let index = 1; index < 10; index++) {
      const byte = this.byte();
      // Seven bytes make 49 bits; the rest goes to `high`, so that both stay exact.
      if (index < 7) low += (byte & 0x7f) * 2 ** (7 * index);
      else high += (byte & 0x7f) * 2 ** (7 * (index - 7));
      if (byte < 0x80) {
        if (high < 16) return high * 2 ** 49 + low;
        const value = BigInt.asIntN(64, (BigInt(high) << 49n) + BigInt(low));
        const number = Number(value);
        return Number.isSafeInteger(number) ? number : value;
      }
    }
    throw new ProtoError('a number of more than ten bytes', start);
  }

  /** A varint that must be exact as a JS number. */
  integer(): number {
    const start = this.position;
    const value = this.int64();
    if (typeof value === 'bigint') throw new ProtoError(`the absurd number ${value}`, start);
    return value;
  }

  float(): number {
    return this.fixed(4).getFloat32(0, true);
  }

  double(): number {
    return this.fixed(8).getFloat64(0, true);
  }

  /** The payload of a length-delimited field as positions; the reader moves behind it. */
  span(): { start: number; end: number } {
    const length = this.unsigned();
    const start = this.position;
    if (length > this.end - start) {
      throw new ProtoError(
        `data whose field ${this.field} claims ${length} bytes where ${this.end - start} are left`,
        this.fieldStart,
      );
    }
    this.position = start + length;
    return { start, end: this.position };
  }

  /** The payload of a length-delimited field, as a view. */
  bytes(): Uint8Array {
    const { start, end } = this.span();
    return this.view(start, end);
  }

  /** UTF-8 text; see {@link decodeText}. */
  string(): string {
    return decodeText(this.bytes());
  }

  message(): ProtoReader {
    const { start, end } = this.span();
    return new ProtoReader(this.source, start, end);
  }

  /** Whether the message is read to its end: for messages of packed numbers, which have no tags. */
  get done(): boolean {
    return this.position >= this.end;
  }

  /** Passes over the value and gives the bytes of the whole field, tag included. */
  raw(): Uint8Array {
    this.skip();
    return this.view(this.fieldStart, this.position);
  }

  /** Passes over the value and gives its bytes as they stand, without tag and without length. */
  value(): Uint8Array {
    if (this.wire === 2) return this.bytes();
    const start = this.position;
    this.skip();
    return this.view(start, this.position);
  }

  skip(): void {
    if (this.wire === 0) this.int64();
    else if (this.wire === 2) this.span();
    else {
      const length = this.wire === 1 ? 8 : 4;
      if (length > this.end - this.position) throw this.cutOff();
      this.position += length;
    }
  }

  /** An error about the field at hand. */
  error(problem: string): ProtoError {
    return new ProtoError(problem, this.fieldStart || this.position);
  }

  private fixed(length: number): DataView {
    if (length > this.end - this.position) throw this.cutOff();
    const bytes = this.view(this.position, this.position + length);
    this.position += length;
    return new DataView(bytes.buffer, bytes.byteOffset, length);
  }

  /** A varint as length or tag. */
  private unsigned(): number {
    const start = this.position;
    const value = this.int64();
    if (typeof value === 'bigint' || value < 0) {
      throw new ProtoError('an impossible length', start);
    }
    return value;
  }

  private byte(): number {
    if (this.position >= this.end) throw this.cutOff();
    let index = this.position - this.bufferStart;
    if (index < 0 || index >= this.buffer.length) {
      this.load(this.position);
      index = this.position - this.bufferStart;
    }
    this.position++;
    return this.buffer[index]!;
  }

  private view(start: number, end: number): Uint8Array {
    if (start === end) return new Uint8Array(0);
    if (start < this.bufferStart || start >= this.bufferStart + this.buffer.length)
      this.load(start);
    if (end - this.bufferStart > this.buffer.length) {
      throw new ProtoError(`a field of ${end - start} bytes that is too large`, start);
    }
    return this.buffer.subarray(start - this.bufferStart, end - this.bufferStart);
  }

  private load(position: number): void {
    const piece = this.source.pieceAt(position);
    if (piece === undefined) throw new ProtoError('a field that is too large', position);
    this.buffer = piece.bytes;
    this.bufferStart = piece.start;
  }

  private cutOff(): ProtoError {
    return new ProtoError('data that is cut off', this.position);
  }
}

/**
 * UTF-8 to text without loss: a byte that is no UTF-8 becomes the lone surrogate U+DC00 + byte, which
 * {@link encodeText} turns back. (Old exporters wrote Latin-1 into doc strings.)
 */
export function decodeText(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = buffer.toString('utf8');
  if (!text.includes('\ufffd') || Buffer.from(text, 'utf8').equals(buffer)) return text;
  let result = '';
  for (let index = 0; index < buffer.length; ) {
    const lead = buffer[index]!;
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    const slice = buffer.subarray(index, index + length);
    const character = slice.toString('utf8');
    if (Buffer.from(character, 'utf8').equals(slice)) {
      result += character;
      index += length;
    } else {
      result += String.fromCharCode(0xdc00 + lead);
      index++;
    }
  }
  return result;
}

/** The inverse of {@link decodeText}. */
export function encodeText(text: string): Uint8Array {
  if (!/\p{Surrogate}/u.test(text)) return Buffer.from(text, 'utf8');
  const parts: Buffer[] = [];
  for (const character of text) {
    const code = character.codePointAt(0)!;
    parts.push(
      code >= 0xdc80 && code <= 0xdcff
        ? Buffer.from([code - 0xdc00])
        : Buffer.from(character, 'utf8'),
    );
  }
  return Buffer.concat(parts);
}
