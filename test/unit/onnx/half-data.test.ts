import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadOnnxModel } from '../../../src/onnx/graph';
import { convertBulk, emptyRangeReport, halfFormats } from '../../../src/onnx/passes/half-data';
import { loadBulk } from '../../../src/onnx/tensors';
import { Session } from '../../../src/session/session';
import { Tensor } from '../../../src/tensor/tensor';
import { onnxModel } from '../../helpers/onnx-writer';

const folder = mkdtempSync(path.join(tmpdir(), 'half-data-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const floatView = new Float32Array(1);
const bitsView = new Uint32Array(floatView.buffer);
const toBits = (value: number): number => {
  floatView[0] = value;
  return bitsView[0]!;
};
const toFloat = (bits: number): number => {
  bitsView[0] = bits;
  return floatView[0]!;
};

function convert(type: 'fp16' | 'bf16', bits: Uint32Array) {
  const out = new Uint16Array(bits.length);
  const report = emptyRangeReport();
  halfFormats[type].convert(bits, out, report);
  return { out, report };
}

/** Value of a 16-bit pattern by the definition of its format. */
function numberOf(half: number, exponentBits: number): number {
  const mantissaBits = 15 - exponentBits;
  const bias = 2 ** (exponentBits - 1) - 1;
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half & 0x7fff) >> mantissaBits;
  const fraction = (half & (2 ** mantissaBits - 1)) / 2 ** mantissaBits;
  return exponent === 0
    ? sign * fraction * 2 ** (1 - bias)
    : sign * (1 + fraction) * 2 ** (exponent - bias);
}

/** Every positive finite number with the middle between it and the next, and the floats beside both. */
function edges(exponentBits: number): number[] {
  const last = ((2 ** exponentBits - 1) << (15 - exponentBits)) - 1;
  const result: number[] = [];
  for (let half = 0; half <= last; half++) {
    const value = numberOf(half, exponentBits);
    const next =
      half === last
        ? value + (value - numberOf(half - 1, exponentBits))
        : numberOf(half + 1, exponentBits);
    for (const point of [value, (value + next) / 2]) {
      const bits = toBits(point);
      for (const near of [bits - 1, bits, bits + 1]) {
        if (near >= 0 && near < 0x7f800000) result.push(near, near + 0x80000000);
      }
    }
  }
  return result;
}

/** The nearest number by exact comparison in doubles, ties to the even pattern, found by bisection. */
function nearest(value: number, exponentBits: number): number {
  const last = ((2 ** exponentBits - 1) << (15 - exponentBits)) - 1;
  const sign = Object.is(value, -0) || value < 0 ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  let low = 0;
  let high = last;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (numberOf(middle, exponentBits) <= magnitude) low = middle;
    else high = middle - 1;
  }
  if (low === last) return sign | last;
  const below = magnitude - numberOf(low, exponentBits);
  const above = numberOf(low + 1, exponentBits) - magnitude;
  return sign | (below < above || (below === above && low % 2 === 0) ? low : low + 1);
}

/** A fixed sequence of 32-bit patterns. */
function patterns(count: number): Uint32Array {
  const result = new Uint32Array(count);
  let state = 0x9e3779b9;
  for (let i = 0; i < count; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    result[i] = state;
  }
  return result;
}

describe.each([
  ['fp16', 5],
  ['bf16', 8],
] as const)('conversion to %s', (type, exponentBits) => {
  it('gives the nearest number at and beside every number and every middle', () => {
    const bits = Uint32Array.from(edges(exponentBits));
    expect(bits.length).toBeGreaterThan(350_000);
    const { out } = convert(type, bits);
    const wrong: string[] = [];
    for (let i = 0; i < bits.length; i++) {
      const wanted = nearest(toFloat(bits[i]!), exponentBits);
      if (out[i] !== wanted) wrong.push(`${bits[i]!.toString(16)}: ${out[i]} for ${wanted}`);
    }
    expect(wrong).toEqual([]);
  });

  it('equals the Cast kernel of ONNX Runtime bit for bit', async () => {
    const dtype = type === 'fp16' ? 'float16' : 'bfloat16';
    const bits = patterns(1 << 18);
    await using session = await Session.create(
      onnxModel({
        nodes: [
          {
            op: 'Cast',
            inputs: ['x'],
            outputs: ['y'],
            attributes: { to: { i: type === 'fp16' ? 10 : 16 } },
          },
        ],
        inputs: [{ name: 'x', dtype: 'float32', dims: [bits.length] }],
        outputs: [{ name: 'y', dtype, dims: [bits.length] }],
      }),
      { backend: 'cpu' },
    );
    const x = new Tensor('float32', new Float32Array(bits.buffer), [bits.length]);
    const { y } = await session.run({ x });
    const theirs = y!.data as Uint16Array;
    const { out } = convert(type, bits);
    const infinity = type === 'fp16' ? 0x7c00 : 0x7f80;
    let compared = 0;
    const wrong: string[] = [];
    for (let i = 0; i < bits.length; i++) {
      const theirMagnitude = theirs[i]! & 0x7fff;
      if (theirMagnitude > infinity) {
        // Which NaN it is says nothing.
        if ((out[i]! & 0x7fff) <= infinity) wrong.push(`NaN became ${out[i]}`);
      } else if (theirMagnitude === infinity && Number.isFinite(toFloat(bits[i]!))) {
        if (out[i] !== theirs[i]! - 1) wrong.push(`${bits[i]!.toString(16)} is not clamped`);
      } else {
        compared++;
        if (out[i] !== theirs[i])
          wrong.push(`${bits[i]!.toString(16)}: ${out[i]} for ${theirs[i]}`);
      }
    }
    expect(wrong.slice(0, 5)).toEqual([]);
    expect(compared).toBeGreaterThan(100_000);
  });

  it('counts what it clamps and what becomes zero, and leaves infinities and NaN alone', () => {
    const beyond = type === 'fp16' ? [65520, -1e9] : [3.4e38, -3.4e38];
    const within = type === 'fp16' ? [65519, -65504] : [3.38e38, -3.38e38];
    const tiny = type === 'fp16' ? [2 ** -25, -1e-9] : [2 ** -134, -(2 ** -140)];
    const values = [...beyond, ...within, ...tiny, 0, -0, Infinity, -Infinity, Number.NaN];
    const { out, report } = convert(type, new Uint32Array(Float32Array.from(values).buffer));
    const largest = type === 'fp16' ? 0x7bff : 0x7f7f;
    expect([...out.slice(0, 2)]).toEqual([largest, 0x8000 | largest]);
    expect([...out.slice(4, 8)]).toEqual([0, 0x8000, 0, 0x8000]);
    expect([...out.slice(8, 10)]).toEqual([largest + 1, 0x8000 | (largest + 1)]);
    expect(out[10]! & 0x7fff).toBeGreaterThan(largest + 1);
    expect(report).toEqual({
      clamped: 2,
      flushed: 2,
      largest: Math.fround(Math.abs(beyond[1]!)),
    });
  });

  it('gives the same for data that is streamed from a file, at any alignment', async () => {
    for (const pad of ['', 'x', 'xx', 'xxx']) {
      const bits = patterns(300_001 + pad.length);
      const file = path.join(folder, `${type}${pad.length}.onnx`);
      writeFileSync(
        file,
        onnxModel({
          nodes: [{ op: 'Add', inputs: ['x', 'w'], outputs: ['y'], name: `add${pad}` }],
          initializers: [{ name: 'w', dtype: 'float32', dims: [bits.length], data: bits }],
          inputs: [{ name: 'x', dtype: 'float32', dims: [1] }],
          outputs: [{ name: 'y', dtype: 'float32', dims: [bits.length] }],
        }),
      );
      const [tensor] = (await loadOnnxModel(file)).proto.graph.initializers;
      expect(tensor!.rawData![0]).not.toBeInstanceOf(Uint8Array);
      const { data, report } = await convertBulk(tensor!.rawData!, halfFormats[type]);
      const streamed = new Uint16Array((await loadBulk(data)).slice().buffer);
      const whole = convert(type, bits);
      expect(Buffer.compare(Buffer.from(streamed.buffer), Buffer.from(whole.out.buffer))).toBe(0);
      expect(report).toEqual(whole.report);
    }
  });
});
