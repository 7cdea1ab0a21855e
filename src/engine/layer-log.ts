import {
  type EngineLayer,
  type EngineLayerIO,
  type EngineLayers,
  type EngineLayerTensor,
  ioOf,
  type Json,
  layerOf,
  toDType,
} from './layers';

/** Reads the text that the builder logs of an engine's layers: the detailed form or the short one. */
export function parseLayerLog(text: string): EngineLayers {
  const lines = text.split('\n');
  const at = lines.indexOf('Layers:');
  if (at >= 0) return parseDetailedLog(lines.slice(at + 1));
  const layers = lines.flatMap((line) => shortLayer(line) ?? []);
  return { detail: layers.length === 0 ? 'none' : 'tensors', layers, io: [] };
}

function parseDetailedLog(lines: readonly string[]): EngineLayers {
  const layers: EngineLayer[] = [];
  const io: EngineLayerIO[] = [];
  let section: 'layers' | 'io' | 'other' = 'layers';
  for (const raw of lines) {
    const line = raw.trim();
    if (line === '') continue;
    if (/^[A-Z][A-Za-z/ ]*:$/.test(line)) {
      section = line === 'I/O Tensors:' ? 'io' : 'other';
    } else if (section === 'layers') layers.push(layerOf(new FieldReader(line).fields()));
    else if (section === 'io') io.push(ioOf(new FieldReader(line).fields()));
  }
  return { detail: layers.length === 0 ? 'none' : 'detailed', layers, io };
}

/** `Layer(Kind): name, Tactic: 0x0, x (Half[1,3,4]) -> y (Half[1,4])`; a size such as `3:8` is packed in eights. */
function shortLayer(line: string): EngineLayer | undefined {
  const match = /^Layer\(([^)]*)\): (.*?), Tactic: (\S+?)(?:, (.*))?$/.exec(line.trim());
  if (match === null) return undefined;
  const [, type, name, tactic, rest = ''] = match;
  const [inputs = '', outputs = ''] = rest.split(' -> ');
  const from = shortTensors(inputs);
  const to = shortTensors(outputs);
  return {
    name: name!,
    type,
    precision: from[0]?.dtype ?? to[0]?.dtype,
    inputs: from,
    outputs: to,
    constants: [],
    tactic: /^0x0+$/.test(tactic!) ? undefined : tactic,
    stream: undefined,
    onnxNodes: [],
  };
}

function shortTensors(text: string): EngineLayerTensor[] {
  return [...text.matchAll(/(?:^|, )(.+?) \((\w+)[[(]([^\])]*)[\])]\)/g)].map(
    ([, name, type, sizes]) => {
      const parts = sizes === '' ? [] : sizes!.split(',');
      const packed = parts.findIndex((part) => part.includes(':'));
      return {
        name: name!,
        dtype: toDType(type),
        shape: parts.map((part) => Number.parseInt(part, 10)),
        format:
          packed < 0 ? undefined : `dimension ${packed} packed by ${parts[packed]!.split(':')[1]}`,
      };
    },
  );
}

/**
 * Reads one line of the inspector's `Key: value, Key: value` form, where a value is text, a list in `[ ]` of
 * numbers or of objects in `{ }`. Text may hold commas; it ends where the next key begins.
 */
class FieldReader {
  #at = 0;
  constructor(readonly line: string) {}

  fields(end?: string): Json {
    const result: Json = {};
    while (this.#at < this.line.length) {
      this.#skip(', ');
      if (end !== undefined && this.line[this.#at] === end) break;
      const key = /^([A-Za-z][\w/ ]*): ?/.exec(this.line.slice(this.#at));
      if (key === null) break;
      this.#at += key[0].length;
      result[key[1]!] = this.#value(key[1]!, end);
    }
    return result;
  }

  #value(key: string, end: string | undefined): unknown {
    const next = this.line[this.#at];
    if (next === '[' && key !== 'Metadata') return this.#list();
    if (next === '{' && key !== 'Name') {
      this.#at++;
      const value = this.fields('}');
      this.#at++;
      return value;
    }
    const rest = this.line.slice(this.#at);
    // The next key of the same level, or the end of the object that this is a field of.
    const stop = end === undefined ? /, [A-Z][\w/]*: ?/ : /, [A-Z][\w/]*: ?| ?\}(?=[,\]]| \])/;
    const length = stop.exec(rest)?.index ?? rest.length;
    this.#at += length;
    const text = rest.slice(0, length).trim();
    if (text === 'true' || text === 'false') return text === 'true';
    return text;
  }

  #list(): unknown[] {
    const items: unknown[] = [];
    this.#at++;
    for (;;) {
      this.#skip(', ');
      const next = this.line[this.#at];
      if (next === undefined || next === ']') break;
      if (next === '{') {
        this.#at++;
        items.push(this.fields('}'));
        this.#skip(' ');
        this.#at++;
      } else {
        const item = /^[^,\]]*/.exec(this.line.slice(this.#at))![0];
        this.#at += Math.max(item.length, 1);
        items.push(/^-?\d+$/.test(item.trim()) ? Number(item) : item.trim());
      }
    }
    this.#at++;
    return items;
  }

  #skip(characters: string): void {
    while (characters.includes(this.line[this.#at] ?? '\0')) this.#at++;
  }
}
