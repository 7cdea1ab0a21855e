import { readFileSync, writeFileSync } from 'node:fs';

/** Memory of a process that lies in RAM, in bytes; files that it has mapped and touched count too. */
export interface ProcessMemory {
  residentBytes: number;
  /** The most that it has been, since the process began or since {@link resetPeakMemory}. */
  peakBytes: number;
}

/** Undefined when the process is gone, or where there is no /proc. Takes some tens of microseconds. */
export function readProcessMemory(pid: number | 'self', proc = '/proc'): ProcessMemory | undefined {
  let text: string;
  try {
    text = readFileSync(`${proc}/${pid}/status`, 'utf8');
  } catch {
    return undefined;
  }
  // A process that is being reaped has no memory lines.
  const residentBytes = kilobytesOf(text, 'VmRSS');
  const peakBytes = kilobytesOf(text, 'VmHWM');
  return residentBytes === undefined || peakBytes === undefined
    ? undefined
    : { residentBytes, peakBytes };
}

function kilobytesOf(status: string, key: string): number | undefined {
  const found = new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(status);
  return found ? Number(found[1]) * 1024 : undefined;
}

/** Makes this process's peak start anew. False where the kernel does not let it. */
export function resetPeakMemory(proc = '/proc'): boolean {
  try {
    writeFileSync(`${proc}/self/clear_refs`, '5');
    return true;
  } catch {
    return false;
  }
}

/** Calls `onExceeded` once, with the size, when a process has grown above a limit. */
export class MemoryWatch {
  /** The largest size seen; undefined when none could be read. */
  peakBytes: number | undefined;
  readonly #timer: NodeJS.Timeout;
  #countsPeak = false;

  /**
   * @param intervalMs Time between two looks: growth within it may go beyond the limit before it is seen
   */
  constructor(
    readonly pid: number,
    readonly limitBytes: number | undefined,
    readonly onExceeded: (sizeBytes: number) => void,
    intervalMs: number,
  ) {
    this.#timer = setInterval(() => this.#look(), intervalMs).unref();
    this.#look();
  }

  /** From now on the kernel's peak is that of what is watched: growth between two looks is seen too. */
  countPeak(): void {
    this.#countsPeak = true;
    this.peakBytes = undefined;
    this.#look();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const memory = readProcessMemory(this.pid);
    if (!memory) return;
    const sizeBytes = this.#countsPeak ? memory.peakBytes : memory.residentBytes;
    this.peakBytes = Math.max(this.peakBytes ?? 0, sizeBytes);
    if (this.limitBytes !== undefined && sizeBytes > this.limitBytes) {
      this.stop();
      this.onExceeded(sizeBytes);
    }
  }
}
