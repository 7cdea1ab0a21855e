import { createHash, type KeyObject } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { TensorRTNodeError } from '../errors';
import { filesSha256 } from '../files';
import type { PlanHeader } from './plan-file';
import { requireSignature } from './signature';

/** A file of `prefix` and what `source` holds from `start` on, in pieces. */
export async function writeBehind(
  prefix: Buffer,
  source: string,
  start: number,
  target: string,
): Promise<void> {
  await pipeline(
    async function* () {
      yield prefix;
      yield* createReadStream(source, { start, highWaterMark: 1 << 20 });
    },
    createWriteStream(target, { flags: 'wx' }),
  );
}

export function ioError(what: string, cause: unknown): TensorRTNodeError {
  if (cause instanceof TensorRTNodeError) return cause;
  return new TensorRTNodeError('ERR_IO', `${what}: ${(cause as Error).message}`, { cause });
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export async function planSha256(file: string, start: number): Promise<string> {
  return filesSha256([file], start).catch((cause) => {
    throw ioError(`The engine ${file} cannot be read`, cause);
  });
}

export function checkPlan(
  header: PlanHeader,
  sha256: string,
  keys: readonly KeyObject[] | undefined,
  label: string,
): void {
  checkDigest(header, sha256, label);
  if (keys) requireSignature(header, sha256, keys, label);
}

export function checkDigest(header: PlanHeader, sha256: string, label: string): void {
  if (header.facts && header.facts.planSha256 !== sha256) {
    throw new TensorRTNodeError(
      'ERR_ENGINE_DESERIALIZE',
      `Expected the plan in ${label} to have the digest that its metadata states: it is cut short or was changed`,
    );
  }
}
