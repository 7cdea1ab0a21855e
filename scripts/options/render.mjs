/** What is written from the table of builder settings, src/engine/options/table.ts. */

const order = ['rtx1', 'trt10', 'trt11'];
const major = { rtx1: 1, trt10: 10, trt11: 11 };

export const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** The file src/engine/options/settings.ts. */
export function settingsInterface(settings) {
  const lines = [
    '// Written by scripts/build-options.mjs from table.ts; do not edit.',
    '',
    "/** Options that go to TensorRT's builder as they are. Left out means TensorRT's own default. */",
    'export interface BuilderSettings {',
  ];
  for (const [name, rule] of Object.entries(settings)) {
    const range = rule.kind === 'integer' ? ` ${rangeText(rule)}.` : '';
    const only = onlyText(rule.since);
    lines.push(...comment(`${rule.help}${range}${only === '' ? '' : ` ${only}.`}`));
    lines.push(...member(name, typeText(rule)));
  }
  return `${[...lines, '}'].join('\n')}\n`;
}

function comment(text) {
  const words = text.split(' ');
  const rows = [''];
  for (const word of words) {
    if (rows.at(-1).length + word.length > 110) rows.push('');
    rows[rows.length - 1] += `${rows.at(-1) === '' ? '' : ' '}${word}`;
  }
  if (rows.length === 1) return [`  /** ${rows[0]} */`];
  return ['  /**', ...rows.map((row) => `   * ${row}`), '   */'];
}

/** As Biome lays it out. */
function member(name, type) {
  const line = `  ${name}?: ${type};`;
  if (line.length <= 100) return [line];
  if (!type.startsWith('readonly (')) {
    return [`  ${name}?:`, ...type.split(' | ').map((part) => `    | ${part}`)].map(
      (row, i, all) => (i === all.length - 1 ? `${row};` : row),
    );
  }
  const parts = type.slice('readonly ('.length, -')[]'.length).split(' | ');
  return [`  ${name}?: readonly (`, ...parts.map((part) => `    | ${part}`), '  )[];'];
}

function typeText(rule) {
  const union = () => Object.keys(rule.choices).map((name) => `'${name}'`);
  switch (rule.kind) {
    case 'boolean':
      return 'boolean';
    case 'integer':
      return 'number';
    case 'choice':
      return union().join(' | ');
    case 'set':
      return union().length === 1
        ? `readonly ${union()[0]}[]`
        : `readonly (${union().join(' | ')})[]`;
    case 'text':
      return 'string';
    default:
      return 'readonly string[]';
  }
}

function rangeText({ min, max, powerOfTwo }) {
  const number = (value) => {
    if (value === Number.MAX_SAFE_INTEGER) return '2^53-1';
    if (value > 4096 && Number.isInteger(Math.log2(value))) return `2^${Math.log2(value)}`;
    if (value > 4096 && Number.isInteger(Math.log2(value + 1)))
      return `2^${Math.log2(value + 1)}-1`;
    if (value > 4096 && Number.isInteger(Math.log2(value + 2)))
      return `2^${Math.log2(value + 2)}-2`;
    return String(value);
  };
  return `${number(min)} to ${number(max)}${powerOfTwo ? ', powers of two' : ''}`;
}

/** `TensorRT 10.6+ and 11 only`, or nothing. */
function onlyText(since) {
  if (since === undefined || order.every((flavor) => since[flavor] === 0)) return '';
  const names = order.filter((flavor) => since[flavor] !== undefined);
  const text = names.map(
    (flavor) => `${flavor}${since[flavor] > 0 ? ` from ${version(flavor, since)}` : ''}`,
  );
  return `With ${text.join(', ')}`;
}

const version = (flavor, since) => `${major[flavor]}.${since[flavor]}`;

/** The page docs/build-options.md. */
export function docsPage({ settings, groups, structured, leftOut, formats }) {
  const lines = [
    '<!-- Written by scripts/build-options.mjs from src/engine/options/table.ts; do not edit. -->',
    '',
    '# Build options',
    '',
    `${Object.keys(settings).length} settings of TensorRT's builder and parser, all of them keys of the options of \`Engine.build\` and flags`,
    "of `tensorrt-node build`. What is left out keeps TensorRT's own default. [engine-build.md](engine-build.md)",
    'tells of the options that are our own.',
    '',
    'In the columns `rtx1` (TensorRT-RTX), `trt10` and `trt11`: **yes**, the version that brought the option, or – where',
    'it is lacking. An option or value that the loaded library lacks ends the build before it starts: with',
    '`ERR_INVALID_ARGUMENT` where the product never has it, with `ERR_TENSORRT_VERSION` where it is too old; the message',
    'names the flavour, its version and what to do instead. After a value is set it is read back from TensorRT, and the',
    'build fails if another one stands there.',
    '',
    'The column *seen* says where the tests see the effect with the real TensorRT-RTX, which builds without a GPU: in the',
    'plan, or in the log only. Where it is empty, TensorRT holds the value and nothing more can be told without a GPU.',
    'Nothing here has been measured on a GPU.',
  ];
  for (const [group, title] of Object.entries(groups)) {
    lines.push('', `## ${title}`, '');
    lines.push('| option | values | meaning | rtx1 | trt10 | trt11 | seen | TensorRT |');
    lines.push('| --- | --- | --- | --- | --- | --- | --- | --- |');
    for (const [name, rule] of Object.entries(settings)) {
      if (rule.group === group) lines.push(settingRow(name, rule));
    }
  }
  lines.push('', '## Values that not every flavour has', '');
  lines.push('| value | rtx1 | trt10 | trt11 | otherwise |', '| --- | --- | --- | --- | --- |');
  for (const [name, rule] of Object.entries(settings)) {
    for (const [text, choice] of Object.entries(rule.choices ?? {})) {
      if (choice.since === undefined) continue;
      const cells = order.map((flavor) => hasText(flavor, choice.since));
      lines.push(
        `| \`${name}\`: \`${text}\` | ${cells.join(' | ')} | ${choice.alternative ?? ''} |`,
      );
    }
  }
  lines.push('', '## Inputs and outputs', '');
  lines.push('| option | flag | meaning | TensorRT |', '| --- | --- | --- | --- |');
  for (const [name, { flag, help, native }] of Object.entries(structured)) {
    lines.push(
      `| \`${name}\` | \`${flag}\` | ${help} | ${native.map((item) => `\`${item}\``).join(', ')} |`,
    );
  }
  lines.push(
    '',
    `Tensor formats: ${Object.keys(formats)
      .map((name) => `\`${name}\``)
      .join(', ')}.`,
    '',
    '```js',
    "await Engine.build('model.onnx', {",
    '  shapes: [',
    '    { images: { min: [1, 3, 320, 320], max: [4, 3, 320, 320] }, size: { values: [320, 320] } },',
    '    { images: [1, 3, 640, 640], size: { values: { min: [320, 320], max: [640, 640] } } },',
    '  ],',
    "  tensors: { images: { formats: ['hwc', 'linear'] } },",
    '});',
    '```',
    '',
    '`size: { values }` is for an input that the graph uses as a shape: the range is of its values. On the command line',
    'an input that is named again begins the next profile.',
    '',
    '## Left out',
    '',
    'Names in the headers that no option offers:',
    '',
  );
  for (const [name, reasons] of Object.entries(leftOut)) {
    for (const [enumerator, why] of Object.entries(reasons)) {
      lines.push(`- \`${name}::${enumerator}\`: ${why}.`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function settingRow(name, rule) {
  const values =
    rule.kind === 'boolean'
      ? 'true, false'
      : rule.kind === 'integer'
        ? rangeText(rule)
        : rule.choices
          ? `${rule.kind === 'set' ? 'any of ' : ''}${Object.keys(rule.choices)
              .map((text) => `\`${text}\``)
              .join(', ')}`
          : rule.kind === 'text'
            ? 'text'
            : 'files';
  const cells = order.map((flavor) => hasText(flavor, rule.since));
  return `| \`${name}\` <br> \`--${kebab(name)}\` | ${values} | ${rule.help} | ${cells.join(' | ')} | ${rule.seen ?? ''} | \`${rule.native}\` |`;
}

function hasText(flavor, since) {
  if (since === undefined || since[flavor] === 0) return 'yes';
  return since[flavor] === undefined ? '–' : `${version(flavor, since)}`;
}
