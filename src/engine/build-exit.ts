import { type ErrorCode, TensorRTNodeError } from '../errors';

/** Why a build process ended before its build did. */
export type BuildExitReason =
  /** It grew above `memoryLimitBytes` and was ended for that. */
  | 'memory-limit'
  /** SIGKILL from elsewhere, while the kernel counted a kill for lack of memory in its control group. */
  | 'out-of-memory'
  /** Any other signal: a crash (SIGSEGV, SIGABRT, SIGBUS, …), or a kill by somebody. */
  | 'signal'
  /** It exited by itself. */
  | 'exit'
  | 'not-started';

/** The `cause` of ERR_BUILD_CRASHED and ERR_BUILD_MEMORY: how the build process ended, for programs. */
export class BuildProcessExit extends Error {
  readonly reason: BuildExitReason;
  readonly signal: NodeJS.Signals | undefined;
  readonly exitCode: number | undefined;
  /** The most memory that the process was seen to take in RAM during this build, in bytes. */
  readonly peakMemoryBytes: number | undefined;

  constructor(facts: BuildExitFacts) {
    super(describeExit(facts), facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = 'BuildProcessExit';
    this.reason = reasonOf(facts);
    this.signal = facts.signal;
    this.exitCode = facts.exitCode;
    this.peakMemoryBytes = facts.peakMemoryBytes;
  }
}

export interface BuildExitFacts {
  signal?: NodeJS.Signals | undefined;
  exitCode?: number | undefined;
  /** Set when the process could not be started. */
  cause?: Error | undefined;
  /** Set when it was ended for its size. */
  limit?: { limitBytes: number; sizeBytes: number } | undefined;
  peakMemoryBytes?: number | undefined;
  /** Kills for lack of memory that the kernel counted meanwhile; undefined where it does not tell. */
  oomKills?: number | undefined;
}

function reasonOf({ cause, limit, signal, oomKills }: BuildExitFacts): BuildExitReason {
  if (cause) return 'not-started';
  if (limit) return 'memory-limit';
  if (signal === 'SIGKILL' && (oomKills ?? 0) > 0) return 'out-of-memory';
  return signal ? 'signal' : 'exit';
}

function describeExit(facts: BuildExitFacts): string {
  const { cause, limit, signal, exitCode, oomKills } = facts;
  switch (reasonOf(facts)) {
    case 'not-started':
      return `could not be started: ${cause!.message}`;
    case 'memory-limit':
      return `took ${mebibytes(limit!.sizeBytes)} and was ended for the limit of ${mebibytes(limit!.limitBytes)}`;
    case 'out-of-memory':
      return 'was ended by the kernel for lack of memory (SIGKILL; the out-of-memory count of its control group rose)';
    case 'signal':
      if (signal !== 'SIGKILL') return `was ended by signal ${signal}`;
      return oomKills === undefined
        ? 'was ended by signal SIGKILL, which this process did not send; whether the kernel did for lack of memory is not known here'
        : 'was ended by signal SIGKILL, which this process did not send; the kernel counted no kill for lack of memory';
    case 'exit':
      return `exited with code ${exitCode}`;
  }
}

/** Code of the error that tells of a process which ended by itself. */
export function exitCode({ reason }: BuildProcessExit): ErrorCode {
  return reason === 'out-of-memory' ? 'ERR_BUILD_MEMORY' : 'ERR_BUILD_CRASHED';
}

/** The error that a build rejects with when its process ended first. `lines`: the last that it said. */
export function exitError(exit: BuildProcessExit, facts: BuildExitFacts, lines: readonly string[]) {
  const peak =
    exit.peakMemoryBytes === undefined
      ? []
      : [`The build process was seen to take up to ${mebibytes(exit.peakMemoryBytes)} of memory`];
  const options = { cause: exit, details: [...peak, ...lines] };
  if (exit.reason === 'memory-limit') {
    const { limitBytes, sizeBytes } = facts.limit!;
    return new TensorRTNodeError(
      'ERR_BUILD_MEMORY',
      `Expected a build process of at most ${limitBytes} bytes (${mebibytes(limitBytes)}) for options.memoryLimitBytes but received one of ${sizeBytes} bytes (${mebibytes(sizeBytes)}); it was ended`,
      options,
    );
  }
  return new TensorRTNodeError(
    exitCode(exit),
    `The build process ${exit.message} before the engine was built`,
    options,
  );
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 2 ** 20)} MiB`;
}
