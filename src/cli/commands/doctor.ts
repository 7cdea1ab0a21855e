import path from 'node:path';
import type { Command } from 'commander';
import { canRun, diagnose } from '../../doctor/diagnose';
import { render } from '../../doctor/render';
import { type DiagnoseOptions, diagnoseModel } from '../../engine/model-doctor';
import { setLogLevel } from '../../log';
import { type Flavor, flavors } from '../../native/trt-contract';
import { invalidArgument, requireOneOf } from '../../validate';
import { parseShapes } from '../build-flags';
import { exitCode, printJson } from '../common';
import { modelReport } from '../doctor-report';

interface DoctorFlags {
  json?: boolean;
  flavor?: string[];
  build?: boolean;
  shapes?: string[];
  timeoutMs?: string;
}

export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('show what this machine has for running models, or what TensorRT makes of a model')
    .argument('[model]', 'ONNX file: ask the TensorRT parsers of this machine about it')
    .option('--json', 'print everything as JSON')
    .option('--flavor <name...>', 'with a model: ask these alone (rtx1, trt10, trt11)')
    .option('--build', 'with a model: also try to build an engine, which alone is certain')
    .option('--shapes <name:min:opt:max...>', 'with --build: shapes of dynamic inputs')
    .option('--timeout-ms <number>', 'with a model: time limit for each parser and build')
    .addHelpText(
      'after',
      `
Examples:
  tensorrt-node doctor
  tensorrt-node doctor --json > doctor.json
  tensorrt-node doctor model.onnx
  tensorrt-node doctor model.onnx --flavor rtx1 --build --json

Exit code 0 when models can be run here, on the CPU or on a GPU; with a model, when every TensorRT
that could be asked accepts it; else 1.`,
    )
    .action(async (model: string | undefined, flags: DoctorFlags) => {
      if (model === undefined) await diagnoseMachine(flags);
      else await diagnoseFile(model, flags);
    });
}

async function diagnoseMachine(flags: DoctorFlags): Promise<void> {
  for (const name of ['flavor', 'build', 'shapes', 'timeoutMs'] as const) {
    if (flags[name] !== undefined) {
      throw invalidArgument('model', `a model for --${name.replace('Ms', '-ms')}`, undefined);
    }
  }
  const diagnosis = await diagnose();
  if (flags.json) printJson(diagnosis);
  else process.stdout.write(render(diagnosis, { color: wantsColor() }));
  if (!canRun(diagnosis)) process.exitCode = exitCode.failed;
}

async function diagnoseFile(model: string, flags: DoctorFlags): Promise<void> {
  // What TensorRT logs is part of the report.
  if (process.env.TENSORRT_NODE_LOG === undefined) setLogLevel('silent');
  const diagnosis = await diagnoseModel(model, toOptions(flags));
  if (flags.json) printJson(diagnosis);
  else process.stdout.write(modelReport(path.basename(model), diagnosis));
  if (diagnosis.verdict !== 'supported') process.exitCode = exitCode.failed;
}

function toOptions(flags: DoctorFlags): DiagnoseOptions {
  const options: DiagnoseOptions = {};
  if (flags.flavor) {
    options.flavors = flags.flavor
      .flatMap((text) => text.split(','))
      .map((text): Flavor => requireOneOf('--flavor', text.trim(), flavors));
  }
  if (flags.build) options.build = true;
  if (flags.shapes) {
    const shapes = parseShapes(flags.shapes);
    if (Array.isArray(shapes))
      throw invalidArgument('--shapes', 'each input once', flags.shapes.join(' '));
    options.shapes = shapes;
  }
  if (flags.timeoutMs !== undefined) {
    if (!/^\d+$/.test(flags.timeoutMs))
      throw invalidArgument('--timeout-ms', 'a whole number', flags.timeoutMs);
    options.timeoutMs = Number(flags.timeoutMs);
  }
  return options;
}

function wantsColor(): boolean {
  return process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
}
