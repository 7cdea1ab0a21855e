import { open, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { manifestName } from '../engine/manifest-name';
import { isPlan } from '../engine/plan-version';
import { TensorRTNodeError } from '../errors';
import { invalidArgument } from '../validate';

/** A path, a `file:` URL, or the bytes of a model. */
export type ModelSource = string | URL | Uint8Array | ArrayBuffer;

/** A model that exists, is not empty, and is of a known kind; its content is not checked yet. */
export interface ModelInput {
  /** `manifest`: a file, or its folder, that `buildMatrix` wrote. */
  readonly kind: 'onnx' | 'engine' | 'manifest';
  /** Set when the model is a file. */
  readonly path?: string;
  /** Set when the model was given as bytes. */
  readonly bytes?: Uint8Array;
  /** How messages call it. */
  readonly label: string;
}

/** Protocol buffers, and so ONNX files, end at 2 GiB; larger models keep their weights in files beside. */
const maxOnnxBytes = 2 ** 31 - 1;
const engineExtensions = ['.engine', '.plan', '.trt'];

/**
 * Looks at a model without reading all of it.
 * @throws ERR_INVALID_ARGUMENT, ERR_IO when it cannot be read, ERR_INVALID_MODEL when it is a directory,
 * empty or too large
 */
export async function openModel(model: ModelSource): Promise<ModelInput> {
  if (model instanceof URL && model.protocol === 'file:') return openFile(fileURLToPath(model));
  if (typeof model === 'string' && model.length > 0) return openFile(path.resolve(model));
  const bytes = bytesOf(model);
  if (bytes === undefined) {
    throw invalidArgument('model', 'a path, a file: URL, a Uint8Array or an ArrayBuffer', model);
  }
  const label = `a model of ${bytes.length} bytes`;
  requireSize(bytes.length, label, isEngine(bytes));
  return { kind: isEngine(bytes) ? 'engine' : 'onnx', bytes, label };
}

function bytesOf(model: unknown): Uint8Array | undefined {
  const tag = Object.prototype.toString.call(model);
  if (tag === '[object ArrayBuffer]') return new Uint8Array(model as ArrayBuffer);
  return tag === '[object Uint8Array]' ? (model as Uint8Array) : undefined;
}

async function openFile(file: string): Promise<ModelInput> {
  let handle: Awaited<ReturnType<typeof open>> | undefined;
  try {
    // Asked before opening: to open a named pipe would wait for a writer for ever.
    const stats = await stat(file);
    if (stats.isDirectory() && (await isFile(path.join(file, manifestName))))
      return { kind: 'manifest', path: file, label: file };
    if (!stats.isFile()) {
      throw new TensorRTNodeError(
        'ERR_INVALID_MODEL',
        `Expected a model file but ${file} is ${stats.isDirectory() ? 'a directory' : 'no regular file'}`,
      );
    }
    handle = await open(file, 'r');
    const head = new Uint8Array(64);
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    if (path.extname(file) === '.json' && head[0] === 0x7b /* { */)
      return { kind: 'manifest', path: file, label: file };
    const engine =
      engineExtensions.includes(path.extname(file).toLowerCase()) ||
      isEngine(head.subarray(0, bytesRead));
    requireSize(stats.size, file, engine);
    return { kind: engine ? 'engine' : 'onnx', path: file, label: file };
  } catch (cause) {
    if (cause instanceof TensorRTNodeError) throw cause;
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new TensorRTNodeError(
      'ERR_IO',
      code === 'ENOENT'
        ? `Expected a model file but ${file} does not exist`
        : `The model ${file} cannot be read: ${message}`,
      { cause },
    );
  } finally {
    await handle?.close();
  }
}

async function isFile(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
}

function requireSize(size: number, label: string, engine: boolean): void {
  if (size === 0) {
    throw new TensorRTNodeError('ERR_INVALID_MODEL', `Expected a model but ${label} is empty`);
  }
  if (!engine && size > maxOnnxBytes) {
    throw new TensorRTNodeError(
      'ERR_INVALID_MODEL',
      `Expected an ONNX model of at most 2 GiB but ${label} has ${size} bytes; ` +
        'save the weights of larger models as external data',
    );
  }
}

/** TensorRT plans, plain or behind the length and JSON metadata that Ultralytics writes. */
function isEngine(head: Uint8Array): boolean {
  if (head.length < 8) return false;
  if (isPlan(head)) return true;
  const length = new DataView(head.buffer, head.byteOffset).getUint32(0, true);
  return length > 1 && length < 2 ** 24 && head[4] === 0x7b && head[5] === 0x22; // {"
}
