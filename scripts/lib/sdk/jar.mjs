// Single entries of a jar on Maven Central. A jar is a zip file, and versions there never change: the place of
// each entry is pinned, so that one range of bytes is downloaded in place of the whole archive.
import {
  appendFileSync,
  closeSync,
  copyFileSync,
  createReadStream,
  createWriteStream,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
} from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { createInflateRaw } from 'node:zlib';
import { formatBytes } from '../console.mjs';
import { sha256 } from '../files.mjs';
import { ChecksumError, PartUnavailable } from './problems.mjs';

const mavenCentral = 'https://repo1.maven.org/maven2';
const tries = 4;
const stallMs = 60_000;

/**
 * @typedef {object} Entry one file of a jar
 * @property {string} from its path inside
 * @property {number} first offset of its local header in the jar
 * @property {number} packedBytes local header and compressed data
 * @property {number} bytes of the file
 * @property {string} sha256 of the file
 */

/**
 * Unpacks a jar's entries under `folder`. What was downloaded comes from the folder `TENSORRT_NODE_CACHE` when
 * it holds it, and is kept there when the variable is set.
 *
 * @param {import('./parts.mjs').Archive} archive
 * @param {string} folder for what is downloaded and unpacked; the caller removes it
 * @returns {Promise<string>} the folder that the entries' paths are relative to
 * @throws PartUnavailable, ChecksumError
 */
export async function fetchEntries(archive, folder) {
  if (archive.entries === undefined) {
    throw new PartUnavailable(
      `There is no ${archive.name} ${archive.version} for ${process.arch} processors.`,
      'The tests that need it count as skipped.',
    );
  }
  mkdirSync(folder, { recursive: true });
  requireSpace(archive, folder);
  const root = path.join(folder, 'entries');
  for (const entry of archive.entries) await fetchEntry(archive, entry, folder, root);
  return root;
}

async function fetchEntry(archive, entry, folder, root) {
  const name = path.basename(entry.from);
  const target = path.join(root, entry.from);
  mkdirSync(path.dirname(target), { recursive: true });
  const cache = process.env.TENSORRT_NODE_CACHE;
  const cached = cache && path.join(cache, `tensorrt-${archive.version}-${name}.zip-entry`);
  if (cached && existsSync(cached) && (await unpackEntry(cached, entry, target))) return;
  const packed = path.join(folder, `${name}.zip-entry`);
  await download(urlOf(archive), entry, packed);
  if (!(await unpackEntry(packed, entry, target))) {
    const digest = existsSync(target) ? await sha256(target) : 'what is no entry of a zip file';
    throw new ChecksumError(`${name} of ${archive.name} ${archive.version}`, entry.sha256, digest);
  }
  if (cached) {
    mkdirSync(cache, { recursive: true });
    copyFileSync(packed, `${cached}.${process.pid}.tmp`);
    renameSync(`${cached}.${process.pid}.tmp`, cached);
  }
  rmSync(packed);
}

function urlOf({ name, version, classifier }) {
  const repository = process.env.TENSORRT_NODE_MAVEN_URL ?? mavenCentral;
  const [group, artifact] = name.split(':');
  const folder = `${repository}/${group.replaceAll('.', '/')}/${artifact}/${version}`;
  return `${folder}/${artifact}-${version}-${classifier}.jar`;
}

/** @returns {Promise<boolean>} whether `target` is now the very file that was pinned */
async function unpackEntry(packed, entry, target) {
  const start = dataOffset(packed);
  if (start === undefined) return false;
  try {
    await pipeline(
      createReadStream(packed, { start }),
      createInflateRaw(),
      createWriteStream(target),
    );
  } catch (error) {
    if (!error.code?.startsWith('Z_')) throw error;
    return false;
  }
  return statSync(target).size === entry.bytes && (await sha256(target)) === entry.sha256;
}

/** Where the data begin behind a zip file's local header: 30 bytes, the name, the extra field. */
function dataOffset(file) {
  const header = Buffer.alloc(30);
  const handle = openSync(file, 'r');
  try {
    if (readSync(handle, header, 0, 30, 0) < 30) return undefined;
  } finally {
    closeSync(handle);
  }
  const isDeflated = header.readUInt32LE(0) === 0x04034b50 && header.readUInt16LE(8) === 8;
  return isDeflated ? 30 + header.readUInt16LE(26) + header.readUInt16LE(28) : undefined;
}

/** Goes on where a broken transfer ended. */
async function download(url, { first, packedBytes }, file) {
  rmSync(file, { force: true });
  let failure;
  for (let attempt = 1; attempt <= tries; attempt++) {
    if (attempt > 1) await sleep(1000 * attempt);
    const have = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    try {
      await transfer(url, first + have, first + packedBytes - 1, file);
      if (statSync(file).size === packedBytes) return;
      failure = 'the transfer ended early';
    } catch (error) {
      if (error instanceof PartUnavailable) throw error;
      if (['ENOSPC', 'EDQUOT'].includes(error.code)) throw noSpace(path.dirname(file));
      failure = error.cause?.message ?? error.message;
    }
  }
  throw unavailable(url, failure);
}

const unavailable = (url, why) =>
  new PartUnavailable(
    `${url.split('/').pop()} could not be downloaded: ${why}.`,
    'It needs the network (TENSORRT_NODE_MAVEN_URL names another Maven repository); the tests that need it count as skipped.',
  );

async function transfer(url, first, last, file) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(new Error('the server is silent')), stallMs);
  try {
    const response = await fetch(url, {
      headers: { range: `bytes=${first}-${last}` },
      signal: abort.signal,
    });
    // 200 would be the whole archive.
    if (response.status !== 206) {
      await response.body?.cancel();
      const why = `the server answered ${response.status} to a range of bytes`;
      throw response.status >= 500 ? new Error(why) : unavailable(url, why);
    }
    for await (const chunk of response.body) {
      appendFileSync(file, chunk);
      timer.refresh();
    }
  } finally {
    clearTimeout(timer);
  }
}

function requireSpace({ entries }, folder) {
  const needed = entries.reduce(
    (sum, { bytes, packedBytes }) => sum + bytes + packedBytes,
    2 ** 28,
  );
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < needed) throw noSpace(folder, needed);
}

const noSpace = (folder, needed) =>
  new PartUnavailable(
    `There is too little space on the disk of ${folder}${needed ? `: ${formatBytes(needed)} are needed` : ''}.`,
    'Free some; the tests that need it count as skipped.',
  );
