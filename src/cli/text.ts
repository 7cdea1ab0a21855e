/** Text for terminals. What comes from files is made harmless: no control characters, no escape sequences. */

/** `text` on one line, its control characters and direction marks shown as escapes. */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]/gu,
    (character) => {
      if (character === '\n') return '\\n';
      if (character === '\t') return '\\t';
      return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
    },
  );
}

/** The first `width` characters, the last of them an ellipsis where more was there. */
export function truncate(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`;
}

/** Rows with aligned columns. A cell wider than 48 characters, but the last of its row, is cut. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widest = 48;
  const cells = rows.map((row) =>
    row.map((cell, index) =>
      index < row.length - 1 ? truncate(printable(cell), widest) : printable(cell),
    ),
  );
  const widths: number[] = [];
  for (const row of cells) {
    row.forEach((cell, index) => {
      if (index < row.length - 1) widths[index] = Math.max(widths[index] ?? 0, cell.length);
    });
  }
  return cells.map((row) =>
    row
      .map((cell, index) => (index < row.length - 1 ? cell.padEnd(widths[index]!) : cell))
      .join('  ')
      .trimEnd(),
  );
}

/** Pairs of a name and a number in as many columns as fit, read downwards. */
export function columns(pairs: readonly (readonly [string, string])[], width: number): string[] {
  if (pairs.length === 0) return [];
  const names = pairs.map(([name]) => truncate(printable(name), 40));
  const nameWidth = Math.max(...names.map((name) => name.length));
  const numberWidth = Math.max(...pairs.map(([, number]) => number.length));
  const gap = 4;
  const cellWidth = nameWidth + 2 + numberWidth;
  const count = Math.max(1, Math.floor((width + gap) / (cellWidth + gap)));
  const height = Math.ceil(pairs.length / count);
  return Array.from({ length: height }, (_, line) => {
    const cells: string[] = [];
    for (let index = line; index < pairs.length; index += height) {
      cells.push(`${names[index]!.padEnd(nameWidth)}  ${pairs[index]![1].padStart(numberWidth)}`);
    }
    return cells.join(' '.repeat(gap));
  });
}

/** Bytes for people: `512 B`, `1.5 KiB`, `11.7 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1023.95 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
