import { type PythonLiteral, parsePythonLiteral } from './python-literal';

export const yoloTasks = ['detect', 'segment', 'pose', 'obb', 'classify'] as const;

export type YoloTask = (typeof yoloTasks)[number];

/** What an Ultralytics export says of itself in its metadata. A key that is absent or unreadable is undefined. */
export interface YoloMetadata {
  task: YoloTask | undefined;
  /** Class names by class number; a number without a name reads `class<number>`. */
  names: readonly string[] | undefined;
  /** Largest stride of the network, in pixels. */
  stride: number | undefined;
  /** Input size that the model was exported for, [height, width] in pixels. */
  imageSize: readonly [height: number, width: number] | undefined;
  /** Batch size that the model was exported for. */
  batch: number | undefined;
  /** Input channels. */
  channels: number | undefined;
  /** Key points of a pose model: [count, values a point (2: x y, 3: x y visibility)]. */
  keypointShape: readonly [count: number, values: number] | undefined;
  /** Names of the key points by class number. */
  keypointNames: ReadonlyMap<number, readonly string[]> | undefined;
  /** The head gives final detections itself and needs no non-maximum suppression. */
  endToEnd: boolean | undefined;
  /** Non-maximum suppression is part of the graph (export argument `nms`). */
  nmsInside: boolean | undefined;
  description: string | undefined;
  /** Version of the exporter. */
  version: string | undefined;
  license: string | undefined;
  /** One sentence for each value that is there and could not be used. */
  problems: readonly string[];
}

/** A class number beyond this is taken for garbage: it would cost an array of that length. */
const maxClasses = 1_000_000;
const maxImageSide = 65_536;

/**
 * Reads the metadata that Ultralytics' exporters write into an ONNX file (and, as JSON, into an engine file).
 * Never throws: what cannot be read is listed in `problems`.
 */
export function parseYoloMetadata(metadata: Readonly<Record<string, string>>): YoloMetadata {
  const problems: string[] = [];
  const get = (key: string): string | undefined => {
    const value = Object.hasOwn(metadata, key) ? metadata[key] : undefined;
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  /** Reads one key; `convert` answers undefined where the value is not what `expected` says. */
  function read<T>(
    key: string,
    expected: string,
    convert: (value: PythonLiteral) => T | undefined,
  ): T | undefined {
    const text = get(key);
    if (text === undefined) return undefined;
    let reason: string;
    try {
      const result = convert(parsePythonLiteral(text));
      if (result !== undefined) return result;
      reason = `received ${JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text)}`;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      reason = error.message;
    }
    problems.push(`Expected ${expected} for metadata "${key}" but ${reason}`);
    return undefined;
  }

  const taskText = get('task');
  const task = yoloTasks.find((known) => known === taskText);
  if (taskText !== undefined && task === undefined) {
    problems.push(
      `Expected one of ${yoloTasks.join(', ')} for metadata "task" but received ${JSON.stringify(taskText)}`,
    );
  }
  return {
    task,
    names: read('names', 'class names', toNames),
    stride: read('stride', 'a positive whole number', (value) =>
      whole(Array.isArray(value) ? largest(value) : value, maxImageSide),
    ),
    imageSize: read('imgsz', 'one or two positive whole numbers', toImageSize),
    batch: read('batch', 'a positive whole number', (value) => whole(value, 2 ** 31)),
    channels: read('channels', 'a positive whole number', (value) => whole(value, maxImageSide)),
    keypointShape: read('kpt_shape', '[count, 2 or 3]', toKeypointShape),
    keypointNames: read('kpt_names', 'lists of names by class', toKeypointNames),
    endToEnd: read('end2end', 'True or False', toBoolean),
    nmsInside: read('args', 'a dict of export arguments', (value) =>
      value instanceof Map ? value.get('nms') === true : undefined,
    ),
    description: get('description'),
    version: get('version'),
    license: get('license'),
    problems,
  };
}

function toNames(value: PythonLiteral): string[] | undefined {
  const entries: [number, PythonLiteral][] | undefined = Array.isArray(value)
    ? value.map((name, index) => [index, name])
    : value instanceof Map
      ? [...value].map(([key, name]) => [classNumber(key), name])
      : undefined;
  if (entries === undefined || entries.length === 0) return undefined;
  let count = 0;
  for (const [index] of entries) {
    if (!Number.isInteger(index) || index < 0 || index >= maxClasses) return undefined;
    count = Math.max(count, index + 1);
  }
  const names = Array.from({ length: count }, (_, index) => `class${index}`);
  for (const [index, name] of entries) {
    if (typeof name !== 'string' && typeof name !== 'number') return undefined;
    names[index] = String(name);
  }
  return names;
}

function toImageSize(value: PythonLiteral): [number, number] | undefined {
  const sides = Array.isArray(value) ? value : [value];
  const height = whole(sides[0], maxImageSide);
  const width = sides.length === 1 ? height : whole(sides[1], maxImageSide);
  return height === undefined || width === undefined || sides.length > 2
    ? undefined
    : [height, width];
}

function toKeypointShape(value: PythonLiteral): [number, number] | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const count = whole(value[0], 10_000);
  return count !== undefined && (value[1] === 2 || value[1] === 3) ? [count, value[1]] : undefined;
}

function toKeypointNames(value: PythonLiteral): Map<number, string[]> | undefined {
  if (!(value instanceof Map)) return undefined;
  const result = new Map<number, string[]>();
  for (const [key, names] of value) {
    const index = classNumber(key);
    if (!Number.isInteger(index) || index < 0 || !Array.isArray(names)) return undefined;
    result.set(index, names.map(String));
  }
  return result;
}

function toBoolean(value: PythonLiteral): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

/** A dict's key as class number; JSON has them as strings. NaN where it is none. */
function classNumber(key: string | number): number {
  if (typeof key === 'number') return key;
  return /^\d+$/.test(key) ? Number(key) : Number.NaN;
}

function whole(value: PythonLiteral | undefined, max: number): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= max
    ? value
    : undefined;
}

function largest(values: PythonLiteral[]): number {
  return values.reduce<number>(
    (max, value) => Math.max(max, typeof value === 'number' ? value : Number.NaN),
    0,
  );
}
