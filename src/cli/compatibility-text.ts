import type { Compatibility } from '../engine/compatibility';
import { printable } from './text';

const width = 100;

/** `Runs here: no, because …` in lines of at most 100 columns, where words allow it. */
export function compatibilityText({ runs, reasons, summary }: Compatibility): string {
  const why = reasons
    .filter(({ verdict }) => runs !== 'no' || verdict === 'no')
    .map(({ text }) => text)
    .join(', and ');
  const text = {
    yes: `Runs here: yes. ${summary}`,
    no: `Runs here: no, because ${why}`,
    unknown: `Runs here: perhaps; ${why}`,
  }[runs];
  const lines = [''];
  for (const word of printable(text).split(' ')) {
    const last = lines.at(-1)!;
    if (last !== '' && last.length + word.length + 1 > width) lines.push(`  ${word}`);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return `${lines.join('\n')}\n`;
}
