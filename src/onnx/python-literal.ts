/**
 * A reader of Python literals: what `repr()` gives for dicts, lists, tuples, strings, numbers, booleans and
 * None. Ultralytics stores its metadata that way. JSON's own words (`true`, `false`, `null`) are read as well.
 * Nothing is evaluated.
 */

export type PythonLiteral =
  | string
  | number
  | boolean
  | null
  | PythonLiteral[]
  | Map<string | number, PythonLiteral>;

const maxDepth = 16;
const maxCharacters = 1 << 24;

const words: Record<string, boolean | null> = {
  True: true,
  False: false,
  None: null,
  true: true,
  false: false,
  null: null,
};

const escapes: Record<string, string> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  v: '\v',
  a: '\x07',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '/': '/',
  '\n': '',
};

const numberPattern = /[+-]?(?:\d+(?:_\d+)*)?\.?\d*(?:[eE][+-]?\d+)?/y;
const wordPattern = /[A-Za-z]+/y;

/** The value that `text` spells. Throws a SyntaxError that says where the text stops being a literal. */
export function parsePythonLiteral(text: string): PythonLiteral {
  if (text.length > maxCharacters) throw new SyntaxError('the literal is too long');
  const parser = new Parser(text);
  const value = parser.value(0);
  parser.end();
  return value;
}

class Parser {
  private position = 0;

  constructor(private readonly text: string) {}

  value(depth: number): PythonLiteral {
    if (depth > maxDepth) throw this.unexpected('fewer nested brackets');
    const next = this.peek();
    if (next === '{') return this.dict(depth);
    if (next === '[') return this.sequence(']', depth).items;
    if (next === '(') {
      const { items, commas } = this.sequence(')', depth);
      // Brackets around one value without a comma are grouping, not a tuple.
      return items.length === 1 && commas === 0 ? items[0]! : items;
    }
    if (next === "'" || next === '"') return this.string();
    if (/[0-9.+-]/.test(next)) return this.number();
    return this.word();
  }

  end(): void {
    if (this.peek() !== '') throw this.unexpected('the end of the literal');
  }

  private dict(depth: number): Map<string | number, PythonLiteral> {
    const result = new Map<string | number, PythonLiteral>();
    this.position++;
    while (this.peek() !== '}') {
      const key = this.value(depth + 1);
      if (typeof key !== 'string' && typeof key !== 'number') {
        throw this.unexpected('a string or a number as key');
      }
      this.expect(':');
      result.set(key, this.value(depth + 1));
      if (this.peek() !== '}') this.expect(',');
    }
    this.position++;
    return result;
  }

  private sequence(close: string, depth: number): { items: PythonLiteral[]; commas: number } {
    const items: PythonLiteral[] = [];
    let commas = 0;
    this.position++;
    while (this.peek() !== close) {
      items.push(this.value(depth + 1));
      if (this.peek() !== close) {
        this.expect(',');
        commas++;
      }
    }
    this.position++;
    return { items, commas };
  }

  private string(): string {
    const quote = this.text[this.position++];
    let result = '';
    let start = this.position;
    for (;;) {
      const character = this.text[this.position];
      if (character === undefined) throw this.unexpected('a closing quote');
      if (character === quote) break;
      if (character === '\\') {
        result += this.text.slice(start, this.position) + this.escape();
        start = this.position;
      } else this.position++;
    }
    return result + this.text.slice(start, this.position++);
  }

  private escape(): string {
    const letter = this.text[this.position + 1] ?? '';
    this.position += 2;
    const plain = escapes[letter];
    if (plain !== undefined) return plain;
    const digits = { x: 2, u: 4, U: 8 }[letter];
    if (digits === undefined) return `\\${letter}`;
    const code = this.text.slice(this.position, this.position + digits);
    const point = Number.parseInt(code, 16);
    if (code.length < digits || !/^[0-9a-fA-F]+$/.test(code) || point > 0x10ffff) {
      throw this.unexpected(`${digits} hexadecimal digits`);
    }
    this.position += digits;
    return String.fromCodePoint(point);
  }

  private number(): number {
    numberPattern.lastIndex = this.position;
    const match = numberPattern.exec(this.text)?.[0] ?? '';
    const value = Number(match.replaceAll('_', ''));
    if (!/\d/.test(match) || Number.isNaN(value)) throw this.unexpected('a number');
    this.position += match.length;
    return value;
  }

  private word(): boolean | null {
    wordPattern.lastIndex = this.position;
    const match = wordPattern.exec(this.text)?.[0] ?? '';
    if (!Object.hasOwn(words, match)) throw this.unexpected('a literal');
    this.position += match.length;
    return words[match]!;
  }

  private expect(character: string): void {
    if (this.peek() !== character) throw this.unexpected(`"${character}"`);
    this.position++;
  }

  /** The next character that is no white space; '' at the end. */
  private peek(): string {
    while (/\s/.test(this.text[this.position] ?? '')) this.position++;
    return this.text[this.position] ?? '';
  }

  private unexpected(expected: string): SyntaxError {
    const found = this.text.slice(this.position, this.position + 12);
    return new SyntaxError(
      `expected ${expected} at character ${this.position} but found ${found === '' ? 'the end' : JSON.stringify(found)}`,
    );
  }
}
