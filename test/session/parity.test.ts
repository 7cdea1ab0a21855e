import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Session, Tensor } from '../../src';
import { dataPath, describeWithData, hasData } from '../helpers/data';
import { readNpy } from '../helpers/npy';

interface Pair {
  model: string;
  input: string;
  input_name: string;
  input_type: string;
  outputs: Record<string, { file: string; shape: number[]; dtype: string }>;
}

const pairs: Pair[] = hasData
  ? (JSON.parse(readFileSync(dataPath('raw', 'pairs.json'), 'utf8')) as { pairs: Pair[] }).pairs
  : [];

/** Other versions of ONNX Runtime order their sums differently; half models round after every operator. */
function tolerance(model: string): { relative: number; absolute: number } {
  return /fp16/.test(model)
    ? { relative: 2e-2, absolute: 1e-1 }
    : { relative: 1e-4, absolute: 2e-4 };
}

describeWithData('the CPU backend against reference outputs', () => {
  it('finds the reference pairs', () => {
    expect(pairs.length).toBeGreaterThanOrEqual(10);
  });

  for (const pair of pairs) {
    it(`runs ${pair.model} on ${pair.input} as ONNX Runtime in Python does`, async () => {
      await using session = await Session.create(dataPath('models', pair.model));
      const input = readNpy(dataPath('raw', pair.input));
      const half = pair.input_type === 'tensor(float16)';
      const feed = half
        ? new Tensor('float16', [...(input.data as Float32Array)], input.dims)
        : new Tensor('float32', input.data as Float32Array, input.dims);
      expect(session.inputNames).toEqual([pair.input_name]);
      const results = await session.run({ [pair.input_name]: feed });
      expect(Object.keys(results).sort()).toEqual(Object.keys(pair.outputs).sort());
      for (const [name, expected] of Object.entries(pair.outputs)) {
        const result = results[name]!;
        expect(result.dims).toEqual(expected.shape);
        expect(result.dtype).toBe(expected.dtype);
        const reference = readNpy(dataPath('raw', expected.file));
        const wanted = new Tensor(
          result.dtype,
          reference.data as never,
          reference.dims,
        ).toFloat32();
        const got = result.toFloat32();
        const { relative, absolute } = tolerance(pair.model);
        let worst = 0;
        for (let i = 0; i < wanted.length; i++) {
          const limit = absolute + relative * Math.abs(wanted[i]!);
          worst = Math.max(worst, Math.abs(got[i]! - wanted[i]!) / limit);
        }
        expect(worst, `${name}: largest difference in units of the tolerance`).toBeLessThan(1);
      }
    });
  }
});
