import type { FileHandle } from 'node:fs/promises';
import { ByteSource, type Piece } from './byte-source';
import { ProtoError } from './proto-reader';
import { type Schema, schemas } from './schema';

/** Fields up to this size are read whole; larger ones are searched for tensor data to leave out. */
const wholeFieldBytes = 64 << 10;
const windowBytes = 256 << 10;
/** A tag and a length take at most this many bytes. */
const headerBytes = 20;
const maxDepth = 100;

/**
 * Reads an ONNX file but for the data of its large tensors, so that a model of many gigabytes takes a few
 * megabytes of memory. Large messages are walked by the tables of `schema.ts`; everything that those call
 * bulk stays in the file.
 *
 * Throws a {@link ProtoError} where the file is malformed on the way, or has more than `maxBytes` that
 * cannot stay in the file.
 */
export async function readSkeleton(
  handle: FileHandle,
  path: string,
  maxBytes: number,
): Promise<ByteSource> {
  const stat = await handle.stat();
  const walker = new Walker(handle, stat.size, maxBytes);
  await walker.walk(0, stat.size, schemas.model, 0);
  return new ByteSource(walker.pieces, stat.size, { path, modifiedMs: stat.mtimeMs });
}

class Walker {
  readonly pieces: Piece[] = [];
  private window: Uint8Array = new Uint8Array(0);
  private windowStart = 0;
  private total = 0;

  constructor(
    private readonly handle: FileHandle,
    private readonly size: number,
    private readonly maxBytes: number,
  ) {}

  /** Takes over one message: small fields are gathered into a run that is read as one piece. */
  async walk(start: number, end: number, schema: Schema, depth: number): Promise<void> {
    if (depth > maxDepth) throw new ProtoError(`messages nested over ${maxDepth} deep`, start);
    let runStart = start;
    let position = start;
    while (position < end) {
      if (!this.inWindow(position)) await this.fill(position);
      const field = this.header(position, end);
      if (field.end - position <= wholeFieldBytes) {
        position = field.end;
        continue;
      }
      const kind = schema.get(field.number)?.kind;
      if (typeof kind === 'object') {
        await this.keep(runStart, field.payload);
        if ('message' in kind) await this.walk(field.payload, field.end, kind.message, depth + 1);
        runStart = field.end;
      }
      position = field.end;
    }
    await this.keep(runStart, end);
  }

  /** Number, start of the payload and end of the field at `position`, whose header is in the window. */
  private header(position: number, end: number): { number: number; payload: number; end: number } {
    let cursor = position - this.windowStart;
    const limit = Math.min(this.window.length, end - this.windowStart);
    const varint = (): number => {
      let value = 0;
      for (let shift = 0; shift < 70; shift += 7) {
        const byte = this.window[cursor];
        if (byte === undefined || cursor >= limit) break;
        cursor++;
        value += (byte & 0x7f) * 2 ** shift;
        if (byte < 0x80) return value;
      }
      throw new ProtoError('data that is cut off or no protobuf message', position);
    };
    const tag = varint();
    const number = Math.floor(tag / 8);
    const wire = tag % 8;
    if (tag > 0xffffffff || number === 0 || ![0, 1, 2, 5].includes(wire)) {
      throw new ProtoError('data that is no protobuf message', position);
    }
    const value = wire === 0 || wire === 2 ? varint() : 0;
    const payload = this.windowStart + cursor;
    const length = wire === 2 ? value : wire === 1 ? 8 : wire === 5 ? 4 : 0;
    if (length > end - payload) {
      throw new ProtoError(
        `data whose field ${number} claims ${length} bytes where ${end - payload} are left`,
        position,
      );
    }
    return { number, payload, end: payload + length };
  }

  private inWindow(position: number): boolean {
    const end = this.windowStart + this.window.length;
    return (
      position >= this.windowStart &&
      (position + headerBytes <= end || (end === this.size && position < end))
    );
  }

  private async fill(position: number): Promise<void> {
    this.window = await this.read(position, Math.min(windowBytes, this.size - position));
    this.windowStart = position;
  }

  private async keep(start: number, end: number): Promise<void> {
    if (start === end) return;
    this.total += end - start;
    if (this.total > this.maxBytes) {
      throw new ProtoError(
        `a graph that takes more than ${this.maxBytes} bytes without its tensors`,
        start,
      );
    }
    const inside =
      start >= this.windowStart && end <= this.windowStart + this.window.length
        ? this.window.slice(start - this.windowStart, end - this.windowStart)
        : await this.read(start, end - start);
    this.pieces.push({ start, bytes: inside });
  }

  private async read(position: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const { bytesRead } = await this.handle.read(bytes, done, length - done, position + done);
      if (bytesRead === 0) throw new ProtoError('data that is cut off', position + done);
      done += bytesRead;
    }
    return bytes;
  }
}
