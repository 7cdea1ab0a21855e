import path from 'node:path';
import type { Command } from 'commander';
import { Engine } from '../../engine/engine';
import type { RefitOptions } from '../../engine/refit';
import type { Flavor } from '../../native/trt-contract';
import { invalidArgument } from '../../validate';
import { toNumber } from '../build-flags';
import { printJson, quietUnlessVerbose } from '../common';
import { formatBytes, table } from '../text';

interface RefitFlags {
  onnx?: string;
  output?: string;
  list?: boolean;
  keepRefittable?: boolean;
  allowOtherModel?: boolean;
  flavor?: string;
  timeoutMs?: string;
  json?: boolean;
}

export function registerRefit(program: Command): void {
  program
    .command('refit')
    .description('put other weights into an engine, or back into a stripped one, without a build')
    .argument('<engine>', 'engine file that was built with --refittable or --strip-weights')
    .option('--onnx <file>', 'ONNX model that the weights are taken from')
    .option('-o, --output <file>', 'engine file to write')
    .option('--list', 'list the weights of the engine instead')
    .option('--keep-refittable', 'a stripped engine stays refittable (TensorRT 10.14 and later)')
    .option('--allow-other-model', 'take another model for an engine stripped without --refittable')
    .option('--flavor <name>', 'rtx1, trt10 or trt11, for a plan that does not tell')
    .option('--timeout-ms <number>', 'end the refit after this time')
    .option('--json', 'print the result as JSON')
    .addHelpText(
      'after',
      `
Examples:
  tensorrt-node refit stripped.engine --onnx model.onnx -o model.engine
  tensorrt-node refit model.engine --onnx retrained.onnx -o retrained.engine
  tensorrt-node refit model.engine --list

Needs a GPU. What the options and files can tell is checked without one.`,
    )
    .action(refit);
}

async function refit(file: string, flags: RefitFlags, command: Command): Promise<void> {
  quietUnlessVerbose(command);
  const engine = await Engine.load(file);
  const options = toOptions(flags);
  if (flags.list) {
    await list(engine, options, flags.json === true);
    return;
  }
  for (const name of ['onnx', 'output'] as const) {
    if (flags[name] === undefined) throw invalidArgument(`--${name}`, 'a file', undefined);
  }
  const started = performance.now();
  const refitted = await engine.refit(flags.onnx!, {
    ...options,
    output: flags.output!,
    ...(flags.keepRefittable ? { keepRefittable: true } : {}),
    ...(flags.allowOtherModel ? { allowOtherModel: true } : {}),
  });
  const refitMs = Math.round(performance.now() - started);
  if (flags.json) printJson({ path: refitted.path, refitMs, ...refitted.inspect() });
  else {
    process.stdout.write(
      `${refitted.path}: ${formatBytes(refitted.byteLength)}, weights of ${path.basename(flags.onnx!)}\n`,
    );
  }
}

async function list(engine: Engine, options: RefitOptions, json: boolean): Promise<void> {
  const found = await engine.weights(options);
  if (json) {
    printJson(found);
    return;
  }
  const missing = new Set(found.missing);
  const rows = found.weights.map(({ name, dtype, count }) => [
    name,
    dtype,
    String(count),
    missing.has(name) ? 'missing' : '',
  ]);
  process.stdout.write(`${[`${rows.length} weights`, ...table(rows)].join('\n')}\n`);
}

function toOptions(flags: RefitFlags): RefitOptions {
  return {
    ...(flags.flavor === undefined ? {} : { flavor: flags.flavor as Flavor }),
    ...(flags.timeoutMs === undefined
      ? {}
      : { timeoutMs: toNumber('--timeout-ms', flags.timeoutMs) }),
  };
}
