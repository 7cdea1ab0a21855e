import { open } from 'node:fs/promises';
import path from 'node:path';
import { TensorRTNodeError } from '../errors';
import { replaceFile } from '../files';
import { requireKnownKeys, requireOneOf, requireString } from '../validate';
import { emptyMessage, encode } from './codec';
import type { OpenedModel } from './open';
import type { Chunk, ProtoWriter } from './proto-writer';
import { type Bulk, type EntryProto, schemas, type TensorProto } from './schema';
import { externalRange } from './tensor-data';
import { bulkLength, isExternal } from './tensors';
import { allTensors } from './walk';

export interface WriteOnnxOptions {
  /**
   * Where the data of tensors goes. `auto`: where it was, inside the file or in `<file>.data` beside it, and
   * all large tensors into the latter when the file would pass 2 GiB. `inline`: into the file. `file`: tensors
   * of 1 KiB and more into `<file>.data`. Default `auto`.
   */
  externalData?: 'auto' | 'inline' | 'file';
}

/** Protocol buffers end here. */
const maxFileBytes = 2 ** 31 - 1;
const externalThresholdBytes = 1024;
/** Data files are mapped by page where a runtime can. */
const alignmentBytes = 4096;

/**
 * Writes a model. Data that still lies in the source file is copied from there in pieces. A reader of the
 * target sees the old file or the new one, never a part; the data file is replaced before the model.
 *
 * @throws ERR_INVALID_ARGUMENT where the model does not fit into one file, ERR_IO, ERR_INVALID_MODEL for
 * external data that is missing
 */
export async function writeOnnxModel(
  model: OpenedModel,
  output: string,
  options: WriteOnnxOptions = {},
): Promise<void> {
  requireKnownKeys('options', options, ['externalData']);
  const mode = requireOneOf('options.externalData', options.externalData ?? 'auto', [
    'auto',
    'inline',
    'file',
  ]);
  const target = path.resolve(requireString('output', output));
  const location = `${path.basename(target)}.data`;
  let plan = await placeData(model, location, mode === 'file', mode === 'inline');
  let writer = encode(schemas.model, model.proto, plan.substitutes);
  if (writer.length > maxFileBytes && mode === 'auto') {
    plan = await placeData(model, location, true, false);
    writer = encode(schemas.model, model.proto, plan.substitutes);
  }
  requireFits(writer);
  try {
    if (plan.outside.length > 0) {
      await writeChunks(path.join(path.dirname(target), location), plan.outside);
    }
    await writeChunks(target, writer.chunks());
  } catch (cause) {
    if (cause instanceof TensorRTNodeError) throw cause;
    throw new TensorRTNodeError(
      'ERR_IO',
      `Expected a file that can be written for output but received "${target}": ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** The bytes of a model as one file. Data that lies in other files is read. */
export async function encodeOnnxModel(model: OpenedModel): Promise<Uint8Array> {
  const { substitutes } = await placeData(model, '', false, true);
  const writer = encode(schemas.model, model.proto, substitutes);
  requireFits(writer);
  const result = new Uint8Array(writer.length);
  let offset = 0;
  for await (const bytes of pieces(writer.chunks())) {
    result.set(bytes, offset);
    offset += bytes.length;
  }
  return result;
}

function requireFits(writer: ProtoWriter): void {
  if (writer.length <= maxFileBytes) return;
  throw new TensorRTNodeError(
    'ERR_INVALID_ARGUMENT',
    `Expected a model of at most ${maxFileBytes} bytes for one file but received ${writer.length}; write its tensors with externalData: "file"`,
  );
}

interface Placement {
  /** Tensors as they are to be written. */
  substitutes: Map<TensorProto, TensorProto>;
  /** Content of the data file. */
  outside: Chunk[];
}

/** Decides for each tensor where its data goes. The model itself is left as it is. */
async function placeData(
  { proto, path: source, name }: OpenedModel,
  location: string,
  large: boolean,
  inline: boolean,
): Promise<Placement> {
  const substitutes = new Map<TensorProto, TensorProto>();
  const outside: Chunk[] = [];
  let position = 0;
  for (const tensor of allTensors(proto)) {
    const external = isExternal(tensor);
    if (!external && (inline || !large || !isLargeRaw(tensor))) continue;
    const data: Bulk = external
      ? [await externalRange(tensor, { path: source, name })]
      : tensor.rawData!;
    const copy: TensorProto = { ...tensor, externalData: [], dataLocation: undefined };
    substitutes.set(tensor, copy);
    copy.rawData = inline ? data : undefined;
    if (inline) continue;
    const gap = (alignmentBytes - (position % alignmentBytes)) % alignmentBytes;
    if (gap > 0) outside.push(new Uint8Array(gap));
    const length = bulkLength(data);
    copy.dataLocation = 1;
    copy.externalData = [
      entry('location', location),
      entry('offset', String(position + gap)),
      entry('length', String(length)),
    ];
    position += gap + length;
    outside.push(...data);
  }
  return { substitutes, outside };
}

function isLargeRaw(tensor: TensorProto): boolean {
  return tensor.rawData !== undefined && bulkLength(tensor.rawData) >= externalThresholdBytes;
}

function entry(key: string, value: string): EntryProto {
  return Object.assign(emptyMessage<EntryProto>(schemas.entry), { key, value });
}

async function writeChunks(target: string, chunks: Chunk[]): Promise<void> {
  await replaceFile(target, async (temporary) => {
    const handle = await open(temporary, 'wx');
    try {
      for await (const bytes of pieces(chunks)) await handle.writeFile(bytes);
    } finally {
      await handle.close();
    }
  });
}

async function* pieces(chunks: Chunk[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) {
    const bytes = chunk instanceof Uint8Array ? chunk : (chunk.inMemory?.() ?? chunk);
    if (bytes instanceof Uint8Array) yield bytes;
    else yield* bytes.read();
  }
}
