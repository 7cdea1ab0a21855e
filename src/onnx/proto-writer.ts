/**
 * Writer of the protobuf wire format.
 *
 * Bytes are gathered in chunks, so that a tensor of a gigabyte is kept by reference and never copied into a
 * growing buffer; a chunk may also be a promise of bytes that lie elsewhere ({@link Deferred}).
 */

/** Bytes of known length that are fetched only while the file is written. */
export interface Deferred {
  readonly length: number;
  /** A view of the bytes if they are in memory after all. */
  inMemory?(): Uint8Array | undefined;
  /** Yields the bytes in order, in pieces of any size. */
  read(): AsyncIterable<Uint8Array>;
}

export type Chunk = Uint8Array | Deferred;

export const wireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** Arrays of at least this many bytes are kept by reference: copying them would cost more than a chunk. */
const referenceBytes = 1024;
const blockBytes = 4096;

export class ProtoWriter {
  private readonly finished: Chunk[] = [];
  private block = new Uint8Array(0);
  private used = 0;
  private total = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.total;
  }

  /** All chunks in order. The writer must not be used afterwards. */
  chunks(): Chunk[] {
    this.closeBlock();
    return this.finished;
  }

  /** Everything as one array. Throws a RangeError when a chunk is {@link Deferred}. */
  toUint8Array(): Uint8Array {
    const result = new Uint8Array(this.total);
    let offset = 0;
    for (const chunk of this.chunks()) {
      if (!(chunk instanceof Uint8Array)) {
        throw new RangeError('deferred bytes can only be written to a file');
      }
      result.set(chunk, offset);
      offset += chunk.length;
    }
    return result;
  }

  /** A varint field; negative numbers take ten bytes as protobuf's int32 and int64 do. */
  varint(field: number, value: number | bigint): this {
    this.tag(field, wireType.varint);
    return this.rawVarint(value);
  }

  float(field: number, value: number): this {
    this.tag(field, wireType.fixed32);
    this.reserve(4);
    new DataView(this.block.buffer).setFloat32(this.used, value, true);
    this.advance(4);
    return this;
  }

  bytes(field: number, value: Chunk): this {
    this.tag(field, wireType.bytes);
    this.rawVarint(value.length);
    return this.raw(value);
  }

  string(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value, 'utf8'));
  }

  /** A nested message. `child` must not be used afterwards. */
  message(field: number, child: ProtoWriter): this {
    this.tag(field, wireType.bytes);
    this.rawVarint(child.length);
    for (const chunk of child.chunks()) this.raw(chunk);
    return this;
  }

  tag(field: number, wire: number): this {
    return this.rawVarint(field * 8 + wire);
  }

  rawVarint(value: number | bigint): this {
    this.reserve(10);
    if (typeof value === 'number' && value >= 0) {
      // Division instead of shifts: lengths and offsets pass 2^32.
      let rest = value;
      while (rest >= 0x80) {
        this.put((rest % 0x80) | 0x80);
        rest = Math.floor(rest / 0x80);
      }
      this.put(rest);
      return this;
    }
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest >= 0x80n) {
      this.put(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.put(Number(rest));
    return this;
  }

  /** Appends bytes that are already encoded. Long ones are kept by reference and must not change. */
  raw(value: Chunk): this {
    if (!(value instanceof Uint8Array) || value.length >= referenceBytes) {
      this.closeBlock();
      this.finished.push(value);
      this.total += value.length;
      return this;
    }
    this.reserve(value.length);
    this.block.set(value, this.used);
    this.advance(value.length);
    return this;
  }

  private put(byte: number): void {
    this.block[this.used++] = byte;
    this.total++;
  }

  private advance(count: number): void {
    this.used += count;
    this.total += count;
  }

  private reserve(count: number): void {
    if (this.used + count <= this.block.length) return;
    this.closeBlock();
    this.block = new Uint8Array(blockBytes);
  }

  private closeBlock(): void {
    if (this.used > 0) this.finished.push(this.block.subarray(0, this.used));
    this.block = this.block.subarray(this.used);
    this.used = 0;
  }
}
