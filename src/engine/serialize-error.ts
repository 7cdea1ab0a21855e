import { fromNative } from '../errors';
import type { SerializedError } from './build-protocol';

/** What a worker threw, for its parent; errors of the system's calls become ERR_IO. */
export function serializeError(thrown: unknown): SerializedError {
  const { syscall, message: text } = thrown as NodeJS.ErrnoException;
  const known = syscall === undefined ? thrown : { code: 'ERR_IO', message: text };
  const { code, message, details } = fromNative(known);
  return { code, message, details };
}
