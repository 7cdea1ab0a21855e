import { existsSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { TensorRTNodeError } from '../errors';

/** Names that sharp's own binaries decode; other files of a folder are passed over. */
const imageExtensions = /\.(jpe?g|png|webp|gif|tiff?|avif)$/i;

/**
 * Replaces folders by the pictures in them and patterns by the pictures that fit, each in the order of
 * their names. `*` and `?` stand for characters of one name, `**` for any folders. A file whose name only
 * looks like a pattern is that file.
 * @throws ERR_INVALID_ARGUMENT when a folder or pattern has no pictures
 */
export async function expandImages(inputs: readonly string[]): Promise<string[]> {
  const images: string[] = [];
  for (const input of inputs) {
    const exists = existsSync(input);
    if (exists ? !statSync(input).isDirectory() : !/[*?]/.test(input)) {
      images.push(input);
      continue;
    }
    const found = exists ? await picturesIn(input) : await picturesLike(input);
    if (found.length === 0) {
      throw new TensorRTNodeError(
        'ERR_INVALID_ARGUMENT',
        `Expected pictures ${exists ? 'in' : 'that fit'} ${input} but there are none`,
      );
    }
    images.push(...found);
  }
  return images;
}

async function picturesIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder))
    .filter((name) => imageExtensions.test(name) && !name.startsWith('.'))
    .sort();
  return names.map((name) => path.join(folder, name));
}

async function picturesLike(pattern: string): Promise<string[]> {
  const parts = pattern.split('/').filter((part, at) => part !== '' || at === 0);
  const found = new Set<string>();
  await walk(parts[0] === '' ? '/' : '', parts[0] === '' ? parts.slice(1) : parts, found);
  return [...found].filter((file) => imageExtensions.test(file)).sort();
}

/** Collects the files under `folder` that fit the remaining parts of a pattern. Links to folders are not entered by `**`, which could not end. */
async function walk(
  folder: string,
  [part, ...rest]: readonly string[],
  found: Set<string>,
): Promise<void> {
  if (part === undefined) return;
  // A folder that cannot be read has nothing to offer.
  const entries = await readdir(folder || '.', { withFileTypes: true }).catch(() => []);
  if (part === '**') await walk(folder, rest.length > 0 ? rest : ['*'], found);
  for (const entry of entries) {
    const target = folder === '' ? entry.name : path.join(folder, entry.name);
    if (part === '**') {
      if (entry.isDirectory() && !entry.name.startsWith('.')) {
        await walk(target, [part, ...rest], found);
      }
    } else if (fits(entry.name, part)) {
      if (rest.length > 0) await walk(target, rest, found);
      else if (!entry.isDirectory()) found.add(target);
    }
  }
  // "." and ".." are no entries.
  if (part === '.' || part === '..') await walk(path.join(folder, part), rest, found);
}

/** Hidden names must be asked for by their dot. */
function fits(name: string, part: string): boolean {
  if (name.startsWith('.') && !part.startsWith('.')) return false;
  const source = part
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(name);
}
