import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Headers that hold the classes whose virtual functions cross the library's boundary. */
const headerNames = [
  'NvInferRuntimeBase.h',
  'NvInferPluginBase.h',
  'NvInferRuntimePlugin.h',
  'NvInferRuntimeCommon.h',
  'NvInferRuntime.h',
  'NvInferImpl.h',
  'NvInfer.h',
  'NvOnnxParser.h',
];

/**
 * Virtual function tables of one header set: class name to its entries in slot order, base classes first.
 * An entry is `{ name, signature, returns }`; a virtual destructor takes two slots (Itanium C++ ABI).
 */
export function readTables(folder) {
  const classes = new Map();
  for (const name of headerNames) {
    const file = path.join(folder, name);
    if (!existsSync(file)) continue;
    for (const [className, body] of parseClasses(stripped(readFileSync(file, 'utf8')))) {
      // Older versions of an interface (namespace v_1_0) come first; the last definition is the current one,
      // and may derive from the older one of the same name.
      if (body.base === className) {
        body.base = `${className} (older)`;
        classes.set(body.base, classes.get(className));
      }
      classes.set(className, body);
    }
  }
  const tables = new Map();
  const table = (className) => {
    const known = tables.get(className);
    if (known) return known;
    const entry = classes.get(className);
    const slots = entry?.base ? [...table(entry.base)] : [];
    for (const member of entry?.members ?? []) {
      if (slots.some((slot) => slot.signature === member.signature)) continue;
      slots.push(member);
      if (member.name === '~') slots.push({ ...member, signature: '~ (deleting)' });
    }
    tables.set(className, slots);
    return slots;
  };
  for (const className of classes.keys()) table(className);
  for (const [className, slots] of tables) if (slots.length === 0) tables.delete(className);
  return tables;
}

function stripped(text) {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, ' ')
    .replace(/\/\/[^\n]*/g, ' ')
    .replace(/^[ \t]*#(?:[^\n]*\\\n)*[^\n]*$/gm, ' ');
}

/** Every `class X … { … }`, nested ones too, with its first base and its virtual members. */
function* parseClasses(text) {
  const head = /\bclass\s+(?:[A-Z_]+\s+)?(\w+)\s*(?:final\s*)?(?::\s*([^{;]+?))?\s*\{/g;
  for (let match = head.exec(text); match; match = head.exec(text)) {
    const bodyStart = head.lastIndex;
    const body = text.slice(bodyStart, endOfBlock(text, bodyStart));
    const base = /(?:public|protected|private)?\s*(?:virtual\s+)?(?:\w+::)*(\w+)\s*(?:,|$)/.exec(
      match[2] ?? '',
    )?.[1];
    yield [match[1], { base, members: virtualMembers(body) }];
  }
}

function endOfBlock(text, start) {
  let depth = 1;
  for (let i = start; i < text.length; i++) {
    if (text[i] === '{') depth++;
    else if (text[i] === '}' && --depth === 0) return i;
  }
  return text.length;
}

/** Declarations at the class's own level; inner braces (bodies, enums, nested classes) are cut out. */
function virtualMembers(body) {
  let flat = '';
  for (let i = 0; i < body.length; i++) {
    if (body[i] === '{') {
      i = endOfBlock(body, i + 1);
      flat += ';';
    } else flat += body[i];
  }
  const members = [];
  for (const statement of flat.split(';')) {
    const text = statement
      .replace(/\b(?:public|protected|private)\s*:/g, ' ')
      .replace(/\s+/g, ' ')
      .trim();
    if (!/\bvirtual\b/.test(text) && !/\boverride\b|\bfinal\b/.test(text)) continue;
    const member = parseMember(text);
    if (member) members.push(member);
  }
  return members;
}

function parseMember(text) {
  if (/~\s*\w+\s*\(/.test(text)) return { name: '~', signature: '~', returns: '' };
  const open = /\b(operator\s*\S+|\w+)\s*\(/.exec(
    text.replace(/\b(?:noexcept|alignas)\s*\([^)]*\)/g, ''),
  );
  if (!open) return undefined;
  const name = open[1];
  const start = text.indexOf('(', text.indexOf(name));
  const end = closing(text, start);
  const returns = normalise(
    text.slice(0, text.indexOf(name)).replace(/\b(?:virtual|TRT\w*|TENSORRT\w*)\b/g, ' '),
  );
  const parameters = splitTop(text.slice(start + 1, end))
    .map(parameterType)
    .join(', ');
  const isConst = /^\s*const\b/.test(text.slice(end + 1));
  return { name, signature: `${name}(${parameters})${isConst ? ' const' : ''}`, returns };
}

function closing(text, open) {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')' && --depth === 0) return i;
  }
  return text.length;
}

function splitTop(text) {
  const parts = [];
  let depth = 0;
  let part = '';
  for (const char of text) {
    if ('(<['.includes(char)) depth++;
    if (')>]'.includes(char)) depth--;
    if (char === ',' && depth === 0) {
      parts.push(part);
      part = '';
    } else part += char;
  }
  return part.trim() === '' ? parts : [...parts, part];
}

/** The type alone: no default value, no name, `T const&` for `const T &`. */
function parameterType(text) {
  const type = text.replace(/=.*$/, '').trim();
  if (/\(\s*\*/.test(type)) return normalise(type);
  const named = /^(.*[\w>*&]\s*[*&\s])(\w+)$/.exec(type);
  const builtin = /^(?:int|bool|float|double|char|void|const|unsigned|long|short)$/;
  return normalise(
    named && !builtin.test(named[2]) && !/^\s*const\s*$/.test(named[1]) ? named[1] : type,
  );
}

function normalise(type) {
  let text = type
    .replace(/\b(?:nvinfer1|nvonnxparser|std|v_\d+_\d+|apiv|impl)::/g, '')
    .replace(/\bint\b/g, 'int32_t')
    .replace(/\s+/g, ' ')
    .trim();
  // A trailing const of a parameter passed by value or pointer is no part of the signature.
  text = text.replace(/^const (\w+)(?=\s*[*&])/, '$1 const').replace(/\* ?const$/, '*');
  if (!/[*&]/.test(text)) text = text.replace(/\bconst\b/g, '').trim();
  return text
    .replace(/\s*([*&])\s*/g, '$1')
    .replace(/\s+/g, ' ')
    .trim();
}
