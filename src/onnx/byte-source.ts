import { type FileHandle, open } from 'node:fs/promises';
import { TensorRTNodeError } from '../errors';
import type { Deferred } from './proto-writer';

/** A stretch of a file that is in memory. */
export interface Piece {
  /** Position in the file. */
  readonly start: number;
  readonly bytes: Uint8Array;
}

const readChunkBytes = 1 << 20;

/**
 * The bytes of a model: all in memory, or a file of which only some pieces are (see `skeleton.ts`); what is
 * left out is read from the file when it is asked for.
 */
export class ByteSource {
  private last = 0;

  constructor(
    /** In order and apart from each other. */
    private readonly pieces: readonly Piece[],
    /** Length of the whole, in bytes. */
    readonly size: number,
    private readonly file?: { path: string; modifiedMs: number },
  ) {}

  static of(bytes: Uint8Array): ByteSource {
    return new ByteSource([{ start: 0, bytes }], bytes.length);
  }

  /** The piece that holds this position, or undefined where the file was not read. */
  pieceAt(position: number): Piece | undefined {
    const { pieces } = this;
    const contains = (index: number): boolean => {
      const piece = pieces[index];
      return (
        piece !== undefined &&
        position >= piece.start &&
        position < piece.start + piece.bytes.length
      );
    };
    // Readers move forward: mostly it is the piece of the last question, or the one after it.
    if (contains(this.last)) return pieces[this.last];
    if (contains(this.last + 1)) return pieces[++this.last];
    let low = 0;
    let high = pieces.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (pieces[middle]!.start <= position) low = middle + 1;
      else high = middle;
    }
    if (!contains(low - 1)) return undefined;
    this.last = low - 1;
    return pieces[this.last];
  }

  /** A view of the bytes if all are in memory. */
  inMemory(offset: number, length: number): Uint8Array | undefined {
    if (length === 0) return new Uint8Array(0);
    const piece = this.pieceAt(offset);
    const start = piece === undefined ? 0 : offset - piece.start;
    return piece === undefined || start + length > piece.bytes.length
      ? undefined
      : piece.bytes.subarray(start, start + length);
  }

  /** Bytes of the file in order, in chunks. */
  async *read(offset: number, length: number): AsyncGenerator<Uint8Array> {
    const view = this.inMemory(offset, length);
    if (view !== undefined) {
      yield view;
      return;
    }
    const { file } = this;
    if (file === undefined) throw new RangeError('bytes outside of the source');
    const handle = await openFile(file.path);
    try {
      const stat = await handle.stat();
      if (stat.size !== this.size || stat.mtimeMs !== file.modifiedMs) throw changed(file.path);
      yield* readRange(handle, file.path, offset, length);
    } finally {
      await handle.close();
    }
  }
}

/** Bytes that are read, or made, only when they are needed. */
export interface StoredBytes extends Deferred {
  /** A view of them if they are in memory. */
  inMemory(): Uint8Array | undefined;
  read(): AsyncGenerator<Uint8Array>;
}

/** Some bytes of a {@link ByteSource}: a tensor's data that is read only when it is needed. */
export class ByteRange implements StoredBytes {
  constructor(
    private readonly source: ByteSource,
    /** Position in the file. */
    readonly offset: number,
    readonly length: number,
  ) {}

  inMemory(): Uint8Array | undefined {
    return this.source.inMemory(this.offset, this.length);
  }

  read(): AsyncGenerator<Uint8Array> {
    return this.source.read(this.offset, this.length);
  }
}

/** Reads exactly `length` bytes from `offset` on, in chunks. A file that ends early gives ERR_IO. */
export async function* readRange(
  handle: FileHandle,
  path: string,
  offset: number,
  length: number,
): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < length; ) {
    const chunk = new Uint8Array(Math.min(readChunkBytes, length - done));
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, offset + done);
    if (bytesRead === 0) throw changed(path);
    yield chunk.subarray(0, bytesRead);
    done += bytesRead;
  }
}

/** Opens a file for reading. Throws ERR_IO with a sentence about the path. */
export async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    throw ioError(path, cause);
  }
}

export function ioError(path: string, cause: unknown): TensorRTNodeError {
  const code = (cause as NodeJS.ErrnoException)?.code;
  const reason =
    code === 'ENOENT'
      ? 'a path where no file is'
      : code === 'EACCES' || code === 'EPERM'
        ? 'one without permission to read it'
        : code === 'EISDIR'
          ? 'a folder'
          : `one that gives ${code ?? String(cause)}`;
  return new TensorRTNodeError(
    'ERR_IO',
    `Expected a readable file for "${path}" but received ${reason}`,
    {
      cause,
    },
  );
}

function changed(path: string): TensorRTNodeError {
  return new TensorRTNodeError(
    'ERR_IO',
    `Expected an unchanged file for "${path}" but received one that changed while it was in use`,
  );
}
