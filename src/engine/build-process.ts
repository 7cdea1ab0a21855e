import type { ChildProcess } from 'node:child_process';
import { TensorRTNodeError } from '../errors';
import type { TrtBuildEvent } from '../native/trt-contract';
import { type BuildExitFacts, BuildProcessExit, exitError } from './build-exit';
import type { BuildJob, BuildJobResult, FromWorker, ToWorker } from './build-protocol';
import { forkWorker } from './fork-worker';
import { LastLines } from './last-lines';
import { countOomKills, oomKillsSince } from './oom-kills';
import { MemoryWatch } from './process-memory';
import type { TimingCacheJob, TimingCacheJobResult } from './timing-cache-job';

/** How often the size of the process is looked at: often where there is a limit, else for the report of a crash. */
const limitedLookMs = 20;
const lookMs = 100;

/** `performance.now()` when the process took the job up. */
type Started = { startedAt: number };

interface Pending {
  id: number;
  onEvents: (events: TrtBuildEvent[]) => void;
  watch: MemoryWatch | undefined;
  startedAt: number;
  oomKillsBefore: number | undefined;
  resolve: (result: (BuildJobResult | TimingCacheJobResult) & Started) => void;
  reject: (error: unknown) => void;
}

/** One child process that builds engines, one after another. It keeps the event loop alive only during a job. */
export class BuildProcess {
  readonly #child: ChildProcess;
  /** Settles when the process is reaped and its pipes are closed. */
  readonly closed: Promise<void>;
  #isOpen = true;
  readonly #lines = new LastLines();
  #pending: Pending | undefined;
  #nextId = 1;
  #limit: BuildExitFacts['limit'];

  /** @param countKills see {@link countOomKills}; another one stands in for it in tests */
  constructor(readonly countKills: typeof countOomKills = countOomKills) {
    this.#child = forkWorker('build-worker', {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#lines.follow(this.#child.stdout!);
    this.#lines.follow(this.#child.stderr!);
    this.#child.on('message', (message) => this.#receive(message as FromWorker));
    this.#child.on(
      'error',
      (cause) =>
        // Also emitted for a message that could not be sent: then `close` follows and tells more.
        this.#child.pid === undefined && this.#crash({ cause }),
    );
    this.closed = new Promise((resolve) => {
      const end = (): void => {
        this.#isOpen = false;
        resolve();
      };
      this.#child.once('close', (code, signal) => {
        end();
        this.#crash({ signal: signal ?? undefined, exitCode: code ?? undefined });
      });
      // A process that never started emits no `close`.
      this.#child.once('error', () => {
        if (this.#child.pid === undefined) end();
      });
    });
    this.#setRef(false);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** False once the process has ended: it takes no more jobs. */
  get isOpen(): boolean {
    return this.#isOpen && this.#child.connected;
  }

  /**
   * @param memoryLimitBytes the process is ended when it takes more
   * @throws what the build threw; ERR_BUILD_CRASHED or ERR_BUILD_MEMORY, with a {@link BuildProcessExit} as
   * its cause, when the process ended first
   */
  run(
    job: BuildJob,
    onEvents: (events: TrtBuildEvent[]) => void,
    memoryLimitBytes?: number,
  ): Promise<BuildJobResult & Started> {
    return this.#start({ type: 'build', job }, onEvents, memoryLimitBytes);
  }

  /** @throws as {@link run} */
  runTimingCache(job: TimingCacheJob): Promise<TimingCacheJobResult & Started> {
    return this.#start({ type: 'timing-cache', job }, () => {}, undefined);
  }

  #start<Result extends BuildJobResult | TimingCacheJobResult>(
    request: { type: 'build'; job: BuildJob } | { type: 'timing-cache'; job: TimingCacheJob },
    onEvents: (events: TrtBuildEvent[]) => void,
    memoryLimitBytes: number | undefined,
  ): Promise<Result & Started> {
    const id = this.#nextId++;
    const { pid } = this.#child;
    this.#setRef(true);
    const result = new Promise<Result & Started>((resolve, reject) => {
      const watch =
        pid === undefined
          ? undefined
          : new MemoryWatch(
              pid,
              memoryLimitBytes,
              (sizeBytes) => {
                this.#limit = { limitBytes: memoryLimitBytes!, sizeBytes };
                this.#child.kill('SIGKILL');
              },
              memoryLimitBytes === undefined ? lookMs : limitedLookMs,
            );
      this.#pending = {
        id,
        onEvents,
        watch,
        startedAt: performance.now(),
        oomKillsBefore: pid === undefined ? undefined : this.countKills(pid),
        // The answer's kind is that of the request.
        resolve: (value) => resolve(value as unknown as Result & Started),
        reject,
      };
    });
    const message: ToWorker = { ...request, id };
    // An error here means that the process is going; `close` follows and rejects.
    this.#child.send(message, () => {});
    return result.finally(() => this.#setRef(false));
  }

  /** Ends the process at once and waits until nothing of it is left. */
  async kill(): Promise<void> {
    this.#setRef(true);
    if (this.#isOpen) this.#child.kill('SIGKILL');
    await this.closed;
  }

  #receive(message: FromWorker): void {
    const pending = this.#pending;
    if (!pending || message.id !== pending.id) return;
    if (message.type === 'events') {
      for (const event of message.events) {
        if (event.type === 'log') this.#lines.add(`${event.level}: ${event.message}`);
      }
      pending.onEvents(message.events);
      return;
    }
    if (message.type === 'started') {
      pending.startedAt = performance.now();
      if (message.isPeakReset) pending.watch?.countPeak();
      return;
    }
    this.#pending = undefined;
    pending.watch?.stop();
    if (message.type === 'done')
      pending.resolve({ ...message.result, startedAt: pending.startedAt });
    else {
      const { code, message: text, details } = message.error;
      pending.reject(new TensorRTNodeError(code, text, { details }));
    }
  }

  #crash(how: Pick<BuildExitFacts, 'signal' | 'exitCode' | 'cause'>): void {
    const pending = this.#pending;
    if (!pending) return;
    this.#pending = undefined;
    pending.watch?.stop();
    const facts: BuildExitFacts = {
      ...how,
      limit: this.#limit,
      peakMemoryBytes: pending.watch?.peakBytes,
      oomKills: oomKillsSince(pending.oomKillsBefore, this.countKills),
    };
    pending.reject(exitError(new BuildProcessExit(facts), facts, this.#lines.toArray()));
  }

  #setRef(on: boolean): void {
    const method = on ? 'ref' : 'unref';
    this.#child[method]();
    this.#child.channel?.[method]();
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      (stream as unknown as { ref?: () => void; unref?: () => void } | null)?.[method]?.();
    }
  }
}
