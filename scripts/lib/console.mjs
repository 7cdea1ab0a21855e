// What the project's scripts print: short marked lines, in colour on a terminal only.

const colour =
  process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';

const paint = (code) => (text) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);

export const bold = paint('1');
export const dim = paint('2');
export const red = paint('31');
export const green = paint('32');
export const yellow = paint('33');

const marks = {
  ok: () => green('✓'),
  skip: () => dim('–'),
  warn: () => yellow('!'),
  fail: () => red('✗'),
  step: () => bold('→'),
};

/**
 * Prints one marked line; further lines of `text` are indented under it.
 *
 * @param {'ok' | 'skip' | 'warn' | 'fail' | 'step'} mark
 */
export function say(mark, text) {
  process.stdout.write(`${marks[mark]()} ${text.replaceAll('\n', '\n  ')}\n`);
}

/** `1234567` → `1.2 MB`, in powers of ten as registries give sizes. */
export function formatBytes(bytes) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
