import { isProxy } from 'node:util/types';
import type { Random } from './random';

/** How a legal value of each option is made. */
export type LegalOptions = Readonly<Record<string, (random: Random) => unknown>>;

/**
 * Options as a hostile or careless caller might give them: up to five legal ones, and on top of them up to three
 * changes. The first of four objects has none, so that what is legal is tried too.
 */
export function mutateOptions(random: Random, legal: LegalOptions): unknown {
  const options: Record<string, unknown> = {};
  const names = Object.keys(legal);
  for (let n = random.below(6); n > 0; n--) {
    const name = random.pick(names);
    options[name] = legal[name]!(random);
  }
  if (random.below(4) === 0) return options;
  if (random.below(20) === 0) return hostileValue(random);
  for (let n = 1 + random.below(3); n > 0; n--) random.pick(changes)(random, options, names);
  return random.below(8) === 0 ? wrapped(random, options) : options;
}

type Change = (random: Random, options: Record<string, unknown>, names: readonly string[]) => void;

const changes: readonly Change[] = [
  (random, options, names) => put(options, random.pick(names), hostileValue(random)),
  (random, options, names) => put(options, random.pick(names), hostileValue(random)),
  // Inside a structured value: one of its leaves.
  (random, options) => {
    const holders = holdersIn(options);
    const holder = random.pick(holders);
    const keys = Object.keys(holder);
    const key = keys.length > 0 ? random.pick(keys) : 'x';
    put(holder, key, hostileValue(random));
  },
  (random, options, names) => getter(options, random.pick(names), random),
  (random, options) => {
    const holder = random.pick(holdersIn(options));
    getter(holder, random.pick([...Object.keys(holder), 'min', 'max', '0']), random);
  },
  (random, options) => put(options, random.pick(strangeKeys), hostileValue(random)),
  (random, options) => put(options, 'metadata', hostileMetadata(random)),
];

/** As JSON.parse makes it: an own property, also for `__proto__`. */
function put(holder: object, key: PropertyKey, value: unknown): void {
  Reflect.defineProperty(holder, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

/** One that throws, or that answers anew each time: what was checked is not what is used. */
function getter(holder: object, key: PropertyKey, random: Random): void {
  const first = Reflect.getOwnPropertyDescriptor(holder, key)?.value;
  const second = hostileValue(random);
  const throws = random.below(2) === 0;
  let reads = 0;
  Reflect.defineProperty(holder, key, {
    enumerable: true,
    configurable: true,
    get: () => {
      if (throws) throw second;
      return reads++ === 0 ? first : second;
    },
  });
}

/** The options and the plain objects and arrays within, so far as no getter has to be called. */
function holdersIn(value: object, found: object[] = []): object[] {
  if (found.includes(value) || found.length > 50) return found;
  found.push(value);
  for (const { value: inner } of Object.values(Object.getOwnPropertyDescriptors(value)))
    if (isPlain(inner)) holdersIn(inner, found);
  return found;
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || isProxy(value)) return false;
  const known = [Object.prototype, Array.prototype, null];
  return known.includes(Object.getPrototypeOf(value)) && Object.keys(value).length < 100;
}

const strangeKeys: readonly PropertyKey[] = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'toJSON',
  'then',
  '',
  '0',
  'Flavor',
  'x'.repeat(10_000),
  'line\nbreak\u0000',
  Symbol('option'),
  Symbol.iterator,
  Symbol.toPrimitive,
];

class Hostile extends Array<unknown> {
  override map(): never {
    throw new Error('map of the caller');
  }
}

const fail = (): never => {
  throw new Error('of the caller');
};

const throwingProxy = (target: object, trap: string): object =>
  new Proxy(target, { [trap]: fail } as ProxyHandler<object>);

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

const traps = ['get', 'has', 'ownKeys', 'getPrototypeOf', 'getOwnPropertyDescriptor'];

const hostileMakers: readonly ((random: Random) => unknown)[] = [
  (random) =>
    random.pick([
      ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0, -1, 0.5, 1e-320],
      ...[1e308, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), Number.MAX_SAFE_INTEGER, 3, 129],
    ]),
  (random) =>
    random.pick(['', ' ', '0', '1e3', 'true', '\u0000', '../..', 'none', '8.9', 'x'.repeat(1e5)]),
  (random) => random.pick([true, false, null, undefined]),
  (random) => random.pick([0n, -1n, 2n ** 100n]),
  (random) => random.pick([Symbol('value'), Symbol.iterator, Symbol.for('x')]),
  () => () => 1,
  // A function whose name is no text, an object whose constructor is none.
  () => Object.defineProperty(() => {}, 'name', { value: Symbol('name') }),
  () => Object.defineProperty(() => {}, 'name', { get: fail }),
  () => ({ constructor: { name: { toString: fail } } }),
  () => Object.create({ constructor: null }),
  () => ({ toString: fail, valueOf: fail, [Symbol.toPrimitive]: fail }),
  () => Object.create(null),
  (random) => new Array(random.pick([1, 9, 1000, 100_000])),
  (random) => Array.from({ length: random.pick([1, 9, 10_000]) }, () => 1),
  (random) => Array.from({ length: 3 }, () => hostileValue(random)),
  () => new Hostile(1, 2, 3),
  () => Object.assign([1, 3], { length: 2 ** 32 - 1 }),
  () => new Float64Array(10),
  () => new Date(Number.NaN),
  () => new Map([['min', 1]]),
  () => new Proxy([1, 2, 3], { get: fail }),
  (random) => throwingProxy({}, random.pick(traps)),
  (random) => throwingProxy([1], random.pick(traps)),
  revoked,
  (random) => hostileMetadata(random),
];

export function hostileValue(random: Random): unknown {
  return random.pick(hostileMakers)(random);
}

function hostileMetadata(random: Random): unknown {
  const cyclic: Record<string, unknown> = { list: [] };
  (cyclic.list as unknown[]).push(cyclic);
  let deep: unknown = 1;
  const depth = random.pick([1000, 20_000]);
  for (let level = 0; level < depth; level++) deep = { deep };
  return random.pick<() => unknown>([
    () => cyclic,
    () => deep,
    () => ({ value: 1n }),
    () => ({ toJSON: fail }),
    () => ({ toJSON: () => undefined }),
    () => ({ toJSON: () => 1 }),
    () => JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"prototype": {"p": 1}}}'),
    () => ({ [Symbol('s')]: 1, f: () => 1, u: undefined }),
    () => ({ big: 'x'.repeat(1e6) }),
    () => new Date(Number.NaN),
    () => ({ tensorrtNode: { flavor: 'trt10' } }),
    () => ({ lone: '\ud800' }),
  ])();
}

/** The same options by other means: through a prototype, frozen, or behind a proxy. */
function wrapped(random: Random, options: object): unknown {
  return random.pick<() => unknown>([
    () => Object.create(options),
    () => Object.freeze(options),
    () => new Proxy(options, {}),
    () => throwingProxy(options, random.pick(traps)),
    () => Object.setPrototypeOf(options, null),
    () => [options],
    () => () => options,
  ])();
}
