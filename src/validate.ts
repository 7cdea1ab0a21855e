import { TensorRTNodeError } from './errors';

const shorten = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text;

/** How a received value reads in an error message: short, typed, never a dump. */
export function describe(value: unknown): string {
  try {
    return shorten(describeReadable(value), 200);
  } catch {
    return 'an object that cannot be read';
  }
}

function describeReadable(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'undefined';
  switch (typeof value) {
    case 'string':
      return `"${shorten(value, 60)}" of type string`;
    case 'number':
    case 'boolean':
      return `${value} of type ${typeof value}`;
    case 'bigint':
      return `${value}n of type bigint`;
    case 'function':
      return `function ${value.name}`;
    case 'symbol':
      return String(value);
    default: {
      if (Array.isArray(value)) return `an array of length ${value.length}`;
      const name = Object.getPrototypeOf(value)?.constructor?.name ?? 'Object';
      return `an instance of ${name}`;
    }
  }
}

/** `Expected <what> for <name> but received <value>`: the one message form for bad arguments. */
export function invalidArgument(
  name: string,
  expected: string,
  received: unknown,
): TensorRTNodeError {
  return new TensorRTNodeError(
    'ERR_INVALID_ARGUMENT',
    `Expected ${expected} for ${shorten(name, 120)} but received ${describe(received)}`,
  );
}

/** As {@link invalidArgument}, for a received value that is told in words. */
export function invalidValue(name: string, expected: string, received: string): TensorRTNodeError {
  return new TensorRTNodeError(
    'ERR_INVALID_ARGUMENT',
    `Expected ${expected} for ${name} but received ${received}`,
  );
}

export function requireString(name: string, value: unknown): string {
  if (typeof value !== 'string' || value.length === 0)
    throw invalidArgument(name, 'a non-empty string', value);
  return value;
}

export function requireInteger(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw invalidArgument(name, `an integer from ${min} to ${max}`, value);
  }
  // Minus zero is zero.
  return value + 0;
}

export function requireNumber(name: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number' || !(value >= min && value <= max)) {
    throw invalidArgument(name, `a number from ${min} to ${max}`, value);
  }
  return value;
}

export function requireBoolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw invalidArgument(name, 'a boolean', value);
  return value;
}

/** Any object that behaves as an AbortSignal: it may come from another realm. */
export function requireSignal(name: string, value: unknown): AbortSignal {
  const signal = value as AbortSignal | null;
  const isSignal =
    typeof signal === 'object' &&
    signal !== null &&
    typeof signal.aborted === 'boolean' &&
    typeof signal.addEventListener === 'function' &&
    typeof signal.throwIfAborted === 'function';
  if (!isSignal) throw invalidArgument(name, 'an AbortSignal', value);
  return signal;
}

export function requireOneOf<T extends string>(
  name: string,
  value: unknown,
  choices: readonly T[],
): T {
  if (!choices.includes(value as T)) {
    throw invalidArgument(
      name,
      `one of ${choices.map((choice) => `"${choice}"`).join(', ')}`,
      value,
    );
  }
  return value as T;
}

/** Rejects keys that no option has, so that a misspelt option is an error and not silence. */
export function requireKnownKeys(name: string, value: unknown, known: readonly string[]): void {
  if (value === undefined) return;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidArgument(name, 'an object', value);
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) {
      throw new TensorRTNodeError(
        'ERR_INVALID_ARGUMENT',
        `Expected one of ${nameSome(known, key)} as a key of ${name} but received "${shorten(key, 60)}"`,
      );
    }
  }
}

/** All names, or of many those that are most like the one that was given. */
function nameSome(known: readonly string[], key: string): string {
  const most = 8;
  if (known.length <= 2 * most) return known.join(', ');
  const pairs = pairsOf(key);
  const likeness = (name: string): number => {
    const own = pairsOf(name);
    return [...own].filter((pair) => pairs.has(pair)).length / own.size;
  };
  const nearest = known.toSorted((a, b) => likeness(b) - likeness(a)).slice(0, most);
  return `${nearest.join(', ')} and ${known.length - most} more`;
}

function pairsOf(text: string): Set<string> {
  const lower = `^${text.slice(0, 60).toLowerCase()}`;
  return new Set(Array.from(lower.slice(1), (letter, i) => lower[i]! + letter));
}

/**
 * `check`, in which whatever a getter or a proxy of the caller throws becomes ERR_INVALID_ARGUMENT with that as
 * its cause.
 */
export function reading<T>(name: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (error instanceof TensorRTNodeError) throw error;
    throw new TensorRTNodeError(
      'ERR_INVALID_ARGUMENT',
      `Expected values that can be read for ${name} but reading them threw ${describe(error)}`,
      { cause: error },
    );
  }
}

/**
 * The caller's options, each read once, so that what is checked is what is used. Inherited ones count, except
 * those of Object.prototype, which no caller has set on purpose.
 * @throws ERR_INVALID_ARGUMENT for what is no object, an unknown key, or a getter that throws
 */
export function readOptions<T extends object>(
  name: string,
  options: T | undefined,
  known: readonly string[],
): T {
  return reading(name, () => {
    requireKnownKeys(name, options, known);
    const own = Object.create(null) as Record<string, unknown>;
    if (options === undefined) return own as T;
    for (const key of known) {
      if (key in Object.prototype && !Object.hasOwn(options, key)) continue;
      const value = (options as Record<string, unknown>)[key];
      if (value !== undefined) own[key] = value;
    }
    return own as T;
  });
}
