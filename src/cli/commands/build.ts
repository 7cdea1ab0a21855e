import type { Command } from 'commander';
import type { EngineBuildOptions } from '../../engine/build-options';
import { Engine } from '../../engine/engine';
import type { Flavor } from '../../native/trt-contract';
import {
  addProfileFlags,
  addSettingFlags,
  readProfiles,
  readSettings,
  toNumber,
} from '../build-flags';
import { BuildProgressLine } from '../build-progress-line';
import { printJson, quietUnlessVerbose } from '../common';
import { addTransformFlags, type TransformFlags, toTransforms } from './convert';
import { type KeepFlags, keepOptions } from './signing';

interface BuildFlags extends TransformFlags, KeepFlags {
  output: string;
  flavor?: Flavor;
  computeCapability?: string;
  timeoutMs?: string;
  memoryLimitBytes?: string;
  timingCache?: string;
  json?: boolean;
}

export function registerBuild(program: Command): void {
  const command = program
    .command('build')
    .description('build a TensorRT engine from an ONNX model')
    .argument('<model>', 'ONNX file')
    .requiredOption('-o, --output <file>', 'engine file to write')
    .option('--flavor <name>', 'rtx1, trt10 or trt11; default: the best one found')
    .option('--compute-capability <list>', 'GPUs to build for, e.g. 8.9,12.0 (rtx1 only)')
    .option('--timeout-ms <number>', 'end the build after this time')
    .option(
      '--timing-cache <file>',
      'start from the timings of this file and add to them (trt10, trt11)',
    )
    .option(
      '--cache [folder]',
      'take the engine from the cache, or build it and keep it there; default folder: see "cache --help"',
    )
    .option('--sign-key <file>', 'sign the engine with the private Ed25519 key of this PEM file')
    .option(
      '--memory-limit-bytes <number>',
      'end the build process when it takes more memory of the host',
    )
    .option('--json', 'print what was built as JSON');
  addTransformFlags(command);
  addProfileFlags(command);
  addSettingFlags(command);
  command
    .addHelpText(
      'after',
      `
Examples:
  tensorrt-node build yolov8n.onnx -o yolov8n.engine
  tensorrt-node build yolov8n.onnx -o yolov8n-fp16.engine --precision fp16
  tensorrt-node build yolov8n.onnx -o yolov8n.engine --flavor rtx1 --compute-capability 8.9,12.0
  tensorrt-node build dynamic.onnx -o dynamic.engine --shapes images:1x3x320x320:1x3x640x640:8x3x640x640

The build runs in a process of its own. With rtx1 it needs no GPU; the other flavours build for this machine's GPU.`,
    )
    .action(build);
}

async function build(model: string, flags: BuildFlags, command: Command): Promise<void> {
  quietUnlessVerbose(command);
  const progress = process.stderr.isTTY ? new BuildProgressLine(process.stderr) : undefined;
  const started = performance.now();
  let engine: Engine;
  try {
    engine = await Engine.build(model, {
      ...toOptions(flags),
      ...(await keepOptions(flags)),
      ...(progress ? { onStage: progress.onStage, onProgress: progress.onProgress } : {}),
    });
  } finally {
    progress?.clear();
  }
  const buildMs = Math.round(performance.now() - started);
  const facts = engine.inspect();
  if (flags.json) {
    printJson({
      path: engine.path,
      buildMs,
      fromCache: engine.fromCache,
      ...facts,
      report: engine.buildReport,
    });
    return;
  }
  const mib = (facts.byteLength / 2 ** 20).toFixed(1);
  const targets = facts.computeCapabilities?.length
    ? ` for compute capability ${facts.computeCapabilities.join(', ')}`
    : '';
  const { peakMemoryBytes, warnings = 0 } = engine.buildReport ?? {};
  const cost = [
    ...(peakMemoryBytes === undefined
      ? []
      : [`, peak memory ${Math.round(peakMemoryBytes / 2 ** 20)} MiB`]),
    ...(warnings === 0 ? [] : [`, ${warnings} warning${warnings === 1 ? '' : 's'}`]),
  ].join('');
  const how = engine.fromCache
    ? 'from the cache, built'
    : `built in ${(buildMs / 1000).toFixed(1)} s`;
  process.stdout.write(
    `${engine.path}: ${mib} MiB, ${how} by TensorRT ${facts.tensorrtVersion} (${facts.flavor})${targets}${cost}\n`,
  );
}

function toOptions(flags: BuildFlags): EngineBuildOptions {
  const options: EngineBuildOptions = {
    output: flags.output,
    ...readSettings(flags),
    ...readProfiles(flags),
    ...toTransforms(flags),
  };
  if (flags.flavor !== undefined) options.flavor = flags.flavor;
  if (flags.computeCapability !== undefined)
    options.computeCapabilities = flags.computeCapability.split(',').map((text) => text.trim());
  if (flags.timeoutMs !== undefined) options.timeoutMs = toNumber('--timeout-ms', flags.timeoutMs);
  if (flags.timingCache !== undefined) options.timingCache = flags.timingCache;
  if (flags.memoryLimitBytes !== undefined)
    options.memoryLimitBytes = toNumber('--memory-limit-bytes', flags.memoryLimitBytes);
  return options;
}
