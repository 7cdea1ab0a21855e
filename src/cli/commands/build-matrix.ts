import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { manifestName } from '../../engine/manifest-name';
import { buildMatrix, type MatrixOptions, type MatrixResult } from '../../engine/matrix';
import { TensorRTNodeError } from '../../errors';
import { requireKnownKeys } from '../../validate';
import { exitCode, printJson, quietUnlessVerbose } from '../common';
import { formatBytes, printable } from '../text';
import { type KeepFlags, keepOptions } from './signing';

interface MatrixFlags extends KeepFlags {
  config: string;
  output: string;
  json?: boolean;
}

export function registerBuildMatrix(program: Command): void {
  program
    .command('build-matrix')
    .description('build a model for a list of targets, with a manifest that picks the match')
    .argument('<model>', 'ONNX file')
    .requiredOption('--config <file>', 'JSON with targets, matrix and options')
    .requiredOption('-o, --output <folder>', 'folder for the engines and their manifest')
    .option('--cache [folder]', 'take engines from the cache and keep them there')
    .option('--sign-key <file>', 'sign the engines with the private Ed25519 key of this PEM file')
    .option('--json', 'print the manifest as JSON')
    .addHelpText(
      'after',
      `
Examples:
  tensorrt-node build-matrix yolov8n.onnx --config matrix.json -o engines

with a matrix.json such as
  { "options": { "flavor": "rtx1" },
    "targets": [{ "name": "turing", "computeCapabilities": ["7.5"] }],
    "matrix": { "computeCapabilities": [["8.9"], ["12.0"]], "precision": ["fp16", "bf16"] } }

"targets" is a list of build options, "matrix" makes a target of every combination, "options" are shared.
A target that fails is noted in the manifest and the others go on; the exit code is then 1.`,
    )
    .action(run);
}

async function run(model: string, flags: MatrixFlags, command: Command): Promise<void> {
  quietUnlessVerbose(command);
  const manifest = await buildMatrix(model, {
    ...(await readConfig(flags.config)),
    output: flags.output,
    ...(await keepOptions(flags)),
    ...(flags.json ? {} : { onTarget: show }),
  });
  const { engines, failures } = manifest;
  if (flags.json) printJson(manifest);
  else {
    const file = path.resolve(flags.output, manifestName);
    process.stdout.write(`${engines.length} engines, ${failures.length} failed: ${file}\n`);
  }
  if (failures.length > 0) process.exitCode = exitCode.failed;
}

function show(result: MatrixResult): void {
  const seconds = `${(result.buildMs / 1000).toFixed(1)} s`;
  const what = result.ok
    ? `ok    ${result.name}  ${formatBytes(result.byteLength)}  ${result.fromCache ? 'from the cache' : seconds}`
    : `FAIL  ${result.name}  ${result.code}: ${result.message}`;
  process.stdout.write(`${printable(what)}\n`);
}

/** @throws ERR_IO, ERR_INVALID_ARGUMENT */
async function readConfig(
  file: string,
): Promise<Pick<MatrixOptions, 'targets' | 'matrix' | 'options'>> {
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new TensorRTNodeError('ERR_IO', `The config ${file} cannot be read: ${cause.message}`, {
      cause,
    });
  });
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch (cause) {
    throw new TensorRTNodeError(
      'ERR_INVALID_ARGUMENT',
      `Expected JSON for --config but ${file} is none: ${(cause as Error).message}`,
      { cause },
    );
  }
  requireKnownKeys('--config', config, ['targets', 'matrix', 'options']);
  return config as MatrixOptions;
}
