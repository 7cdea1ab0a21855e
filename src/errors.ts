/**
 * Every error that this package throws on purpose: one table of codes, one class.
 *
 * `status` is the HTTP status that a server built on this package should answer with.
 */
export const errorTable = {
  ERR_INVALID_ARGUMENT: {
    status: 400,
    when: 'A value given by the caller is of the wrong kind or out of range.',
  },
  ERR_SHAPE_MISMATCH: {
    status: 400,
    when: 'A fed tensor does not fit the shape, dtype or profile that the model declares.',
  },
  ERR_INVALID_MODEL: {
    status: 422,
    when: 'The model file is empty, truncated, corrupt, too large or not ONNX.',
  },
  ERR_UNSUPPORTED_MODEL: {
    status: 422,
    when: 'The model is valid but uses an operator or an output layout that is not supported.',
  },
  ERR_INVALID_IMAGE: {
    status: 422,
    when: 'The picture is empty, corrupt, too large or of an unknown format.',
  },
  ERR_IMAGE_CODEC_UNAVAILABLE: {
    status: 503,
    when: 'The package sharp, which decodes and encodes pictures, could not be loaded.',
  },
  ERR_IO: { status: 500, when: 'A file or folder could not be read or written.' },
  ERR_ADDON_NOT_FOUND: {
    status: 500,
    when: 'No native binary of this package was found for this platform.',
  },
  ERR_ADDON_LOAD: { status: 500, when: 'The native binary was found and could not be loaded.' },
  ERR_CPU_BACKEND_UNAVAILABLE: {
    status: 503,
    when: 'The library that runs models on the CPU, ONNX Runtime or OpenVINO, was not found or is too old.',
  },
  ERR_TENSORRT_UNAVAILABLE: {
    status: 503,
    when: 'No usable TensorRT library was found, or this build has no support for its flavour.',
  },
  ERR_TENSORRT_VERSION: {
    status: 503,
    when: 'A TensorRT library was found whose version cannot be used safely.',
  },
  ERR_NO_DEVICE: { status: 503, when: 'There is no CUDA driver or no CUDA device.' },
  ERR_NOT_IMPLEMENTED: {
    status: 501,
    when: 'This version of the package does not have the requested capability yet.',
  },
  ERR_ENGINE_BUILD: {
    status: 422,
    when: 'TensorRT refused to parse the model or to build the engine; its own log is attached.',
  },
  ERR_BUILD_CRASHED: {
    status: 500,
    when: 'The build process ended by itself (crash, exit, kill); the calling process is unharmed.',
  },
  ERR_BUILD_MEMORY: {
    status: 503,
    when: 'The build process took more memory than its limit, or the kernel ended it for lack of memory; the calling process is unharmed.',
  },
  ERR_TIMING_CACHE: {
    status: 422,
    when: 'A timing cache is corrupt, or was made by another TensorRT version or on another device.',
  },
  ERR_ENGINE_DESERIALIZE: {
    status: 422,
    when: 'An engine file is corrupt, cut short, or was changed after it was written.',
  },
  ERR_ENGINE_SIGNATURE: {
    status: 422,
    when: 'An engine that has to be signed has no signature, or one of another key or content.',
  },
  ERR_ENGINE_INCOMPATIBLE: {
    status: 422,
    when: 'An engine cannot run on this machine: flavour, version, GPU, platform, driver or plug-in.',
  },
  ERR_CUDA: { status: 500, when: 'A CUDA call failed.' },
  ERR_OUT_OF_MEMORY: { status: 503, when: 'Host or device memory ran out.' },
  ERR_INFERENCE: { status: 500, when: 'The backend failed while running the model.' },
  ERR_DISPOSED: { status: 409, when: 'An object was used after it was disposed.' },
  ERR_QUEUE_FULL: { status: 429, when: 'A bounded queue is full.' },
  ERR_DEADLINE: { status: 504, when: 'The time limit passed before the work was done.' },
  ERR_INTERNAL: { status: 500, when: 'A fault of this package: please report it.' },
} as const;

export type ErrorCode = keyof typeof errorTable;

const brand = Symbol.for('tensorrt-node.error');

/** Base and only class of this package's errors. `instanceof` holds across two copies of the package. */
export class TensorRTNodeError extends Error {
  readonly code: ErrorCode;
  /** More lines about the failure: library log, paths tried, parser errors. Empty when there is nothing to add. */
  readonly details: readonly string[];
  /** HTTP status that suits this failure. */
  readonly status: number;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: readonly string[] } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = 'TensorRTNodeError';
    this.code = code;
    this.details = options.details ?? [];
    this.status = errorTable[code].status;
    Object.defineProperty(this, brand, { value: true });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    try {
      return (
        typeof value === 'object' &&
        value !== null &&
        (value as Record<symbol, unknown>)[brand] === true
      );
    } catch {
      // Anything can be thrown, a proxy too.
      return false;
    }
  }
}

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorTable, code);
}

/**
 * Turns what the addon threw or rejected with into a {@link TensorRTNodeError}.
 *
 * Native errors carry `code` and `details`. `site` is an error made before the asynchronous call: its
 * stack replaces the native one, which is empty, so that failures point at the caller's line.
 */
export function fromNative(thrown: unknown, site?: Error): TensorRTNodeError {
  if (thrown instanceof TensorRTNodeError) return thrown;
  const raw = thrown as { code?: unknown; message?: unknown; details?: unknown };
  const code = isErrorCode(raw?.code) ? raw.code : 'ERR_INTERNAL';
  const details = Array.isArray(raw?.details) ? raw.details.map(String) : [];
  const error = new TensorRTNodeError(code, String(raw?.message ?? thrown), {
    cause: thrown,
    details,
  });
  if (site?.stack) {
    const frames = site.stack.split('\n').slice(1).join('\n');
    error.stack = `${error.name}: ${error.message}\n${frames}`;
  }
  return error;
}
