// Downloads through the registries' ordinary clients, so that mirrors, proxies and credentials that are set up
// for cargo and pip hold here too.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../prepare/process.mjs';
import { sha256 } from '../files.mjs';
import { ChecksumError, PartUnavailable } from './problems.mjs';

const tries = 3;

/**
 * A verified archive on this machine: from the folder `TENSORRT_NODE_CACHE` when it holds it, else downloaded
 * (and kept there when the variable is set).
 *
 * @param {import('./parts.mjs').Archive} archive
 * @param {string} folder for what is downloaded; the caller removes it
 * @returns {Promise<string>}
 * @throws PartUnavailable, ChecksumError
 */
export async function fetchArchive(archive, folder) {
  const what = `${archive.name} ${archive.version}`;
  if (archive.sha256 === undefined) {
    throw new PartUnavailable(
      `There is no ${what} for ${process.arch} processors.`,
      'Install TensorRT from NVIDIA and name its folder by TENSORRT_ROOT.',
    );
  }
  const cache = process.env.TENSORRT_NODE_CACHE;
  const extension = archive.kind === 'crate' ? 'crate' : 'whl';
  const cached =
    cache && path.join(cache, `${archive.name}-${archive.version}-${process.arch}.${extension}`);
  if (cached && existsSync(cached) && (await sha256(cached)) === archive.sha256) return cached;

  const file = await retry(() =>
    (archive.kind === 'crate' ? fetchCrate : fetchWheel)(archive, folder),
  );
  const digest = await sha256(file);
  if (digest !== archive.sha256) {
    // cargo takes what lies in its cache without looking at it again.
    const isKept = path.relative(folder, file).startsWith('..');
    throw new ChecksumError(what, archive.sha256, digest, isKept ? file : undefined);
  }
  if (cached) keep(file, cached);
  return file;
}

/** Unpacks `paths` of an archive into `folder` and returns the folder that they are relative to. */
export async function unpack(archive, file, paths, folder) {
  mkdirSync(folder, { recursive: true });
  if (archive.kind === 'wheel') {
    await run(await findPython(), ['-m', 'zipfile', '-e', file, folder]);
    return folder;
  }
  // A crate holds one folder, <name>-<version> with the version's build suffix.
  const { output } = await run('tar', ['-tzf', file]);
  const root = output.slice(0, output.indexOf('/'));
  await run('tar', ['-xzf', file, '-C', folder, ...paths.map((name) => `${root}/${name}`)]);
  return path.join(folder, root);
}

async function retry(download) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await download();
    } catch (error) {
      if (attempt === tries || !error.output) throw error;
      await sleep(1000 * attempt);
    }
  }
}

/** `cargo info` downloads the one crate; `cargo fetch`, for cargo before 1.82, its dependencies too. */
async function fetchCrate({ name, version }, folder) {
  const cargoHome = process.env.CARGO_HOME ?? path.join(os.homedir(), '.cargo');
  const known = findCrate(cargoHome, name, version);
  if (known) return known;
  if (!(await starts('cargo'))) {
    throw new PartUnavailable(
      'The program "cargo" is missing; TensorRT\'s headers come from the Rust registry by it.',
      'Install it ("apt-get install cargo", "dnf install cargo" or rustup) or name a TensorRT installation by TENSORRT_ROOT, then run "npm run setup" again.',
    );
  }
  const project = path.join(folder, 'cargo');
  mkdirSync(project, { recursive: true });
  const first = await run('cargo', ['info', '--quiet', `${name}@${version}`], {
    cwd: project,
    allowFailure: true,
  });
  const fetched = findCrate(cargoHome, name, version);
  if (fetched) return fetched;
  writeFileSync(path.join(project, 'lib.rs'), '');
  writeFileSync(
    path.join(project, 'Cargo.toml'),
    `[package]\nname = "headers"\nversion = "0.0.0"\nedition = "2021"\n[lib]\npath = "lib.rs"\n[dependencies]\n${name} = "=${version}"\n[workspace]\n`,
  );
  const second = await run('cargo', ['fetch', '--quiet'], { cwd: project, allowFailure: true });
  const vendored = findCrate(cargoHome, name, version);
  if (vendored) return vendored;
  throw new PartUnavailable(
    `cargo could not download ${name} ${version}.`,
    'Check the network and the proxy, then run "npm run setup" again.',
    `${first.output}\n${second.output}`.trim(),
  );
}

/** The archive in cargo's cache; a version's build suffix (0.9.1+rtx1.7) is part of its name. */
function findCrate(cargoHome, name, version) {
  const caches = path.join(cargoHome, 'registry', 'cache');
  if (!existsSync(caches)) return undefined;
  for (const registry of readdirSync(caches)) {
    const found = readdirSync(path.join(caches, registry)).find(
      (file) =>
        file === `${name}-${version}.crate` ||
        (file.startsWith(`${name}-${version}+`) && file.endsWith('.crate')),
    );
    if (found) return path.join(caches, registry, found);
  }
  return undefined;
}

async function fetchWheel({ name, version, sha256: digest, tags }, folder) {
  const python = await findPython(['-m', 'pip', '--version']);
  const wheels = path.join(folder, 'wheels');
  mkdirSync(wheels, { recursive: true });
  const requirements = path.join(folder, 'requirements.txt');
  writeFileSync(requirements, `${name}==${version} --hash=sha256:${digest}\n`);
  const { output } = await run(
    python,
    // biome-ignore format: one argument list
    ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary', ':all:', '--require-hashes', '--dest', wheels, '--requirement', requirements, ...tagArguments(tags)],
    { allowFailure: true },
  );
  const file = readdirSync(wheels).find((entry) => entry.endsWith('.whl'));
  if (file) return path.join(wheels, file);
  if (/DO NOT MATCH THE HASHES/i.test(output)) {
    throw new ChecksumError(
      `${name} ${version}`,
      digest,
      output.match(/Got\s+(\w+)/)?.[1] ?? 'another',
    );
  }
  throw new PartUnavailable(
    `pip could not download ${name} ${version}.`,
    'It needs the network, a glibc system (no Alpine) and pip 20.3 or later ("pip install --upgrade pip"); then run "npm run setup" again.',
    output.trim(),
  );
}

/** Asks pip for a wheel of another Python than the one that runs it. */
function tagArguments(tags) {
  if (tags === undefined) return [];
  const abi = `cp${tags.python.replace('.', '')}`;
  const platforms = tags.platforms.flatMap((platform) => ['--platform', platform]);
  return ['--implementation', 'cp', '--python-version', tags.python, '--abi', abi, ...platforms];
}

/** @param {string[]} [args] what it must be able to do */
async function findPython(args = ['--version']) {
  for (const python of ['python3', 'python']) {
    if (await starts(python, args)) return python;
  }
  const what = args.includes('pip') ? 'Python with pip' : 'Python';
  throw new PartUnavailable(
    `${what} is missing; TensorRT's libraries come from PyPI by it.`,
    'Install it ("apt-get install python3-pip" or "dnf install python3-pip"), then run "npm run setup" again.',
  );
}

async function starts(command, args = ['--version']) {
  try {
    return (await run(command, args, { allowFailure: true })).code === 0;
  } catch {
    return false;
  }
}

function keep(file, cached) {
  mkdirSync(path.dirname(cached), { recursive: true });
  const temporary = `${cached}.${process.pid}.tmp`;
  copyFileSync(file, temporary);
  renameSync(temporary, cached);
}
