import { stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { TensorRTNodeError } from '../errors';
import type { ModelSource } from '../session/model-input';
import { invalidArgument, requireInteger, requireKnownKeys } from '../validate';
import { ByteSource, ioError, openFile } from './byte-source';
import { type DecodeLimits, decode } from './codec';
import { ProtoError, ProtoReader } from './proto-reader';
import { type ModelProto, schemas } from './schema';
import { readSkeleton } from './skeleton';
import { sniff } from './sniff';

/** Bounds on what a file may cost. The defaults let every real model through that was met so far. */
export interface OnnxLimits extends DecodeLimits {
  /** Bytes of the graph without the data of its large tensors, which stay in the file. Default 512 MiB. */
  maxGraphBytes: number;
}

export const defaultLimits: OnnxLimits = {
  maxGraphBytes: 512 * 2 ** 20,
  maxMessages: 3_000_000,
  maxValues: 16_000_000,
};

export interface OpenedModel {
  proto: ModelProto;
  /** How messages name the model: the quoted path, or "the model buffer". */
  name: string;
  /** Absolute path; undefined for a buffer. */
  path: string | undefined;
  /** Size of the ONNX file in bytes. */
  fileBytes: number;
}

/** Files up to this size are read at once. */
const wholeFileBytes = 1 << 20;

/**
 * Reads an ONNX file into messages. Of a large file, the data of large tensors stays on the disk.
 *
 * Throws ERR_INVALID_MODEL where the bytes are no ONNX model, ERR_IO where they cannot be read.
 */
export async function openOnnx(
  model: ModelSource,
  limits: Partial<OnnxLimits> = {},
): Promise<OpenedModel> {
  const bounds = requireLimits(limits);
  if (model instanceof URL && model.protocol === 'file:') {
    return openPath(fileURLToPath(model), bounds);
  }
  if (typeof model === 'string' && model !== '') return openPath(path.resolve(model), bounds);
  // By tag and not by class: the bytes may come from another realm.
  const tag = Object.prototype.toString.call(model);
  if (tag !== '[object ArrayBuffer]' && tag !== '[object Uint8Array]') {
    throw invalidArgument('model', 'a path, a file: URL, a Uint8Array or an ArrayBuffer', model);
  }
  // A plain view: slice() of a Buffer would not copy.
  const { buffer, byteOffset, byteLength } = model as Uint8Array;
  const bytes =
    tag === '[object ArrayBuffer]'
      ? new Uint8Array(model as ArrayBuffer)
      : new Uint8Array(buffer, byteOffset, byteLength);
  const name = 'the model buffer';
  const proto = decodeModel(ByteSource.of(bytes), bounds, name);
  return { proto, name, path: undefined, fileBytes: bytes.length };
}

async function openPath(file: string, limits: OnnxLimits): Promise<OpenedModel> {
  const name = `"${file}"`;
  // Asked before opening: to open a named pipe would wait for a writer for ever.
  const info = await stat(file).catch((cause) => {
    throw ioError(file, cause);
  });
  if (!info.isFile()) {
    throw new TensorRTNodeError(
      'ERR_INVALID_MODEL',
      `Expected an ONNX file for ${name} but received ${info.isDirectory() ? 'a folder' : 'something that is no regular file'}`,
    );
  }
  const handle = await openFile(file);
  try {
    const head = new Uint8Array(Math.min(info.size, 512));
    await handle.read(head, 0, head.length, 0);
    let source: ByteSource;
    try {
      source =
        info.size <= wholeFileBytes
          ? ByteSource.of(new Uint8Array(await handle.readFile()))
          : await readSkeleton(handle, file, limits.maxGraphBytes);
    } catch (cause) {
      throw cause instanceof ProtoError ? notOnnx(name, head, info.size, cause) : cause;
    }
    return { proto: decodeModel(source, limits, name), name, path: file, fileBytes: source.size };
  } catch (cause) {
    throw cause instanceof TensorRTNodeError ? cause : ioError(file, cause);
  } finally {
    await handle.close();
  }
}

function decodeModel(source: ByteSource, limits: OnnxLimits, name: string): ModelProto {
  const head = source.pieceAt(0)?.bytes ?? new Uint8Array(0);
  try {
    const reader = new ProtoReader(source, 0, source.size);
    const proto = decode<ModelProto>(schemas.model, reader, limits);
    if (proto.graph === undefined) throw new ProtoError('data without a graph', 0);
    return proto;
  } catch (cause) {
    throw cause instanceof ProtoError ? notOnnx(name, head, source.size, cause) : cause;
  }
}

function notOnnx(
  name: string,
  head: Uint8Array,
  size: number,
  cause: ProtoError,
): TensorRTNodeError {
  return new TensorRTNodeError(
    'ERR_INVALID_MODEL',
    `Expected an ONNX model for ${name} but received ${sniff(head, size) ?? cause.message}`,
    { cause, details: [cause.message] },
  );
}

function requireLimits(limits: Partial<OnnxLimits>): OnnxLimits {
  const known = Object.keys(defaultLimits) as (keyof OnnxLimits)[];
  requireKnownKeys('limits', limits, known);
  const result = { ...defaultLimits };
  for (const key of known) {
    const value = limits[key];
    if (value !== undefined) {
      result[key] = requireInteger(`limits.${key}`, value, 1, Number.MAX_SAFE_INTEGER);
    }
  }
  return result;
}
