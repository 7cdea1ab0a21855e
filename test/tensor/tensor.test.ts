import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { type DType, Tensor, type TensorValues } from '../../src';

const bad = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' });

describe('a tensor', () => {
  it('keeps the array it is given and knows its shape', () => {
    const data = Float32Array.of(1, 2, 3, 4, 5, 6);
    const tensor = new Tensor('float32', data, [2, 3]);
    expect(tensor.data).toBe(data);
    expect(tensor).toMatchObject({ dtype: 'float32', type: 'float32', dims: [2, 3], size: 6 });
    expect(tensor.byteLength).toBe(24);
    expect(new Tensor('float32', data).dims).toEqual([6]);
    expect(tensor.reshape([3, 2]).data).toBe(data);
  });

  it('does not follow changes of the dims array that it was made with', () => {
    const dims = [2];
    const tensor = new Tensor('int8', Int8Array.of(1, 2), dims);
    dims[0] = 9;
    expect(tensor.dims).toEqual([2]);
  });

  it('may be a scalar or empty', () => {
    expect(new Tensor('float64', [4], []).size).toBe(1);
    expect(new Tensor('uint8', [], [0, 7]).size).toBe(0);
    expect(() => new Tensor('uint8', [], [])).toThrow(bad);
  });

  it('converts plain values', () => {
    const values = (dtype: DType, data: TensorValues) => [...new Tensor(dtype, data).data];
    expect(values('int64', [1, -2n])).toEqual([1n, -2n]);
    expect(values('uint64', [2 ** 53 - 1])).toEqual([9007199254740991n]);
    expect(values('bool', [true, false, 3])).toEqual([1, 0, 1]);
    expect(values('float16', [1, -2, 65504, 65520, 2 ** -24, 2 ** -25])).toEqual([
      0x3c00, 0xc000, 0x7bff, 0x7c00, 1, 0,
    ]);
    expect(values('bfloat16', [1, 3.140625, Number.NaN])).toEqual([0x3f80, 0x4049, 0x7fc0]);
    expect(values('string', ['a', 'b'])).toEqual(['a', 'b']);
    expect(values('float32', [1n, true])).toEqual([1, 1]);
  });

  it('refuses values that do not convert', () => {
    expect(() => new Tensor('int64', [1.5])).toThrow(bad);
    expect(() => new Tensor('string', ['a', 1])).toThrow(bad);
    expect(() => new Tensor('float32', ['1'])).toThrow(bad);
    expect(() => new Tensor('float32', [undefined as never])).toThrow(bad);
  });

  it('counts packed and paired elements', () => {
    expect(new Tensor('uint4', Uint8Array.of(1, 2), [3]).byteLength).toBe(2);
    expect(new Tensor('int4', Uint8Array.of(1, 2)).dims).toEqual([4]);
    expect(new Tensor('complex64', Float32Array.of(1, 2, 3, 4)).dims).toEqual([2]);
    expect(() => new Tensor('complex128', Float64Array.of(1), [1])).toThrow(bad);
  });

  const wrong: [string, () => unknown][] = [
    ['an unknown dtype', () => new Tensor('half' as DType, [1])],
    ['an array of another type', () => new Tensor('float32', Float64Array.of(1) as never)],
    ['float data for int64', () => new Tensor('int64', Int32Array.of(1) as never)],
    ['too few values', () => new Tensor('float32', [1, 2], [3])],
    ['too many values', () => new Tensor('float32', [1, 2], [1])],
    ['a negative size', () => new Tensor('float32', [], [-1])],
    ['a fraction', () => new Tensor('float32', [1], [1.5])],
    ['sizes that overflow', () => new Tensor('float32', [], [2 ** 40, 2 ** 40])],
    ['dims that are no array', () => new Tensor('float32', [1], 1 as never)],
    ['no data', () => new Tensor('float32', undefined as never)],
    ['a DataView', () => new Tensor('uint8', new DataView(new ArrayBuffer(1)) as never)],
    ['shared memory', () => new Tensor('uint8', new Uint8Array(new SharedArrayBuffer(1)))],
  ];
  for (const [what, make] of wrong) {
    it(`refuses ${what}`, () => expect(make).toThrow(bad));
  }

  it('takes arrays of other realms and Node’s buffers', () => {
    const foreign = runInNewContext('Float32Array.of(1, 2)') as Float32Array;
    expect(new Tensor('float32', foreign).dims).toEqual([2]);
    expect([...new Tensor('uint8', Buffer.from('ab')).data]).toEqual([97, 98]);
  });

  it('notices at the next use that its memory was detached', () => {
    const tensor = new Tensor('float32', Float32Array.of(1, 2));
    structuredClone(tensor.data.buffer, { transfer: [tensor.data.buffer as ArrayBuffer] });
    expect(() => tensor.data).toThrow(/detached or resized/);
  });

  it('lets go of its data on dispose', () => {
    const tensor = new Tensor('float32', [1]);
    tensor.dispose();
    tensor.dispose();
    expect(() => tensor.data).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
  });
});

describe('Tensor.from', () => {
  it('infers element type and shape', () => {
    const infer = (values: unknown) => {
      const { dtype, dims } = Tensor.from(values);
      return [dtype, dims];
    };
    expect(infer(Uint16Array.of(1))).toEqual(['uint16', [1]]);
    expect(infer(new Uint8ClampedArray(3))).toEqual(['uint8', [3]]);
    expect(infer(BigUint64Array.of(1n))).toEqual(['uint64', [1]]);
    expect(
      infer([
        [1, 2, 3],
        [4, 5, 6],
      ]),
    ).toEqual(['float32', [2, 3]]);
    expect(infer([[[1n]], [[2n]]])).toEqual(['int64', [2, 1, 1]]);
    expect(infer([true])).toEqual(['bool', [1]]);
    expect(infer('text')).toEqual(['string', []]);
    expect(infer(3)).toEqual(['float32', []]);
    expect(infer([])).toEqual(['float32', [0]]);
  });

  it('refuses ragged and mixed values', () => {
    for (const values of [[[1], [2, 3]], [1, 'a'], [[1], 2], { a: 1 }, null, undefined, [null]]) {
      expect(() => Tensor.from(values), String(values)).toThrow(bad);
    }
  });
});

describe('half precision', () => {
  it('every finite float16 survives the way to a number and back', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const numbers = new Tensor('float16', all).toFloat32();
    const back = new Tensor('float16', [...numbers]).data;
    const lost = all.filter((half, i) => !Number.isNaN(numbers[i]!) && back[i] !== half);
    expect(lost).toEqual(new Uint16Array(0));
    expect(all.filter((_, i) => Number.isNaN(numbers[i]!))).toHaveLength(2 * 1023);
  });

  it('every finite bfloat16 does too', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const numbers = new Tensor('bfloat16', all).toFloat32();
    const back = new Tensor('bfloat16', [...numbers]).data;
    expect(all.filter((half, i) => !Number.isNaN(numbers[i]!) && back[i] !== half)).toHaveLength(0);
  });

  it('rounds to nearest, ties to even', () => {
    const round = (value: number) => new Tensor('float16', [value]).toFloat32()[0];
    expect(round(2049)).toBe(2048);
    expect(round(2051)).toBe(2052);
    expect(round(2049.001)).toBe(2050);
    expect(round(1.5 * 2 ** -24)).toBe(2 * 2 ** -24);
    expect(round(0.5 * 2 ** -24)).toBe(0);
    expect(round(1023.75 * 2 ** -24)).toBe(2 ** -14);
  });
});
