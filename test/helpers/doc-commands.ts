import { readFileSync } from 'node:fs';
import path from 'node:path';
import { dataRoot, projectRoot } from './data';

/** One thing that a page tells its reader to run. */
export interface DocStep {
  kind: 'command' | 'snippet';
  /** Line of the page, from 1. */
  line: number;
  /** The command without its comment, or the snippet. */
  text: string;
  exitCode: number;
  /** Why it is not run, e.g. "needs a GPU". */
  skipped?: string;
}

export interface DocPage {
  /** Path from the project root. */
  file: string;
  /** Files that its reader has: name on the page, and the file that stands for it. */
  given: { name: string; source: string }[];
  steps: DocStep[];
  /** Lines of other blocks that call the command and are run by nothing. */
  unrun: string[];
}

/** Reads the blocks of a page as CONTRIBUTING.md, section "Pages whose commands run", says. */
export function readDocPage(file: string): DocPage {
  const text = readFileSync(path.join(projectRoot, file), 'utf8');
  const page: DocPage = { file, given: [], steps: [], unrun: [] };
  for (const [, list] of text.matchAll(/<!--\s*given:([\s\S]*?)-->/g)) {
    for (const entry of list!.split(/[\s,]+/).filter(Boolean)) {
      const [name, from] = entry.split('=');
      if (!name || !from) throw new Error(`${file}: expected NAME=FILE but found "${entry}"`);
      const isData = from.startsWith('data/');
      page.given.push({
        name,
        source: isData ? path.join(dataRoot, from.slice(5)) : path.join(projectRoot, from),
      });
    }
  }
  for (const block of blocksOf(text)) {
    if (block.info === 'sh') page.steps.push(...commandsOf(block));
    else if (/^(js|ts) run$/.test(block.info))
      page.steps.push({
        kind: 'snippet',
        line: block.line,
        text: block.lines.join('\n'),
        exitCode: 0,
      });
    else if (/^(bash|shell|console)?$/.test(block.info))
      page.unrun.push(...block.lines.filter((line) => /\btensorrt-node [a-z]/.test(line)));
  }
  return page;
}

interface Block {
  info: string;
  /** Line of the fence. */
  line: number;
  lines: string[];
}

function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  let open: Block | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^```(.*)$/.exec(line);
    if (!fence) open?.lines.push(line);
    else if (open) {
      blocks.push(open);
      open = undefined;
    } else open = { info: fence[1]!.trim(), line: index + 1, lines: [] };
  }
  if (open) throw new Error(`a block that begins in line ${open.line} does not end`);
  return blocks;
}

/** One step a line; a line that ends in a backslash goes on. */
function commandsOf({ lines, line: fence }: Block): DocStep[] {
  const steps: DocStep[] = [];
  let start = 0;
  for (let index = 0; index < lines.length; index++) {
    if (lines[index]!.endsWith('\\') && index + 1 < lines.length) continue;
    const whole = lines.slice(start, index + 1).join('\n');
    const line = fence + 1 + start;
    start = index + 1;
    const [, command = '', comment = ''] = /^([\s\S]*?)(?:(?:^|\s)#\s(.*))?$/.exec(whole)!;
    if (command.trim() === '') continue;
    const needs = /\bneeds a GPU\b/.exec(comment)?.[0];
    steps.push({
      kind: 'command',
      line,
      text: command.trim(),
      exitCode: Number(/\bexits (\d+)/.exec(comment)?.[1] ?? 0),
      ...(needs === undefined ? {} : { skipped: needs }),
    });
  }
  return steps;
}
