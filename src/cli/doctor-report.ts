import type { ModelDiagnosis, ParserVerdict } from '../engine/model-doctor';
import type { DoctorNode } from '../onnx/doctor';
import { printable, truncate } from './text';

const width = 100;
const shownNodes = 8;

/** What `tensorrt-node doctor model.onnx` prints: verdicts first, then what stands behind them. */
export function modelReport(name: string, diagnosis: ModelDiagnosis): string {
  const lines = [printable(name), ...wrapped(headline(diagnosis), '')];
  for (const parser of diagnosis.parsers) lines.push('', ...parserLines(parser));
  if (diagnosis.findings.length > 0) lines.push('', 'In the file');
  for (const { severity, message, nodes, count } of diagnosis.findings) {
    lines.push(...wrapped(`${severity === 'warning' ? '!' : '·'} ${message}`, '    ', '  '));
    if (nodes.length > 0) lines.push(...nodeLines(nodes, count));
  }
  if (diagnosis.suggestions.length > 0) lines.push('', 'Options that suit it');
  for (const { option, why } of diagnosis.suggestions) {
    lines.push(...wrapped(`${option}: ${why}`, '    ', '  '));
  }
  return `${lines.join('\n')}\n`;
}

function headline({ verdict, parsers, nodeCount }: ModelDiagnosis): string {
  const asked = parsers.filter((parser) => parser.verdict !== 'unavailable');
  const names = asked.map(({ flavor }) => flavor).join(', ');
  if (verdict === 'unknown') {
    return `${nodeCount} nodes; no TensorRT parser could be asked, so only the file itself was looked at`;
  }
  if (verdict === 'supported') {
    const builds = asked.every(({ build }) => build?.verdict === 'builds');
    return `${nodeCount} nodes; ${builds ? 'builds with' : 'accepted by the parser of'} ${names}`;
  }
  const refusing = asked
    .filter((parser) => parser.verdict !== 'supported' || parser.build?.verdict !== 'builds')
    .map(({ flavor }) => flavor)
    .join(', ');
  return `${nodeCount} nodes; will not build with ${refusing}`;
}

function parserLines(parser: ParserVerdict): string[] {
  const { flavor, version, verdict, reason, build } = parser;
  const mark = { supported: '✓', unsupported: '✗', crashed: '✗', unavailable: '-' }[verdict];
  const what = {
    supported: 'its parser takes every node',
    unsupported: 'its parser refuses the model',
    crashed: 'its parser crashed; this process is unharmed',
    unavailable: 'could not be asked',
  }[verdict];
  const lines = wrapped(`${mark} ${flavor}${version ? ` ${version}` : ''}: ${what}`, '    ');
  if (verdict === 'crashed' || verdict === 'unavailable') {
    return [...lines, ...wrapped(reason ?? '', '    ', '    ')];
  }
  for (const { index, name, operator, code, reason: why } of parser.problems) {
    const where = index === undefined ? '' : `${nodeText({ index, name, operator })}: `;
    lines.push(...wrapped(`${where}${why} [${code}]`, '      ', '    '));
  }
  if (verdict === 'unsupported' && parser.problems.length === 0) {
    lines.push(...wrapped(reason ?? '', '    ', '    '));
  }
  const unknown = parser.unknownOperators.map(({ operator, count }) => `${count} ${operator}`);
  if (unknown.length > 0) {
    lines.push(
      ...wrapped(`operators that it does not know: ${unknown.join(', ')}`, '      ', '    '),
    );
  }
  if (verdict === 'unsupported') {
    const parts = parser.subgraphs.map(
      ({ nodeCount, first, last }) =>
        `${nodeCount} (${nodeText(first)}${nodeCount > 1 ? ` to ${nodeText(last)}` : ''})`,
    );
    const taken = parts.length === 0 ? 'none' : parts.join('; ');
    lines.push(...wrapped(`nodes that it would take: ${taken}`, '      ', '    '));
    if (parser.refusedNodes.length > 0) {
      lines.push(`    nodes that it refuses: ${parser.refusedNodes.length}`);
      lines.push(...nodeLines(parser.refusedNodes, parser.refusedNodes.length));
    }
  }
  for (const warning of parser.warnings) lines.push(...wrapped(`! ${warning}`, '      ', '    '));
  if (build?.verdict === 'builds') lines.push('    ✓ a trial build succeeded');
  if (build !== undefined && build.verdict !== 'builds' && build.verdict !== 'not-tried') {
    const how = build.verdict === 'crashed' ? 'crashed' : 'was refused';
    lines.push(...wrapped(`✗ a trial build ${how}: ${build.reason ?? ''}`, '      ', '    '));
  }
  return lines;
}

function nodeText({ index, name, operator }: DoctorNode): string {
  const where = index === undefined ? 'inner node' : `node ${index}`;
  return `${where}${name ? ` "${name}"` : ''} (${operator})`;
}

function nodeLines(nodes: readonly DoctorNode[], count: number): string[] {
  const lines = nodes
    .slice(0, shownNodes)
    .map((node) => truncate(`      ${printable(nodeText(node))}`, width));
  const more = count - lines.length;
  return more > 0 ? [...lines, `      and ${more} more`] : lines;
}

/** Text on lines of at most 100 columns; later lines are indented by `indent`. */
function wrapped(text: string, indent: string, first = ''): string[] {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of printable(text).split(' ')) {
    if (!isEmpty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}
