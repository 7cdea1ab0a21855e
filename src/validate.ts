import { TensorRTNodeError } from './errors';

/** How a received value reads in an error message: short, typed, never a dump. */
export function describe(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'undefined';
  switch (typeof value) {
    case 'string':
      return `"${value.length > 60 ? `${value.slice(0, 57)}…` : value}" of type string`;
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
    `Expected ${expected} for ${name} but received ${describe(received)}`,
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
  return value;
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
        `Expected one of ${known.join(', ')} as a key of ${name} but received "${key}"`,
      );
    }
  }
}
