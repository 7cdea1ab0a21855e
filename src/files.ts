import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

/**
 * SHA-256 of files, one after the other, in hexadecimal; the first from byte `start` on. They are read in
 * pieces, so that a large plan never lies in memory whole.
 */
export async function filesSha256(files: readonly string[], start = 0): Promise<string> {
  const hash = createHash('sha256');
  // One buffer for all: a stream would leave one for each piece to the garbage collector.
  const buffer = Buffer.allocUnsafe(1 << 20);
  for (const [index, file] of files.entries()) {
    const from = index === 0 ? start : 0;
    const handle = await open(file, 'r');
    try {
      for (let at = from; ; ) {
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
        if (bytesRead === 0) break;
        hash.update(buffer.subarray(0, bytesRead));
        at += bytesRead;
      }
    } finally {
      await handle.close();
    }
  }
  return hash.digest('hex');
}

/** Makes a file's content, or a folder's entries, survive a power cut. */
async function sync(target: string): Promise<void> {
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

/** A name beside `target` for what is not finished yet, of this process and this call alone. */
export function temporaryNameOf(target: string): string {
  return `${target}.partial-${process.pid}-${randomBytes(4).toString('hex')}`;
}

/**
 * Puts a file in place so that readers see the old content or the new one, never a part, and nothing is left
 * when it fails.
 * @param fill writes the content to the given path
 */
export async function replaceFile(
  target: string,
  fill: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = temporaryNameOf(target);
  try {
    await fill(temporary);
    await publish(temporary, target);
  } catch (error) {
    // Where not even this works the first error says why.
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}
