import type { Command } from 'commander';
import { canRun, diagnose } from '../../doctor/diagnose';
import { render } from '../../doctor/render';
import { exitCode, printJson } from '../common';

export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('show what this machine has for running models, and how to get what it lacks')
    .option('--json', 'print everything as JSON')
    .addHelpText(
      'after',
      `
Examples:
  tensorrt-node doctor
  tensorrt-node doctor --json > doctor.json

Exit code 0 when models can be run here, on the CPU or on a GPU; else 1.`,
    )
    .action(async (flags: { json?: boolean }) => {
      const diagnosis = await diagnose();
      if (flags.json) printJson(diagnosis);
      else process.stdout.write(render(diagnosis, { color: wantsColor() }));
      if (!canRun(diagnosis)) process.exitCode = exitCode.failed;
    });
}

function wantsColor(): boolean {
  return process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';
}
