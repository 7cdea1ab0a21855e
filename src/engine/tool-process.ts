import { TensorRTNodeError } from '../errors';
import type { CheckedTransforms } from '../onnx/transforms';
import { type BuildExitFacts, BuildProcessExit, exitCode } from './build-exit';
import type { SerializedError } from './build-protocol';
import { endOn } from './end-on';
import { forkWorker } from './fork-worker';
import { LastLines } from './last-lines';
import { countOomKills, oomKillsSince } from './oom-kills';
import type { EngineFacts } from './plan-file';

/** Where a plan lies, and the libraries that it is loaded with. */
export interface PlanJob {
  libraryPath: string;
  parserPath: string;
  planPath: string;
  planOffset: number;
  allowHostCode: boolean;
}

/** What a process is started for; all of it plain JSON. */
export type ToolJob =
  | {
      kind: 'check';
      libraryPath: string;
      parserPath: string;
      modelPath: string;
      operators: string[];
    }
  | ({ kind: 'inspect' | 'weights' } & PlanJob)
  | ({
      kind: 'refit';
      /** Empty for `weights`. */
      modelPath: string;
      /** Edits of the graph that the engine was built after. */
      transforms: CheckedTransforms;
      /** What the job makes on its way lies here; deleted by the process when its parent dies. */
      privateFolder: string;
      weightsPath: string;
      weights: { name: string; dtype: string; offset: number; count: number }[];
      keepRefittable: boolean;
      /** Written here first, … */
      temporaryPath: string;
      /** … and moved here when it is whole. */
      outputPath: string;
      /** Facts of the new engine but for the digest; undefined for a plan of others. */
      facts: EngineFacts | undefined;
      metadata: Record<string, unknown>;
    } & PlanJob);

export interface ToolAnswer {
  /** JSON of what was asked for. */
  report: string;
  warnings: string[];
  errors: string[];
}

export type FromToolWorker =
  | { type: 'done'; answer: ToolAnswer }
  | { type: 'failed'; error: SerializedError };

export interface ToolOptions {
  /** Time limit in milliseconds. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Runs one job in a process of its own that ends with it, since NVIDIA's code can end the process that it runs in.
 * @param what a sentence's part for messages: "checks the model"
 * @throws what the job threw; ERR_BUILD_CRASHED or ERR_BUILD_MEMORY, with a {@link BuildProcessExit} as its cause
 * and the last lines in `details`, when the process ended by itself; ERR_DEADLINE; the signal's reason
 */
export async function runTool(
  what: string,
  job: ToolJob,
  options: ToolOptions = {},
): Promise<ToolAnswer> {
  options.signal?.throwIfAborted();
  const child = forkWorker('tool-worker', {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const lines = new LastLines();
  const killsBefore = countOomKills('self');
  lines.follow(child.stdout!);
  lines.follow(child.stderr!);
  let ended: { reason: unknown } | undefined;
  const end = (reason: unknown): void => {
    ended ??= { reason };
    child.kill('SIGKILL');
  };
  const { signal, timeoutMs } = options;
  const stopWatching = endOn(end, {
    signal,
    timeoutMs,
    message: `The process that ${what} did not end within ${timeoutMs} ms`,
  });
  try {
    return await new Promise<ToolAnswer>((resolve, reject) => {
      let message: FromToolWorker | undefined;
      child.on('message', (received) => {
        // The process ends by itself now; with its end all that it wrote has come.
        message = received as FromToolWorker;
      });
      child.on('error', (cause) => reject(crashed(what, { cause }, lines)));
      // Not before its pipes are closed: the last line is what matters.
      child.on('close', (code, signal) => {
        if (ended) reject(ended.reason);
        else if (message?.type === 'done') resolve(message.answer);
        else if (message?.type === 'failed') {
          const { code: errorCode, message: text, details } = message.error;
          reject(new TensorRTNodeError(errorCode, text, { details }));
        } else {
          const facts = { signal: signal ?? undefined, exitCode: code ?? undefined };
          reject(crashed(what, { ...facts, oomKills: oomKillsSince(killsBefore) }, lines));
        }
      });
      child.send(job, () => {
        // An error here means that the process is going; `close` follows.
      });
    });
  } finally {
    stopWatching();
  }
}

function crashed(what: string, facts: BuildExitFacts, lines: LastLines): TensorRTNodeError {
  const exit = new BuildProcessExit(facts);
  return new TensorRTNodeError(exitCode(exit), `The process that ${what} ${exit.message}`, {
    cause: exit,
    details: lines.toArray(),
  });
}
