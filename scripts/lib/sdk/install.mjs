import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import path from 'node:path';
import { listFiles, replaceFolder, sha256 } from '../files.mjs';
import { fetchArchive, unpack } from './archives.mjs';
import { findOnSystem, isInstalled, recordPart } from './installed.mjs';
import { fetchEntries } from './jar.mjs';
import { PartUnavailable } from './problems.mjs';

/**
 * @typedef {object} Outcome
 * @property {'present' | 'system' | 'left-out' | 'fetched' | 'missing'} state
 * @property {string} [where] folder, when it is there
 * @property {string} [reason] why it is left out or missing
 * @property {string} [remedy]
 */

/**
 * What stands of one part, without fetching it; undefined when it has to be fetched.
 *
 * @param {string} sdk the folder .sdk/
 * @param {import('./parts.mjs').Part} part
 * @param {{ deep?: boolean, skipProprietary?: boolean }} options `deep` compares digests, else sizes
 * @returns {Promise<Outcome | undefined>}
 */
export async function lookUp(sdk, part, { deep = false, skipProprietary = false } = {}) {
  if (await isInstalled(sdk, part, deep))
    return { state: 'present', where: path.join(sdk, part.target) };
  const where = findOnSystem(part);
  if (where) return { state: 'system', where };
  if (part.proprietary && skipProprietary)
    return { state: 'left-out', reason: 'TENSORRT_NODE_SKIP_NVIDIA is set' };
  return undefined;
}

/**
 * Fetches one part. It appears under its name when it is whole, and in the manifest after that, so a set-up
 * that is ended anywhere goes on from the last whole part.
 *
 * @returns {Promise<Outcome>}
 * @throws ChecksumError
 */
export async function fetchPart(sdk, part) {
  const staging = path.join(sdk, 'staging', `${process.pid}-${part.id}`);
  try {
    const root = await fetchContents(part, staging);
    const ready = path.join(staging, 'ready');
    for (const { from, to } of part.contents) {
      const source = path.join(root, from);
      if (!existsSync(source))
        throw new Error(`Expected ${from} in ${part.archive.name} but found none`);
      const target = path.join(ready, to);
      mkdirSync(path.dirname(target), { recursive: true });
      renameSync(source, target);
    }
    const files = {};
    for (const name of listFiles(ready)) {
      const file = path.join(ready, name);
      files[name] = { bytes: statSync(file).size, sha256: await sha256(file) };
    }
    replaceFolder(ready, path.join(sdk, part.target));
    recordPart(sdk, part, files);
    return { state: 'fetched', where: path.join(sdk, part.target) };
  } catch (error) {
    if (!(error instanceof PartUnavailable)) throw error;
    const output = error.output.split('\n').filter(Boolean).slice(-5).join('\n');
    return {
      state: 'missing',
      reason: output ? `${error.message}\n${output}` : error.message,
      remedy: error.remedy,
    };
  } finally {
    rmSync(staging, { recursive: true, force: true });
    removeIfEmpty(path.dirname(staging));
  }
}

/** @returns {Promise<string>} the folder that the part's contents are relative to */
async function fetchContents({ archive, contents }, staging) {
  if (archive.kind === 'jar') return fetchEntries(archive, path.join(staging, 'download'));
  const file = await fetchArchive(archive, path.join(staging, 'download'));
  const paths = contents.map(({ from }) => from);
  return unpack(archive, file, paths, path.join(staging, 'unpacked'));
}

function removeIfEmpty(folder) {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(error.code)) throw error;
  }
}

/** Removes what set-ups that were killed have left; those that still run keep theirs. */
export function sweepStaging(sdk) {
  const folder = path.join(sdk, 'staging');
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder)) {
    const pid = Number.parseInt(entry, 10);
    if (!isAlive(pid)) rmSync(path.join(folder, entry), { recursive: true, force: true });
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
