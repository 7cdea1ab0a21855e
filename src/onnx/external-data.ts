import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { TensorRTNodeError } from '../errors';
import { ioError } from './byte-source';
import type { TensorProto } from './schema';
import { tensorByteLength } from './tensors';

/** Where the data of a tensor lies outside of the ONNX file. */
export interface ExternalLocation {
  /** Path as the model states it: relative to the model's folder, with `/`. */
  location: string;
  /** First byte in that file. */
  offset: number;
  /** Bytes in that file; undefined where the model leaves it to the tensor's size or the file's end. */
  length: number | undefined;
}

/** A data file that belongs to a model. */
export interface ExternalFile {
  location: string;
  /** Absolute path. */
  path: string;
  /** Size of the file in bytes. */
  fileBytes: number;
  /** Bytes of it that tensors use. */
  usedBytes: number;
  /** Number of tensors in it. */
  tensors: number;
  /** When the file was last changed, in milliseconds since 1970. */
  modifiedMs: number;
}

/** Reads the `external_data` entries. Throws ERR_INVALID_MODEL where they make no sense or leave the folder. */
export function externalLocation(tensor: TensorProto, modelName: string): ExternalLocation {
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value ?? '']));
  const refuse = (expected: string, received: string): TensorRTNodeError =>
    new TensorRTNodeError(
      'ERR_INVALID_MODEL',
      `Expected ${expected} for the external data of tensor "${tensor.name ?? ''}" of ${modelName} but received ${received}`,
    );
  const number = (key: string): number | undefined => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value)) {
      throw refuse(`a whole number of bytes as ${key}`, JSON.stringify(text.slice(0, 60)));
    }
    return value;
  };
  const location = entries.get('location') ?? '';
  const segments = location.split(/[/\\]/);
  if (
    location === '' ||
    location.includes('\0') ||
    // A marker of ONNX Runtime's own: it would take the offset for an address in memory.
    location.includes('_ORT_MEM_ADDR_') ||
    path.posix.isAbsolute(location) ||
    path.win32.isAbsolute(location) ||
    segments.includes('..')
  ) {
    throw refuse("a path within the model's folder", JSON.stringify(location.slice(0, 200)));
  }
  const length = number('length');
  const expected = tensorByteLength(tensor);
  if (length !== undefined && expected !== undefined && length !== expected) {
    throw refuse(`${expected} bytes`, `${length}`);
  }
  return { location, offset: number('offset') ?? 0, length: length ?? expected };
}

/**
 * Looks at every data file that a model names: that it is there, lies within the model's folder (symbolic
 * links resolved) and is long enough for each tensor.
 *
 * Throws ERR_INVALID_MODEL or, for a file that cannot be reached, ERR_IO.
 */
export async function checkExternalData(
  tensors: Iterable<TensorProto>,
  modelPath: string,
  modelName: string,
): Promise<ExternalFile[]> {
  // A cache of models may hold links only: then what counts is the folder that the links lead to.
  const folders = await Promise.all(
    [path.dirname(modelPath), path.dirname(await realpath(modelPath))].map((f) => realpath(f)),
  );
  const files = new Map<string, ExternalFile>();
  for (const tensor of tensors) {
    const { location, offset, length = 0 } = externalLocation(tensor, modelName);
    let file = files.get(location);
    if (file === undefined) {
      file = await findFile(location, path.dirname(modelPath), folders, modelName);
      files.set(location, file);
    }
    if (offset + length > file.fileBytes) {
      throw new TensorRTNodeError(
        'ERR_INVALID_MODEL',
        `Expected a file of at least ${offset + length} bytes for the external data "${location}" of ${modelName} but received one of ${file.fileBytes}`,
      );
    }
    file.tensors++;
    file.usedBytes += length;
  }
  return [...files.values()];
}

async function findFile(
  location: string,
  folder: string,
  allowed: readonly string[],
  modelName: string,
): Promise<ExternalFile> {
  const file = path.join(folder, location);
  try {
    const real = await realpath(file);
    if (
      !allowed.some((root) => real.startsWith(root.endsWith(path.sep) ? root : root + path.sep))
    ) {
      throw new TensorRTNodeError(
        'ERR_INVALID_MODEL',
        `Expected a file within the model's folder for the external data "${location}" of ${modelName} but received a link out of it`,
      );
    }
    const info = await stat(real);
    if (!info.isFile()) {
      throw new TensorRTNodeError(
        'ERR_IO',
        `Expected a file for the external data "${location}" of ${modelName} but received ${info.isDirectory() ? 'a folder' : 'something that is no regular file'}`,
      );
    }
    return {
      location,
      path: file,
      fileBytes: info.size,
      usedBytes: 0,
      tensors: 0,
      modifiedMs: info.mtimeMs,
    };
  } catch (cause) {
    throw cause instanceof TensorRTNodeError ? cause : ioError(file, cause);
  }
}
