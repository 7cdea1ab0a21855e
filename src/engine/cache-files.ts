import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

/** SHA-256 of a file in hexadecimal, read in pieces so that a large plan never lies in memory whole. */
export async function fileSha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) hash.update(chunk);
  return hash.digest('hex');
}

/** Makes a file's content, or a folder's entries, survive a power cut. */
export async function sync(target: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(target, 'r');
    await handle.sync();
  } finally {
    await handle?.close();
  }
}

/** Moves a finished temporary file to its name: synced before, its folder after. */
export async function publish(temporary: string, target: string): Promise<void> {
  await sync(temporary);
  await rename(temporary, target);
  await sync(path.dirname(target));
}

/** Writes a small file so that readers see the old content or the new one, never a part. */
export async function writeFileAtomically(target: string, content: string): Promise<void> {
  const temporary = `${target}.partial-${process.pid}-${Math.random().toString(36).slice(2)}`;
  let handle: FileHandle | undefined;
  try {
    handle = await open(temporary, 'wx');
    await handle.writeFile(content);
    await handle.close();
    handle = undefined;
    await publish(temporary, target);
  } catch (error) {
    await handle?.close();
    await rm(temporary, { force: true });
    throw error;
  }
}

/** JSON with the keys of every object sorted, so that equal values give equal text. `undefined` is left out. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value))
    return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value === 'bigint') return `"${value}n"`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}
