import type { ChildProcess } from 'node:child_process';
import { statSync } from 'node:fs';
import type { ErrorCode } from '../errors';
import type { Flavor } from '../native/trt-contract';
import { forkWorker } from './fork-worker';

/** What a library says of itself, or why it cannot be used; `transient` when that may be the moment's fault. */
export type ProbeAnswer =
  | { readonly flavor: Flavor; readonly version: string; readonly buildRefusal?: string }
  | { readonly code: ErrorCode; readonly refusal: string; readonly transient?: true };

const known = new Map<string, Promise<ProbeAnswer>>();
let queue: Promise<unknown> = Promise.resolve();

/**
 * Reads the version of each library, in a process of its own. Answers are kept a file, for as long as its
 * time of change and size stay.
 *
 * @param timeoutMs for one library; default 30 s, since large ones come from slow disks
 */
export function probeLibraries(
  files: readonly string[],
  timeoutMs = 30_000,
): Promise<ProbeAnswer[]> {
  const fresh = new Map<string, (answer: ProbeAnswer) => void>();
  const answers = files.map((file) => {
    const key = keyOf(file);
    let answer = known.get(key);
    if (answer === undefined) {
      answer = new Promise((resolve) => fresh.set(file, resolve));
      known.set(key, answer);
      // Memory and processes may be short now and not later.
      answer.then((value) => 'transient' in value && known.delete(key));
    }
    return answer;
  });
  // One after another, since each library takes hundreds of megabytes while it is open.
  if (fresh.size > 0) queue = queue.then(() => probeInTurn(fresh, timeoutMs));
  return Promise.all(answers);
}

function keyOf(file: string): string {
  const facts = statSync(file, { throwIfNoEntry: false });
  return `${file}\0${facts?.mtimeMs}\0${facts?.size}`;
}

async function probeInTurn(
  files: ReadonlyMap<string, (answer: ProbeAnswer) => void>,
  timeoutMs: number,
): Promise<void> {
  let worker: ProbeWorker | undefined;
  for (const [file, resolve] of files) {
    if (!worker?.isOpen) worker = new ProbeWorker();
    resolve(await worker.ask(file, timeoutMs));
  }
  worker?.end();
}

/** One process; it serves until a library ends it. */
class ProbeWorker {
  readonly #child: ChildProcess;
  #settle: ((answer: ProbeAnswer) => void) | undefined;
  #file = '';
  isOpen = true;

  constructor() {
    this.#child = forkWorker('library-probe-worker', {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#child.on('message', (answer) => this.#answer(answer as ProbeAnswer));
    this.#child.on('error', ({ message }) => this.#fail(`could not be looked into: ${message}`));
    this.#child.on('exit', (code, signal) =>
      this.#fail(`ended the process that loaded it by ${signal ?? `exit code ${code}`}`),
    );
  }

  ask(file: string, timeoutMs: number): Promise<ProbeAnswer> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#fail(`took longer than ${timeoutMs / 1000} s to load`);
        this.#child.kill('SIGKILL');
      }, timeoutMs);
      this.#file = file;
      this.#settle = (answer) => {
        clearTimeout(timer);
        resolve(answer);
      };
      this.#child.send(file, () => {
        // An error here means that the process is going; `exit` or the time limit follows.
      });
    });
  }

  end(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  #fail(what: string): void {
    this.isOpen = false;
    const refusal = `${this.#file} ${what}`;
    this.#answer({ code: 'ERR_TENSORRT_UNAVAILABLE', refusal, transient: true });
  }

  #answer(answer: ProbeAnswer): void {
    this.#settle?.(answer);
    this.#settle = undefined;
  }
}
