import type { Command } from 'commander';
import { TensorRTNodeError } from '../errors';
import { setLogLevel } from '../log';

/** Exit codes of every command: 0 done, 1 failed, 2 wrong use. */
export const exitCode = { ok: 0, failed: 1, usage: 2 } as const;

/** Prints an error the way every command does: one line `ERR_CODE: sentence`, more with `--verbose`. */
export function reportError(error: unknown, verbose: boolean): number {
  const known = error instanceof TensorRTNodeError ? error : undefined;
  const code = known?.code ?? (error as { code?: string })?.code ?? 'ERR_INTERNAL';
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${code}: ${message.replaceAll('\n', ' ')}\n`);
  if (verbose) {
    for (const line of known?.details ?? []) process.stderr.write(`  ${line}\n`);
    if (error instanceof Error && error.stack) process.stderr.write(`${error.stack}\n`);
  }
  return known?.code === 'ERR_INVALID_ARGUMENT' ? exitCode.usage : exitCode.failed;
}

/** Writes a value as JSON to stdout, followed by a newline. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/**
 * Keeps TensorRT's own lines from the terminal unless somebody asked for them: its errors are part of the error that
 * is printed, and on their own they would say it twice.
 */
export function quietUnlessVerbose(command: Command): void {
  const { verbose } = command.optsWithGlobals<{ verbose?: boolean }>();
  if (!verbose && process.env.TENSORRT_NODE_LOG === undefined) setLogLevel('silent');
}
