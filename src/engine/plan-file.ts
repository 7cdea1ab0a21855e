import { type FileHandle, open } from 'node:fs/promises';
import { TensorRTNodeError } from '../errors';
import type { Flavor, TrtShapeRange, TrtTensor } from '../native/trt-contract';

/**
 * Plan files: a 4-byte little-endian length, that many bytes of JSON, then TensorRT's plan. This is the layout
 * of Ultralytics' `.engine` files, so both sides read each other's; a plain plan has no length and no JSON.
 */

/** Key of our own facts inside the JSON; keys beside it are those that Ultralytics' readers know. */
const factsKey = 'tensorrtNode';

/** What this package writes into a plan file about the plan. */
export interface EngineFacts {
  format: 1;
  /** Version of this package. */
  packageVersion: string;
  createdAt: string;
  flavor: Flavor;
  /** Version of the TensorRT library that built the plan. */
  tensorrtVersion: string;
  /** GPUs that it was built for, such as `8.9`; empty: the library's default, or the GPU it was built on. */
  computeCapabilities: string[];
  profiles: TrtShapeRange[][];
  /** Builder settings that were given. */
  options: Record<string, number | boolean | string>;
  /** SHA-256 of the ONNX file and of its external data. */
  onnxSha256: string;
  /** SHA-256 of the plan, which is what follows the JSON. */
  planSha256: string;
  inputs: TrtTensor[];
  outputs: TrtTensor[];
}

export interface PlanHeader {
  /** `plain`: no metadata at all. `ultralytics`: metadata that is not ours. */
  format: 'tensorrt-node' | 'ultralytics' | 'plain';
  /** All of the JSON; empty for a plain plan. */
  metadata: Readonly<Record<string, unknown>>;
  facts: EngineFacts | undefined;
  /** Where the plan begins in the file. */
  planOffset: number;
}

/** Far above any real metadata (80 class names take 2 KB), far below what could hurt. */
const maxMetadataBytes = 16 * 2 ** 20;

/** The bytes before the plan. */
export function encodePlanPrefix(
  metadata: Readonly<Record<string, unknown>>,
  facts: EngineFacts,
): Buffer {
  const json = Buffer.from(JSON.stringify({ ...metadata, [factsKey]: facts }));
  if (json.length > maxMetadataBytes) {
    throw new TensorRTNodeError(
      'ERR_INVALID_ARGUMENT',
      `Expected at most ${maxMetadataBytes} bytes of metadata but received ${json.length}`,
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
    handle = await open(file, 'r');
    const { size } = await handle.stat();
    const first = Buffer.alloc(8);
    const { bytesRead } = await handle.read(first, 0, 8, 0);
    const length = bytesRead === 8 ? first.readUInt32LE(0) : 0;
    const wanted = length <= maxMetadataBytes ? Math.min(4 + length, size) : bytesRead;
    const head = Buffer.alloc(Math.max(wanted, bytesRead));
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
    return { format: 'plain', metadata: {}, facts: undefined, planOffset: 0 };
  }
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const length = view.getUint32(0, true);
  if (length < 2 || length > maxMetadataBytes || head[4] !== 0x7b /* { */) {
    throw refuse('is neither a TensorRT plan nor one behind JSON metadata');
  }
  if (4 + length > head.length) throw refuse('is cut short inside its metadata');
  if (4 + length >= fileBytes) throw refuse('holds metadata and no plan');
  let metadata: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(head.subarray(4, 4 + length));
    metadata = JSON.parse(text);
  } catch (cause) {
    throw refuse('has metadata that is not JSON', cause);
  }
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw refuse('has metadata that is not a JSON object');
  }
  const record = metadata as Record<string, unknown>;
  const facts = checkFacts(record[factsKey]);
  return {
    format: facts ? 'tensorrt-node' : 'ultralytics',
    metadata: record,
    facts,
    planOffset: 4 + length,
  };
}

/** First four bytes of a serialised engine: TensorRT's word, and TensorRT-RTX's. */
const planWords = ['ftrt', 'vtrt'];

/** Does this look like a plan without metadata? Needs the first four bytes. */
export function isPlan(head: Uint8Array): boolean {
  return planWords.includes(String.fromCharCode(...head.subarray(0, 4)));
}

/** Facts that a later or foreign writer shaped differently count as absent, field by field checks included. */
function checkFacts(value: unknown): EngineFacts | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const facts = value as EngineFacts;
  const texts = [facts.flavor, facts.tensorrtVersion, facts.onnxSha256, facts.planSha256];
  const sound =
    facts.format === 1 &&
    texts.every((text) => typeof text === 'string') &&
    [facts.computeCapabilities, facts.profiles, facts.inputs, facts.outputs].every(Array.isArray) &&
    [...facts.inputs, ...facts.outputs].every(isTensor);
  return sound ? facts : undefined;
}

function isTensor(value: unknown): boolean {
  const tensor = value as TrtTensor | null;
  return (
    typeof tensor === 'object' &&
    tensor !== null &&
    typeof tensor.name === 'string' &&
    typeof tensor.dtype === 'string' &&
    Array.isArray(tensor.shape) &&
    tensor.shape.every(Number.isInteger)
  );
}
