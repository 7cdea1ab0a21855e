import { type FileHandle, open, stat } from 'node:fs/promises';
import { TensorRTNodeError } from '../errors';
import { checkFacts, type EngineFacts, isObject } from './engine-facts';
import { isPlan, type PlanOrigin, planHeadBytes, readPlanOrigin } from './plan-version';
import { checkSignature, type EngineSignature } from './signature-format';

export type { EngineFacts } from './engine-facts';
export { isPlan } from './plan-version';

/**
 * Plan files: a 4-byte little-endian length, that many bytes of JSON, then TensorRT's plan. This is the layout
 * of Ultralytics' `.engine` files, so both sides read each other's; a plain plan has no length and no JSON.
 */

/** Key of our own facts inside the JSON; keys beside it are those that Ultralytics' readers know. */
export const factsKey = 'tensorrtNode';
/** Key of the signature inside the JSON; it signs all that stands beside it, and the plan. */
export const signatureKey = 'tensorrtNodeSignature';

export interface PlanHeader {
  /** `plain`: no metadata at all. `ultralytics`: metadata that is not ours. */
  format: 'tensorrt-node' | 'ultralytics' | 'plain';
  /** All of the JSON; empty for a plain plan. */
  metadata: Readonly<Record<string, unknown>>;
  facts: EngineFacts | undefined;
  /** Not checked: it only has the right form. */
  signature: EngineSignature | undefined;
  /** What the plan's own first bytes tell. */
  origin: PlanOrigin;
  /** Where the plan begins in the file. */
  planOffset: number;
}

/** Far above any real metadata (80 class names take 2 KB), far below what could hurt. */
const maxMetadataBytes = 16 * 2 ** 20;
/** JSON that is nested deeper is refused: writing or comparing it would run out of stack. */
const maxDepth = 100;

/** The bytes before the plan, for a plan with our facts. */
export function encodePlanPrefix(
  metadata: Readonly<Record<string, unknown>>,
  facts: EngineFacts,
): Buffer {
  return encodePrefix({ ...metadata, [factsKey]: facts });
}

/** The bytes before the plan, for any metadata. */
export function encodePrefix(metadata: Readonly<Record<string, unknown>>): Buffer {
  const json = Buffer.from(JSON.stringify(metadata));
  if (json.length > maxMetadataBytes) {
    throw new TensorRTNodeError(
      'ERR_INVALID_ARGUMENT',
      `Expected at most ${maxMetadataBytes} bytes of metadata but received ${json.length}`,
    );
  }
  if (jsonDepth(json) > maxDepth) {
    throw new TensorRTNodeError(
      'ERR_INVALID_ARGUMENT',
      `Expected metadata nested at most ${maxDepth} levels deep but received more`,
    );
  }
  const prefix = Buffer.alloc(4 + json.length);
  prefix.writeUInt32LE(json.length, 0);
  json.copy(prefix, 4);
  return prefix;
}

/**
 * Reads the header of plan bytes. A file whose first bytes are no length and JSON is taken for a plain plan
 * when it starts like one.
 * @param label how messages call the file
 * @throws ERR_ENGINE_DESERIALIZE when it is empty, cut short or neither form
 */
export function parsePlanHeader(bytes: Uint8Array, label: string): PlanHeader {
  return parseHeader(bytes, bytes.length, label);
}

/** As {@link parsePlanHeader}, reading only the header of a file. @throws ERR_IO too */
export async function readPlanHeader(file: string): Promise<PlanHeader & { byteLength: number }> {
  let handle: FileHandle | undefined;
  try {
    // Asked before opening: to open a named pipe would wait for a writer for ever.
    if (!(await stat(file)).isFile()) {
      throw new TensorRTNodeError(
        'ERR_IO',
        `Expected an engine file but ${file} is no regular file`,
      );
    }
    handle = await open(file, 'r');
    const { size } = await handle.stat();
    const first = Buffer.alloc(8);
    const { bytesRead } = await handle.read(first, 0, 8, 0);
    const length = bytesRead === 8 && !isPlan(first) ? first.readUInt32LE(0) : 0;
    const wanted = 4 + (length <= maxMetadataBytes ? length : 0) + planHeadBytes;
    const head = Buffer.alloc(Math.min(wanted, Math.max(size, bytesRead)));
    const read = await handle.read(head, 0, head.length, 0);
    return { ...parseHeader(head.subarray(0, read.bytesRead), size, file), byteLength: size };
  } catch (cause) {
    if (cause instanceof TensorRTNodeError) throw cause;
    throw new TensorRTNodeError(
      'ERR_IO',
      `The engine ${file} cannot be read: ${(cause as Error).message}`,
      { cause },
    );
  } finally {
    await handle?.close();
  }
}

function parseHeader(head: Uint8Array, fileBytes: number, label: string): PlanHeader {
  const refuse = (reason: string, cause?: unknown): TensorRTNodeError =>
    new TensorRTNodeError('ERR_ENGINE_DESERIALIZE', `Expected an engine but ${label} ${reason}`, {
      cause,
    });
  if (fileBytes === 0) throw refuse('is empty');
  if (head.length < 8) throw refuse(`has only ${fileBytes} bytes`);
  if (isPlan(head)) {
    return {
      format: 'plain',
      metadata: {},
      facts: undefined,
      signature: undefined,
      origin: readPlanOrigin(head),
      planOffset: 0,
    };
  }
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const length = view.getUint32(0, true);
  if (length < 2 || length > maxMetadataBytes || head[4] !== 0x7b /* { */) {
    throw refuse('is neither a TensorRT plan nor one behind JSON metadata');
  }
  const planOffset = 4 + length;
  if (planOffset > head.length) throw refuse('is cut short inside its metadata');
  if (planOffset >= fileBytes) throw refuse('holds metadata and no plan');
  const json = head.subarray(4, planOffset);
  if (jsonDepth(json) > maxDepth) throw refuse(`has metadata of more than ${maxDepth} levels`);
  let metadata: unknown;
  try {
    metadata = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json));
  } catch (cause) {
    throw refuse('has metadata that is not JSON', cause);
  }
  if (!isObject(metadata)) throw refuse('has metadata that is not a JSON object');
  const facts = checkFacts(metadata[factsKey]);
  return {
    format: facts ? 'tensorrt-node' : 'ultralytics',
    metadata,
    facts,
    signature: checkSignature(metadata[signatureKey]),
    origin: readPlanOrigin(head.subarray(planOffset, planOffset + planHeadBytes)),
    planOffset,
  };
}

/** How deep brackets nest in JSON text. What is no JSON gives any number. */
export function jsonDepth(json: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (inString) {
      if (byte === 0x5c /* \ */) at++;
      else if (byte === 0x22 /* " */) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x5b /* [ */ || byte === 0x7b /* { */) deepest = Math.max(deepest, ++depth);
    else if (byte === 0x5d /* ] */ || byte === 0x7d /* } */) depth--;
  }
  return deepest;
}
