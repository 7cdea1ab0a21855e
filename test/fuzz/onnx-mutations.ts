import { ByteSource } from '../../src/onnx/byte-source';
import { ProtoReader } from '../../src/onnx/proto-reader';
import { ProtoWriter } from '../../src/onnx/proto-writer';
import { type Schema, schemas } from '../../src/onnx/schema';
import { copy, type Field, lists, parse, write } from './onnx-tree';
import type { Random } from './random';

/** Numbers at which parsers break: edges of 8, 31, 32, 63 and 64 bits, and shapes that multiply to them. */
const edges = [
  0,
  1,
  2,
  127,
  128,
  255,
  65_535,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  46_341,
  2 ** 53 - 1,
  2n ** 62n,
  2n ** 63n - 1n,
  -1,
  -2,
  -128,
  -(2n ** 31n),
  -(2n ** 63n),
] as const;

function varint(value: number | bigint): Uint8Array {
  return new ProtoWriter().rawVarint(value).toUint8Array();
}

type TreeMutation = (random: Random, list: Field[], at: number, other: Field[]) => void;

/** Changes that leave the file well-formed, so that they reach what lies behind the parser. */
const treeMutations: Record<string, TreeMutation> = {
  remove: (_, list, at) => list.splice(at, 1),
  duplicate: (_, list, at) => list.splice(at, 0, copy(list[at]!)),
  repeat: (random, list, at) => {
    const count = 1 + random.below(64);
    list.splice(at, 0, ...Array.from({ length: count }, () => copy(list[at]!)));
  },
  swap: (random, list, at) => {
    const other = random.below(list.length);
    [list[at], list[other]] = [list[other]!, list[at]!];
  },
  renumber: (random, list, at) => {
    list[at]!.number = 1 + random.below(random.below(2) === 0 ? 26 : 2 ** 29 - 1);
  },
  graft: (random, list, at, other) => {
    list.splice(at, 1, copy(random.pick(random.pick(lists(other).filter((l) => l.length > 0)))));
  },
  value: (random, list, at) => {
    const field = list[at]!;
    if (field.wire === 0) field.payload = varint(random.pick(edges));
    else if (field.wire !== 2) field.payload = random.bytes(field.payload.length);
    else if (!field.children) {
      field.payload = random.pick([
        new Uint8Array(0),
        random.bytes(1 + random.below(40)),
        field.payload.slice(0, random.below(field.payload.length + 1)),
        Buffer.concat([field.payload, field.payload]),
        new Uint8Array(1 + random.below(300)).fill(random.pick([0, 0x41, 0x80, 0xff])),
      ]);
    }
  },
  name: (random, list, at) => {
    // Names refer to each other: another name of the model is worth more than a random one.
    const texts = lists(list).flatMap((l) =>
      l.filter(({ wire, children }) => wire === 2 && !children),
    );
    const field = list[at]!;
    if (field.wire === 2 && !field.children && texts.length > 0) {
      field.payload = random.pick(texts).payload;
    }
  },
  nest: (random, list, at) => {
    const depth = random.pick([3, 30, 120, 400]);
    let bytes = write([list[at]!]);
    for (let i = 0; i < depth; i++) {
      bytes = new ProtoWriter().bytes(random.pick([1, 5, 6, 7]), bytes).toUint8Array();
    }
    list.splice(at, 1, ...parse(bytes, new Map()));
  },
};

type ByteMutation = (random: Random, bytes: Buffer, other: Uint8Array) => Uint8Array;

/** Changes that heed no structure. */
const byteMutations: Record<string, ByteMutation> = {
  flip: (random, bytes) => {
    for (let count = 1 + random.below(4); count > 0; count--) {
      const at = random.below(bytes.length);
      bytes[at] = bytes[at]! ^ (1 << random.below(8));
    }
    return bytes;
  },
  edge: (random, bytes) => {
    bytes[random.below(bytes.length)] = random.pick([0, 1, 0x7f, 0x80, 0xfe, 0xff]);
    return bytes;
  },
  truncate: (random, bytes) => bytes.subarray(0, random.below(bytes.length)),
  splice: (random, bytes, other) =>
    Buffer.concat([
      bytes.subarray(0, random.below(bytes.length)),
      other.subarray(random.below(other.length)),
    ]),
  insert: (random, bytes) => {
    const at = random.below(bytes.length);
    const added = random.pick([
      varint(random.pick(edges)),
      random.bytes(1 + random.below(16)),
      new Uint8Array(10).fill(0xff),
    ]);
    return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at)]);
  },
  length: (random, bytes) => {
    // The length of a field, at any depth, says more or less than is there.
    const positions = lengthPositions(bytes, schemas.model, 0);
    if (positions.length === 0) return bytes;
    const { at, size } = random.pick(positions);
    const claimed = random.pick([
      varint(random.pick(edges)),
      varint(10_000_000_000),
      varint(random.below(bytes.length * 2)),
    ]);
    return Buffer.concat([bytes.subarray(0, at), claimed, bytes.subarray(at + size)]);
  },
};

function lengthPositions(
  bytes: Uint8Array,
  schema: Schema,
  offset: number,
): { at: number; size: number }[] {
  const reader = new ProtoReader(ByteSource.of(bytes), 0, bytes.length);
  const result: { at: number; size: number }[] = [];
  while (reader.next()) {
    const { field, wire } = reader;
    if (wire !== 2) {
      reader.skip();
      continue;
    }
    const { start, end } = reader.span();
    const size = varint(end - start).length;
    result.push({ at: offset + start - size, size });
    const kind = schema.get(field)?.kind;
    if (typeof kind === 'object' && 'message' in kind) {
      result.push(...lengthPositions(bytes.subarray(start, end), kind.message, offset + start));
    }
  }
  return result;
}

export const mutationNames = [...Object.keys(treeMutations), ...Object.keys(byteMutations)];

/** One mutated file: three in four are changed as trees and stay well-formed, then perhaps as bytes too. */
export function mutate(random: Random, seeds: readonly Uint8Array[]): Uint8Array {
  const seed = random.pick(seeds);
  let bytes = Buffer.from(seed);
  if (random.below(4) > 0) {
    const tree = parse(seed, schemas.model);
    const other = parse(random.pick(seeds), schemas.model);
    for (let count = 1 + random.below(3); count > 0; count--) {
      const list = random.pick(lists(tree).filter((l) => l.length > 0));
      const mutation = random.pick(Object.values(treeMutations));
      if (list) mutation(random, list, random.below(list.length), other);
    }
    bytes = Buffer.from(write(tree));
    if (random.below(8) > 0 || bytes.length === 0) return bytes;
  }
  const other = random.pick(seeds);
  try {
    return random.pick(Object.values(byteMutations))(random, bytes, other);
  } catch {
    // A file that a tree mutation has left without structure: changed as bytes all the same.
    return byteMutations.flip!(random, bytes, other);
  }
}
