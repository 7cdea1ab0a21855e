import type { Readable } from 'node:stream';

const keptLines = 40;
const maxLineLength = 1000;

/** The last lines that a process wrote, which tell most about a crash. */
export class LastLines {
  readonly #lines: string[] = [];

  /** What `stream` brings from now on. */
  follow(stream: Readable): void {
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!.slice(-maxLineLength);
      for (const line of lines) this.add(line);
    });
    stream.on('end', () => this.add(rest));
  }

  add(line: string): void {
    if (line === '') return;
    this.#lines.push(line.slice(0, maxLineLength));
    if (this.#lines.length > keptLines) this.#lines.shift();
  }

  toArray(): string[] {
    return [...this.#lines];
  }
}
