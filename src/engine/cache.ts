import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TensorRTNodeError } from '../errors';
import { filesSha256, publish, replaceFile } from '../files';
import { log } from '../log';
import { native } from '../native/binding';
import type { LockHandle } from '../native/contract';
import { requireInteger, requireKnownKeys, requireString } from '../validate';
import { canonicalJson } from './canonical-json';

/** All that a plan depends on. Two builds with equal parts may share one plan. */
export interface EngineCacheKey {
  /** SHA-256 of the ONNX file, its external data included. */
  onnxSha256: string;
  flavor: string;
  /** Version of the TensorRT library that builds, e.g. `1.7.1.116`. */
  version: string;
  /** Compute capabilities built for, or the name, capability and driver of the device built on. */
  target: readonly string[];
  /** Every build option that is not at its default. */
  options: Readonly<Record<string, unknown>>;
}

export interface EngineCacheEntry {
  /** SHA-256 over the canonical key: the file's name. */
  id: string;
  path: string;
  key: EngineCacheKey;
  /** Size of the plan file. */
  bytes: number;
  sha256: string;
  createdAt: Date;
  lastUsedAt: Date;
}

export interface EngineCacheOptions {
  /** Default `$TENSORRT_NODE_ENGINE_CACHE`, else `tensorrt-node/engines` in the user's cache folder. */
  directory?: string;
  /** Size that `prune` and every new entry keep the cache under. Default 10 GiB. */
  maxBytes?: number;
}

export interface EngineCacheResult {
  path: string;
  /** True when the plan was there, built before or meanwhile by another process. */
  hit: boolean;
}

interface Sidecar {
  format: 1;
  key: EngineCacheKey;
  bytes: number;
  sha256: string;
  createdAt: string;
}

const defaultMaxBytes = 10 * 2 ** 30;

/**
 * Plans by content: a folder of `<id>.engine` with `<id>.json` beside it, shared by any number of processes.
 *
 * Invariants, under `kill -9` at any point:
 * 1. Whoever writes, replaces or deletes an entry holds the lock `<id>.lock`, which dies with its process.
 * 2. A plan counts only when the sidecar's digest is the plan's; the sidecar is put in place first.
 * 3. Unfinished files are named `<id>.partial-*`; a holder of the lock may delete them, their owner is dead.
 */
export class EngineCache {
  readonly directory: string;
  readonly maxBytes: number;

  constructor(options: EngineCacheOptions = {}) {
    requireKnownKeys('options', options, ['directory', 'maxBytes']);
    this.directory = path.resolve(
      options.directory === undefined
        ? defaultDirectory()
        : requireString('directory', options.directory),
    );
    this.maxBytes =
      options.maxBytes === undefined
        ? defaultMaxBytes
        : requireInteger('maxBytes', options.maxBytes, 0, Number.MAX_SAFE_INTEGER);
  }

  /** The name under which a plan for `key` is kept. */
  static idOf(key: EngineCacheKey): string {
    return createHash('sha256').update(canonicalJson(key)).digest('hex');
  }

  /** The entry for `key`, its digest checked, or undefined. Marks it as used. */
  async lookup(key: EngineCacheKey): Promise<EngineCacheEntry | undefined> {
    const entry = await this.#read(EngineCache.idOf(key));
    if (!entry || (await digestOf(entry.path)) !== entry.sha256) return undefined;
    const now = new Date();
    await utimes(entry.path, now, now).catch(() => {});
    return entry;
  }

  /**
   * The plan for `key`, built by `build` when it is missing. Of all processes that ask at once one builds
   * and the others wait for it; when the builder fails or dies, the next one builds.
   *
   * @param build writes the plan to the given path; its error is passed on and nothing is kept.
   * @throws ERR_IO when the folder cannot be used; the signal's reason when it fires while waiting.
   */
  async getOrBuild(
    key: EngineCacheKey,
    build: (temporaryPath: string) => Promise<void>,
    options: { signal?: AbortSignal } = {},
  ): Promise<EngineCacheResult> {
    const id = EngineCache.idOf(key);
    const known = await this.lookup(key);
    if (known) return { path: known.path, hit: true };
    await this.#makeDirectory();
    const file = path.join(this.directory, `${id}.lock`);
    for (let waitMs = 5; ; waitMs = Math.min(waitMs * 2, 100)) {
      options.signal?.throwIfAborted();
      const lock = native().fileTryLock(file);
      if (lock) return await this.#buildLocked(lock, id, key, build);
      if (waitMs === 5)
        log('info', 'cache', `waiting for the build of ${id.slice(0, 12)} elsewhere`);
      await sleep(waitMs, undefined, options.signal ? { signal: options.signal } : {}).catch(
        () => {},
      );
      // Without the lock: many that waited for one build need not queue for the lock afterwards.
      const finished = await this.lookup(key);
      if (finished) return { path: finished.path, hit: true };
    }
  }

  /** All entries, the most recently used first. Plans without a sidecar and sidecars without a plan are left out. */
  async list(): Promise<EngineCacheEntry[]> {
    const entries: EngineCacheEntry[] = [];
    for (const id of await this.#ids()) {
      const entry = await this.#read(id);
      if (entry) entries.push(entry);
    }
    return entries.sort((a, b) => b.lastUsedAt.getTime() - a.lastUsedAt.getTime());
  }

  /**
   * Deletes left-overs of dead processes and then the least recently used entries until at most `maxBytes`
   * remain. Entries that somebody is building are not touched.
   */
  async prune(
    options: { maxBytes?: number; keep?: string } = {},
  ): Promise<{ removed: string[]; bytes: number }> {
    const limit = options.maxBytes ?? this.maxBytes;
    const entries = await this.list();
    const known = new Set(entries.map((entry) => entry.id));
    for (const id of await this.#ids()) {
      if (!known.has(id) && id !== options.keep) await this.#remove(id);
    }
    let bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    const removed: string[] = [];
    for (const entry of entries.reverse()) {
      if (bytes <= limit) break;
      if (entry.id === options.keep || !(await this.#remove(entry.id))) continue;
      bytes -= entry.bytes;
      removed.push(entry.id);
    }
    return { removed, bytes };
  }

  /** Checks every digest; with `remove`, deletes the entries that fail. */
  async verify(options: { remove?: boolean } = {}): Promise<{ good: string[]; bad: string[] }> {
    const good: string[] = [];
    const bad: string[] = [];
    for (const entry of await this.list()) {
      if ((await digestOf(entry.path)) === entry.sha256) good.push(entry.id);
      else bad.push(entry.id);
    }
    if (options.remove) for (const id of bad) await this.#remove(id);
    return { good, bad };
  }

  async #buildLocked(
    lock: LockHandle,
    id: string,
    key: EngineCacheKey,
    build: (temporaryPath: string) => Promise<void>,
  ): Promise<EngineCacheResult> {
    try {
      const meanwhile = await this.lookup(key);
      if (meanwhile) return { path: meanwhile.path, hit: true };
      const built = await this.#build(id, key, build);
      await this.prune({ keep: id });
      return { path: built, hit: false };
    } finally {
      native().fileUnlock(lock, false);
    }
  }

  async #build(
    id: string,
    key: EngineCacheKey,
    build: (temporaryPath: string) => Promise<void>,
  ): Promise<string> {
    await this.#removePartials(id);
    const temporary = path.join(this.directory, `${id}.partial-${randomBytes(6).toString('hex')}`);
    const target = path.join(this.directory, `${id}.engine`);
    try {
      await build(temporary);
      const { size } = await stat(temporary);
      const sidecar: Sidecar = {
        format: 1,
        key,
        bytes: size,
        sha256: await filesSha256([temporary]),
        createdAt: new Date().toISOString(),
      };
      await replaceFile(path.join(this.directory, `${id}.json`), (file) =>
        writeFile(file, JSON.stringify(sidecar), { flag: 'wx' }),
      );
      await publish(temporary, target);
      return target;
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /** Deletes an entry and what belongs to it; false when somebody holds its lock. */
  async #remove(id: string): Promise<boolean> {
    const lock = native().fileTryLock(path.join(this.directory, `${id}.lock`));
    if (!lock) return false;
    try {
      await rm(path.join(this.directory, `${id}.engine`), { force: true });
      await rm(path.join(this.directory, `${id}.json`), { force: true });
      await this.#removePartials(id);
      return true;
    } finally {
      native().fileUnlock(lock, true);
    }
  }

  async #removePartials(id: string): Promise<void> {
    for (const name of await readdir(this.directory)) {
      if (name.startsWith(`${id}.`) && name.includes('.partial-')) {
        await rm(path.join(this.directory, name), { force: true, recursive: true });
      }
    }
  }

  async #read(id: string): Promise<EngineCacheEntry | undefined> {
    const plan = path.join(this.directory, `${id}.engine`);
    try {
      const sidecar = JSON.parse(
        await readFile(path.join(this.directory, `${id}.json`), 'utf8'),
      ) as Sidecar;
      if (sidecar.format !== 1 || typeof sidecar.sha256 !== 'string') return undefined;
      const found = await stat(plan);
      if (found.size !== sidecar.bytes) return undefined;
      return {
        id,
        path: plan,
        key: sidecar.key,
        bytes: found.size,
        sha256: sidecar.sha256,
        createdAt: new Date(sidecar.createdAt),
        lastUsedAt: found.mtime,
      };
    } catch {
      // Missing, half-gone or unreadable: not an entry.
      return undefined;
    }
  }

  async #ids(): Promise<Set<string>> {
    const names = await readdir(this.directory).catch(() => [] as string[]);
    return new Set(
      names.map((name) => name.slice(0, 64)).filter((id) => /^[0-9a-f]{64}$/.test(id)),
    );
  }

  async #makeDirectory(): Promise<void> {
    try {
      await mkdir(this.directory, { recursive: true });
    } catch (cause) {
      throw new TensorRTNodeError(
        'ERR_IO',
        `Expected a writable folder for the engine cache but ${this.directory} cannot be made. ` +
          'Set TENSORRT_NODE_ENGINE_CACHE or the option "directory" to another folder.',
        { cause },
      );
    }
  }
}

async function digestOf(file: string): Promise<string | undefined> {
  return filesSha256([file]).catch(() => undefined);
}

function defaultDirectory(): string {
  const named = process.env.TENSORRT_NODE_ENGINE_CACHE;
  if (named) return named;
  const base = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache');
  return path.join(base, 'tensorrt-node', 'engines');
}
