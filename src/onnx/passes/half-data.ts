import type { StoredBytes } from '../byte-source';
import type { Bulk } from '../schema';
import { bulkLength, loadBulk } from '../tensors';
import { elementTypes } from '../types';
import type { Precision } from './precision-options';

/** What the range of a 16-bit type did to the values of a tensor. */
export interface RangeReport {
  /** Finite values beyond the largest number, which became that number. */
  clamped: number;
  /** Largest magnitude among them. */
  largest: number;
  /** Values other than zero that became zero. */
  flushed: number;
}

export interface HalfFormat {
  /** TensorProto.DataType. */
  elementType: number;
  /** Largest finite number. */
  largest: number;
  /** Converts as many elements as `bits` has. Infinities and NaN stay what they are. */
  convert(bits: Uint32Array, out: Uint16Array, report: RangeReport): void;
}

export const halfFormats: Record<Precision, HalfFormat> = {
  fp16: { elementType: elementTypes.float16, largest: 65504, convert: toFloat16 },
  bf16: {
    elementType: elementTypes.bfloat16,
    largest: 2 ** 127 * (2 - 2 ** -7),
    convert: toBfloat16,
  },
};

const infinity = 0x7f800000;
/** Elements that are converted at a time. */
const blockElements = 1 << 18;
/** Tensors up to this many bytes are converted at once and kept in memory. */
const eagerBytes = 256 << 10;

export function emptyRangeReport(): RangeReport {
  return { clamped: 0, largest: 0, flushed: 0 };
}

/**
 * The rounding is that of `halfFromNumber` in src/tensor/half.ts, on bits, since this runs over gigabytes: to
 * nearest, ties to even.
 */
function toFloat16(bits: Uint32Array, out: Uint16Array, report: RangeReport): void {
  const floats = new Float32Array(bits.buffer, bits.byteOffset, bits.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    const sign = (word >>> 16) & 0x8000;
    const magnitude = word & 0x7fffffff;
    if (magnitude >= 0x38800000) {
      // From 65520 on the nearest would be infinity.
      if (magnitude < 0x477ff000) {
        out[i] = sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
      } else if (magnitude < infinity) {
        out[i] = sign | 0x7bff;
        noteClamped(report, floats[i]!);
      } else out[i] = sign | (magnitude === infinity ? 0x7c00 : 0x7e00);
      continue;
    }
    // Subnormal: a multiple of 2^-24. Above 2^52 doubles are integers, so the sum is rounded the IEEE way.
    const rounded = Math.abs(floats[i]!) * 2 ** 24 + 2 ** 52 - 2 ** 52;
    if (rounded === 0 && magnitude !== 0) report.flushed++;
    out[i] = sign | rounded;
  }
}

function toBfloat16(bits: Uint32Array, out: Uint16Array, report: RangeReport): void {
  const floats = new Float32Array(bits.buffer, bits.byteOffset, bits.length);
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    const magnitude = word & 0x7fffffff;
    if (magnitude > infinity) {
      out[i] = (word >>> 16) | 0x40;
      continue;
    }
    // From half a step above the largest number on the nearest would be infinity.
    if (magnitude >= 0x7f7f8000 && magnitude < infinity) {
      out[i] = ((word >>> 16) & 0x8000) | 0x7f7f;
      noteClamped(report, floats[i]!);
      continue;
    }
    const rounded = (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
    if ((rounded & 0x7fff) === 0 && magnitude !== 0) report.flushed++;
    out[i] = rounded;
  }
}

function noteClamped(report: RangeReport, value: number): void {
  report.clamped++;
  report.largest = Math.max(report.largest, Math.abs(value));
}

/** Little-endian float32 data in 16 bits. Large data are read now for the report, and again when written. */
export async function convertBulk(
  source: Bulk,
  format: HalfFormat,
): Promise<{ data: Bulk; report: RangeReport }> {
  const report = emptyRangeReport();
  if (bulkLength(source) <= eagerBytes) {
    const bytes = await loadBulk(source);
    const words = new Uint32Array(new Uint8Array(bytes).buffer);
    const out = new Uint16Array(words.length);
    format.convert(words, out, report);
    return { data: [new Uint8Array(out.buffer)], report };
  }
  const converted = new HalfBytes(source, format);
  for await (const _ of converted.read(report));
  return { data: [converted], report };
}

/** Data of a large float32 tensor that is converted block by block, each time that it is read. */
class HalfBytes implements StoredBytes {
  readonly length: number;

  constructor(
    private readonly source: Bulk,
    private readonly format: HalfFormat,
  ) {
    this.length = bulkLength(source) / 2;
  }

  inMemory(): undefined {
    return undefined;
  }

  async *read(report: RangeReport = emptyRangeReport()): AsyncGenerator<Uint8Array> {
    const block = new Uint32Array(blockElements);
    const bytes = new Uint8Array(block.buffer);
    let filled = 0;
    for (const part of this.source) {
      for await (const chunk of part instanceof Uint8Array ? [part] : part.read()) {
        for (let at = 0; at < chunk.length; ) {
          const count = Math.min(chunk.length - at, bytes.length - filled);
          bytes.set(chunk.subarray(at, at + count), filled);
          at += count;
          filled += count;
          if (filled < bytes.length) continue;
          yield this.convert(block, report);
          filled = 0;
        }
      }
    }
    if (filled > 0) yield this.convert(block.subarray(0, filled / 4), report);
  }

  /** A new array each time: who writes a chunk may still be at the last one. */
  private convert(block: Uint32Array, report: RangeReport): Uint8Array {
    const out = new Uint16Array(block.length);
    this.format.convert(block, out, report);
    return new Uint8Array(out.buffer);
  }
}
