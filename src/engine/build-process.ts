import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { TensorRTNodeError } from '../errors';
import type { TrtBuildEvent } from '../native/trt-contract';
import type { BuildJob, BuildJobResult, FromWorker, ToWorker } from './build-protocol';
import { forkWorker } from './fork-worker';

/** Last lines of the process's own output, which tell most about a crash. */
const keptLines = 40;
const maxLineLength = 1000;

interface Pending {
  id: number;
  onEvents: (events: TrtBuildEvent[]) => void;
  resolve: (result: BuildJobResult) => void;
  reject: (error: unknown) => void;
}

/** One child process that builds engines, one after another. It keeps the event loop alive only during a job. */
export class BuildProcess {
  readonly #child: ChildProcess;
  /** Settles when the process is reaped and its pipes are closed. */
  readonly closed: Promise<void>;
  #isOpen = true;
  #lines: string[] = [];
  #pending: Pending | undefined;
  #nextId = 1;

  constructor() {
    this.#child = forkWorker('build-worker', {
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#keepLines(this.#child.stdout!);
    this.#keepLines(this.#child.stderr!);
    this.#child.on('message', (message) => this.#receive(message as FromWorker));
    this.#child.on('error', (cause) =>
      this.#crash(`could not be started: ${cause.message}`, cause),
    );
    this.closed = new Promise((resolve) => {
      const end = (): void => {
        this.#isOpen = false;
        resolve();
      };
      this.#child.once('close', (code, signal) => {
        end();
        this.#crash(signal ? `was ended by signal ${signal}` : `exited with code ${code}`);
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

  /** @throws what the build threw, or ERR_BUILD_CRASHED when the process ended first. */
  run(
    job: Omit<BuildJob, 'id'>,
    onEvents: (events: TrtBuildEvent[]) => void,
  ): Promise<BuildJobResult> {
    const id = this.#nextId++;
    this.#setRef(true);
    const result = new Promise<BuildJobResult>((resolve, reject) => {
      this.#pending = { id, onEvents, resolve, reject };
    });
    const message: ToWorker = { type: 'build', job: { ...job, id } };
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
        if (event.type === 'log') this.#addLine(`${event.level}: ${event.message}`);
      }
      pending.onEvents(message.events);
      return;
    }
    this.#pending = undefined;
    if (message.type === 'done') pending.resolve(message.result);
    else {
      const { code, message: text, details } = message.error;
      pending.reject(new TensorRTNodeError(code, text, { details }));
    }
  }

  #crash(how: string, cause?: unknown): void {
    const pending = this.#pending;
    if (!pending) return;
    this.#pending = undefined;
    pending.reject(
      new TensorRTNodeError(
        'ERR_BUILD_CRASHED',
        `The build process ${how} before the engine was built`,
        { details: [...this.#lines], ...(cause === undefined ? {} : { cause }) },
      ),
    );
  }

  #keepLines(stream: Readable): void {
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!.slice(-maxLineLength);
      for (const line of lines) if (line !== '') this.#addLine(line);
    });
    stream.on('end', () => {
      if (rest !== '') this.#addLine(rest);
    });
  }

  #addLine(line: string): void {
    this.#lines.push(line.slice(0, maxLineLength));
    if (this.#lines.length > keptLines) this.#lines.shift();
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
