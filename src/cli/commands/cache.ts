import type { Command } from 'commander';
import { EngineCache, type EngineCacheEntry } from '../../engine/cache';
import { TensorRTNodeError } from '../../errors';
import { exitCode, printJson } from '../common';

interface CacheFlags {
  dir?: string;
  json?: boolean;
}

export function registerCache(program: Command): void {
  const cache = program
    .command('cache')
    .description('list, prune or verify the plans that the engine cache holds')
    .addHelpText(
      'after',
      `
Examples:
  tensorrt-node cache list
  tensorrt-node cache prune --max-bytes 2GiB
  tensorrt-node cache verify --remove

The cache lies in $TENSORRT_NODE_ENGINE_CACHE, or tensorrt-node/engines in the user's cache folder.`,
    );

  shared(cache.command('list').description('every plan, the most recently used first')).action(
    async (flags: CacheFlags) => {
      const engines = open(flags);
      const entries = await engines.list();
      if (flags.json) {
        printJson(entries);
        return;
      }
      for (const entry of entries) process.stdout.write(`${lineOf(entry)}\n`);
      const bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
      process.stdout.write(`${entries.length} plans, ${mib(bytes)} in ${engines.directory}\n`);
    },
  );

  shared(
    cache
      .command('prune')
      .description('delete left-overs and the least recently used plans above a size')
      .option(
        '--max-bytes <size>',
        'size to keep, e.g. 500MiB or 2GiB; default: the limit of the cache',
      ),
  ).action(async (flags: CacheFlags & { maxBytes?: string }) => {
    const result = await open(flags).prune(
      flags.maxBytes === undefined ? {} : { maxBytes: parseBytes(flags.maxBytes) },
    );
    if (flags.json) printJson(result);
    else
      process.stdout.write(`removed ${result.removed.length} plans, ${mib(result.bytes)} remain\n`);
  });

  shared(
    cache
      .command('verify')
      .description('check the digest of every plan; exit code 1 when one is bad')
      .option('--remove', 'delete the bad ones'),
  ).action(async (flags: CacheFlags & { remove?: boolean }) => {
    const result = await open(flags).verify({ remove: flags.remove === true });
    if (flags.json) printJson(result);
    else {
      for (const id of result.bad) {
        process.stdout.write(`bad  ${id}${flags.remove ? ' (removed)' : ''}\n`);
      }
      process.stdout.write(`${result.good.length} good, ${result.bad.length} bad\n`);
    }
    if (result.bad.length > 0) process.exitCode = exitCode.failed;
  });
}

function shared(command: Command): Command {
  return command
    .option('--dir <folder>', 'another cache folder')
    .option('--json', 'print the result as JSON');
}

function open(flags: CacheFlags): EngineCache {
  return new EngineCache(flags.dir === undefined ? {} : { directory: flags.dir });
}

function lineOf(entry: EngineCacheEntry): string {
  const { flavor, version, target } = entry.key;
  const used = entry.lastUsedAt.toISOString().slice(0, 16).replace('T', ' ');
  const size = mib(entry.bytes).padStart(10);
  return `${entry.id.slice(0, 12)}  ${size}  ${used}  ${flavor} ${version} for ${target.join(', ')}`;
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** `123`, `10KB`, `1.5 GiB`: decimal units by 1000, binary ones by 1024. */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([KMGT])(i?)B?|B)?$/i.exec(text.trim());
  const power = match?.[2] ? 'KMGT'.indexOf(match[2].toUpperCase()) + 1 : 0;
  const bytes = match
    ? Math.floor(Number(match[1]) * (match[3] ? 1024 : 1000) ** power)
    : Number.NaN;
  if (!Number.isSafeInteger(bytes)) {
    throw new TensorRTNodeError(
      'ERR_INVALID_ARGUMENT',
      `Expected a size such as 500MB or 2GiB for --max-bytes but received "${text}"`,
    );
  }
  return bytes;
}
