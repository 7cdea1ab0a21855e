import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TensorRTNodeError } from '../errors';
import { replaceFile } from '../files';
import { native } from '../native/binding';
import { type Flavor, flavors } from '../native/trt-contract';
import { ioError, sha256Of } from './plan-content';

/**
 * Timing cache files: eight bytes of magic, a 4-byte little-endian length, that many bytes of JSON, then
 * TensorRT's own bytes. What does not begin with the magic counts as a plain cache, such as trtexec writes.
 */
const magic = Buffer.from('tnodetc1', 'latin1');
const maxJsonBytes = 1 << 20;
/** Caches of whole model zoos take some ten megabytes. */
const maxFileBytes = 2 ** 30;

export interface TimingCacheFacts {
  format: 1;
  flavor: Flavor;
  /** Version of the TensorRT library that made it; no other version takes it. */
  tensorrtVersion: string;
  /** The GPU that it was measured on, where that was known. */
  device?: string;
  updatedAt: string;
  /** SHA-256 of TensorRT's bytes. */
  sha256: string;
}

export interface TimingCacheContent {
  /** Undefined for a plain cache. */
  facts: TimingCacheFacts | undefined;
  /** TensorRT's own bytes. */
  bytes: Buffer;
}

export function encodeTimingCache(
  bytes: Uint8Array,
  facts: Omit<TimingCacheFacts, 'format' | 'sha256' | 'updatedAt'>,
): Buffer {
  const full: TimingCacheFacts = {
    format: 1,
    ...facts,
    updatedAt: new Date().toISOString(),
    sha256: sha256Of(bytes),
  };
  const json = Buffer.from(JSON.stringify(full));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return Buffer.concat([magic, length, json, bytes]);
}

/** @throws ERR_TIMING_CACHE when it is empty, cut short or was changed */
export function parseTimingCache(content: Buffer, label: string): TimingCacheContent {
  const corrupt = (why: string): TensorRTNodeError =>
    new TensorRTNodeError('ERR_TIMING_CACHE', `Expected a timing cache in ${label} but ${why}`);
  if (content.length === 0) throw corrupt('it is empty');
  if (!content.subarray(0, magic.length).equals(magic)) return { facts: undefined, bytes: content };
  const start = magic.length + 4;
  if (content.length < start) throw corrupt('it is cut short');
  const length = content.readUInt32LE(magic.length);
  if (length > maxJsonBytes || content.length <= start + length) throw corrupt('it is cut short');
  let value: unknown;
  try {
    value = JSON.parse(content.toString('utf8', start, start + length));
  } catch {
    throw corrupt('its description is no JSON');
  }
  const facts = value as Partial<TimingCacheFacts> | null;
  if (
    typeof facts !== 'object' ||
    facts === null ||
    facts.format !== 1 ||
    !flavors.includes(facts.flavor as Flavor) ||
    typeof facts.tensorrtVersion !== 'string' ||
    typeof facts.updatedAt !== 'string' ||
    (facts.device !== undefined && typeof facts.device !== 'string')
  )
    throw corrupt('its description is not one that this version knows');
  const bytes = content.subarray(start + length);
  if (facts.sha256 !== sha256Of(bytes))
    throw corrupt('its content does not have the digest that it states: it was changed');
  return { facts: facts as TimingCacheFacts, bytes };
}

/** @throws ERR_IO, and as {@link parseTimingCache} */
export async function readTimingCache(file: string): Promise<TimingCacheContent> {
  return parseTimingCache(await readBounded(file), file);
}

async function readBounded(file: string): Promise<Buffer> {
  try {
    const { size } = await stat(file);
    if (size <= maxFileBytes) return await readFile(file);
  } catch (cause) {
    throw ioError(`The timing cache ${file} cannot be read`, cause);
  }
  throw new TensorRTNodeError(
    'ERR_TIMING_CACHE',
    `Expected a timing cache of at most ${maxFileBytes} bytes in ${file} but it is larger`,
  );
}

/**
 * Writes a cache in one step. What others have written to the file meanwhile is combined with it first, under a
 * lock that dies with its process, so that builds which end at the same time lose nothing.
 *
 * @param combine joins two caches; entries of the first win
 * @throws ERR_IO, what `combine` throws, and as {@link parseTimingCache} for what lies in the file
 */
export async function saveTimingCache(
  file: string,
  mine: Uint8Array,
  facts: Parameters<typeof encodeTimingCache>[1],
  combine: (theirs: TimingCacheContent) => Promise<Uint8Array>,
): Promise<{ merged: boolean; byteLength: number }> {
  const target = path.resolve(file);
  const unlock = await lock(`${target}.lock`);
  try {
    await removeUnfinished(target);
    const theirs = await readTimingCache(target).catch((error) => {
      if ((error.cause as NodeJS.ErrnoException)?.code === 'ENOENT') return undefined;
      throw error;
    });
    const merged = theirs !== undefined && !theirs.bytes.equals(mine);
    const content = encodeTimingCache(merged ? await combine(theirs) : mine, facts);
    await replaceFile(target, (temporary) => writeFile(temporary, content, { flag: 'wx' })).catch(
      (cause) => {
        throw ioError(`The timing cache ${target} cannot be written`, cause);
      },
    );
    return { merged, byteLength: content.length };
  } finally {
    unlock();
  }
}

async function lock(file: string): Promise<() => void> {
  await mkdir(path.dirname(file), { recursive: true });
  for (let waitMs = 5; ; waitMs = Math.min(waitMs * 2, 100)) {
    const handle = native().fileTryLock(file);
    if (handle) return () => native().fileUnlock(handle, true);
    await sleep(waitMs);
  }
}

/** What a writer that was killed has left; the lock says that none is at work. */
async function removeUnfinished(target: string): Promise<void> {
  const prefix = `${path.basename(target)}.partial-`;
  for (const name of await readdir(path.dirname(target))) {
    if (name.startsWith(prefix)) await rm(path.join(path.dirname(target), name), { force: true });
  }
}
