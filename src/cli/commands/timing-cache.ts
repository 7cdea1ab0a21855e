import type { Command } from 'commander';
import { TimingCache, type TimingCacheDescription } from '../../engine/timing-cache';
import type { Flavor } from '../../native/trt-contract';
import { printJson } from '../common';

export function registerTimingCache(program: Command): void {
  const command = program
    .command('timing-cache')
    .description('look into and join timing caches of TensorRT 10 and 11');
  command
    .command('info')
    .description('say what a timing cache is')
    .argument('<file>', 'timing cache, of this package or of trtexec')
    .option('--entries', 'list the measurements too; needs a GPU and TensorRT 10.8 or later')
    .option('--json', 'print it as JSON')
    .action(info);
  command
    .command('merge')
    .description('join timing caches of one TensorRT version and one kind of GPU; needs that GPU')
    .argument('<files...>', 'timing caches; of equal entries that of the first file stays')
    .requiredOption('-o, --output <file>', 'file to write; what it holds is joined too')
    .option('--flavor <name>', 'trt10 or trt11; default: what the files name')
    .option('--ignore-mismatch', 'take caches of GPUs with other properties')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Examples:
  tensorrt-node timing-cache info build.cache
  tensorrt-node timing-cache merge a.cache b.cache -o all.cache`,
    )
    .action(merge);
}

async function info(file: string, flags: { entries?: boolean; json?: boolean }): Promise<void> {
  const description = await TimingCache.read(file);
  const entries = flags.entries ? await TimingCache.entries(file) : undefined;
  if (flags.json) {
    printJson({ ...description, ...(entries ? { entries } : {}) });
    return;
  }
  process.stdout.write(`${sentence(description)}\n`);
  for (const { key, tacticHash, timingMs } of entries ?? [])
    process.stdout.write(`${key} ${tacticHash} ${timingMs} ms\n`);
}

async function merge(
  files: string[],
  flags: { output: string; flavor?: Flavor; ignoreMismatch?: boolean; json?: boolean },
): Promise<void> {
  const { output, flavor, ignoreMismatch = false } = flags;
  const description = await TimingCache.merge(files, output, {
    ignoreMismatch,
    ...(flavor === undefined ? {} : { flavor }),
  });
  if (flags.json) printJson(description);
  else process.stdout.write(`${sentence(description)}\n`);
}

function sentence(cache: TimingCacheDescription): string {
  const size = `${cache.cacheBytes} bytes`;
  if (cache.format === 'plain')
    return `${cache.path}: ${size}, plain: TensorRT version and GPU are not told`;
  const device = cache.device === undefined ? '' : ` on ${cache.device}`;
  return `${cache.path}: ${size}, by TensorRT ${cache.tensorrtVersion} (${cache.flavor})${device}, of ${cache.updatedAt}`;
}
