#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Command, CommanderError } from 'commander';
import { packageRoot } from '../native/binding';
import { registerBuild } from './commands/build';
import { registerBuildMatrix } from './commands/build-matrix';
import { registerCache } from './commands/cache';
import { registerConvert } from './commands/convert';
import { registerDoctor } from './commands/doctor';
import { registerInspect } from './commands/inspect';
import { registerPredict } from './commands/predict';
import { registerRefit } from './commands/refit';
import { registerSigning } from './commands/signing';
import { registerTimingCache } from './commands/timing-cache';
import { exitCode, reportError } from './common';

/** Every command is one file under `commands/` and registers itself here. */
const commands: ((program: Command) => void)[] = [
  registerBuild,
  registerBuildMatrix,
  registerCache,
  registerConvert,
  registerDoctor,
  registerInspect,
  registerPredict,
  registerRefit,
  registerSigning,
  registerTimingCache,
];

async function main(argv: string[]): Promise<number> {
  const manifest = JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8')) as {
    version: string;
  };
  const program = new Command('tensorrt-node')
    .description('Build TensorRT engines and run models from Node.js')
    .version(manifest.version)
    .option('--verbose', 'print details and stack traces of errors')
    .showHelpAfterError('(add --help for the options and examples)')
    .exitOverride();
  for (const register of commands) register(program);
  try {
    await program.parseAsync(argv);
    return Number(process.exitCode ?? exitCode.ok);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
    return reportError(error, program.opts<{ verbose?: boolean }>().verbose === true);
  }
}

main(process.argv).then((code) => {
  process.exitCode = code;
});
