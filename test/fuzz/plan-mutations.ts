import { generateKeyPairSync } from 'node:crypto';
import type { EngineManifest } from '../../src';
import { Engine } from '../../src';
import { encodePlanPrefix, encodePrefix } from '../../src/engine/plan-file';
import { plan, planFacts } from '../helpers/plan-file';
import type { Random } from './random';

/** A file in its parts: JSON behind its length, and what follows; a manifest is JSON alone. */
export interface PlanSeed {
  kind: 'plan' | 'manifest';
  json: unknown;
  rest: Buffer;
}

export interface MutatedPlan {
  kind: PlanSeed['kind'];
  bytes: Buffer<ArrayBufferLike>;
}

export const fuzzKeys = generateKeyPairSync('ed25519');

const facts = planFacts({
  computeCapabilities: ['8.9', '12.0'],
  profiles: [[{ input: 'x', min: [1, 4], opt: [2, 4], max: [8, 4] }]],
  options: { tf32: false, versionCompatible: true, hardwareCompatibility: 'ampere+' },
  given: { tf32: false, shapes: { x: { min: [1, 4], max: [8, 4] } } },
  onnxPath: '/models/model.onnx',
  platform: 'linux-x64',
  device: { name: 'NVIDIA L4', computeCapability: '8.9' },
  cudaVersion: '12.4',
  plugins: ['EfficientNMS_TRT'],
});

const manifest: EngineManifest = {
  format: 'tensorrt-node-engines',
  version: 1,
  packageVersion: '0.1.0',
  createdAt: '2026-11-24T00:00:00.000Z',
  model: { path: '/models/model.onnx', sha256: 'ab'.repeat(32) },
  engines: ['a', 'b'].map((name) => ({
    name,
    file: `${name}.engine`,
    byteLength: 100,
    sha256: 'cd'.repeat(32),
    target: { precision: 'fp16' },
    facts,
  })),
  failures: [{ name: 'c', target: {}, code: 'ERR_ENGINE_BUILD', message: 'no', details: [] }],
};

/** Whole files of every kind that the readers take. */
export async function planSeeds(): Promise<PlanSeed[]> {
  const ours = Buffer.concat([
    encodePlanPrefix({ names: { 0: 'Dose' }, imgsz: [640] }, facts),
    plan,
  ]);
  const theirs = Buffer.concat([encodePrefix({ task: 'detect', stride: 32 }), plan]);
  const signed = await Promise.all(
    [ours, theirs].map(async (bytes) => {
      const engine = await Engine.load(bytes, { verifyKey: false });
      await engine.sign(fuzzKeys.privateKey);
      return engine.toBuffer();
    }),
  );
  return [
    ...[ours, theirs, ...signed, ...signed].map(split),
    { kind: 'plan', json: undefined, rest: plan },
    { kind: 'manifest', json: manifest, rest: Buffer.alloc(0) },
  ];
}

function split(bytes: Buffer): PlanSeed {
  const end = 4 + bytes.readUInt32LE(0);
  return {
    kind: 'plan',
    json: JSON.parse(bytes.subarray(4, end).toString()),
    rest: bytes.subarray(end),
  };
}

/** Stands in the tree for text that no tree can hold. */
const texts: Record<string, string> = {
  '@deep': '['.repeat(90) + ']'.repeat(90),
  '@deeper': '['.repeat(5000) + ']'.repeat(5000),
  '@objects': `${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}`,
  '@huge': '1e400',
  '@surrogate': '"\\ud800"',
  '@zero': '-0',
};

function hostileValue(random: Random): unknown {
  return random.pick<() => unknown>([
    () => null,
    () => true,
    () => random.next() - 2 ** 31,
    () => random.next() / 7,
    () => '',
    () => 'x'.repeat(random.below(20_000)),
    () =>
      random.pick(['8.9', '1.7.1.116', '99.9.9', '...', 'rtx1', 'trt10', 'NaN', '../../x', '\0']),
    () => [],
    () => [null, [[]], {}],
    () => ({}),
    () => JSON.parse('{"__proto__": {"format": 1}, "constructor": 1, "toString": 0}'),
    () => random.pick(Object.keys(texts)),
  ])();
}

/** A copy of a tree with one value replaced, left out, doubled or added. */
function mutateTree(random: Random, tree: unknown): unknown {
  const places: { holder: Record<string, unknown>; key: string }[] = [];
  const copy = JSON.parse(JSON.stringify({ tree })) as Record<string, unknown>;
  const walk = (holder: Record<string, unknown>): void => {
    for (const [key, value] of Object.entries(holder)) {
      places.push({ holder, key });
      if (typeof value === 'object' && value !== null) walk(value as Record<string, unknown>);
    }
  };
  walk(copy);
  const { holder, key } = random.pick(places);
  switch (random.below(4)) {
    case 0:
      delete holder[key];
      break;
    case 1:
      holder[`${key}2`] = hostileValue(random);
      break;
    case 2:
      holder[key] = random.pick(places.map((place) => place.holder[place.key]));
      break;
    default:
      holder[key] = hostileValue(random);
  }
  // A value may now stand inside itself.
  try {
    return JSON.parse(JSON.stringify(copy)).tree;
  } catch {
    return hostileValue(random);
  }
}

function textOf(json: unknown): string {
  const text = JSON.stringify(json) ?? 'null';
  return text.replace(/"(@[a-z]+)"/g, (whole, name: string) => texts[name] ?? whole);
}

function mutateBytes(random: Random, bytes: Buffer<ArrayBufferLike>): Buffer<ArrayBufferLike> {
  if (bytes.length === 0) return Buffer.from(random.bytes(random.below(8)));
  const copy = Buffer.from(bytes);
  const at = random.below(copy.length);
  switch (random.below(5)) {
    case 0:
      copy[at]! ^= 1 << random.below(8);
      return copy;
    case 1:
      copy[at] = random.pick([0, 0x22, 0x2c, 0x5b, 0x5c, 0x7b, 0x7d, 0xff]);
      return copy;
    case 2:
      return copy.subarray(0, at);
    case 3:
      return Buffer.concat([
        copy.subarray(0, at),
        random.bytes(random.below(40)),
        copy.subarray(at),
      ]);
    default:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(random.below(copy.length))]);
  }
}

/** One mutated file; the same for the same generator. */
export function mutatePlan(random: Random, seeds: readonly PlanSeed[]): MutatedPlan {
  const seed = random.pick(seeds);
  let json = seed.json;
  let rest: Buffer<ArrayBufferLike> = seed.rest;
  for (let n = random.below(3); n > 0; n--) if (json !== undefined) json = mutateTree(random, json);
  if (random.below(6) === 0) rest = mutateBytes(random, rest);
  if (random.below(12) === 0) rest = random.pick(seeds).rest;
  let text: Buffer<ArrayBufferLike> =
    json === undefined ? Buffer.alloc(0) : Buffer.from(textOf(json));
  if (random.below(6) === 0) text = mutateBytes(random, text);
  if (seed.kind === 'manifest') return { kind: 'manifest', bytes: text };
  const length = Buffer.alloc(json === undefined ? 0 : 4);
  if (length.length > 0) length.writeUInt32LE(lengthFor(random, text.length));
  let bytes: Buffer<ArrayBufferLike> = Buffer.concat([length, text, rest]);
  if (random.below(5) === 0) bytes = mutateBytes(random, bytes);
  return { kind: 'plan', bytes };
}

function lengthFor(random: Random, real: number): number {
  if (random.below(8) > 0) return real;
  return (
    random.pick([
      0,
      1,
      2,
      real - 1,
      real + 1,
      real + 60,
      16 * 2 ** 20,
      16 * 2 ** 20 + 1,
      0x7fffffff,
      0xffffffff,
      random.next(),
    ]) >>> 0
  );
}
