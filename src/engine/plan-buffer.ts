import { createHash } from 'node:crypto';
import { native } from '../native/binding';
import type { BufferHandle } from '../native/contract';

/** SHA-256 of native memory in hexadecimal; it crosses to JS in pieces. */
export function bufferSha256(buffer: BufferHandle, byteLength: number): string {
  const hash = createHash('sha256');
  const chunk = 1 << 20;
  for (let at = 0; at < byteLength; at += chunk) {
    const part = native().bufferRead(buffer, at, Math.min(chunk, byteLength - at));
    hash.update(new Uint8Array(part));
  }
  return hash.digest('hex');
}
