import { expect, it } from 'vitest';
import { TensorRTNodeError } from '../../src/errors';
import { loadOnnxModel } from '../../src/onnx/graph';
import { halfPass } from '../../src/onnx/passes/half';
import { checkPrecision } from '../../src/onnx/passes/precision-options';
import { encodeOnnxModel } from '../../src/onnx/write';
import { mutatedModel } from '../fuzz/onnx-fuzz';
import { onnxSeeds } from '../fuzz/onnx-seeds';

const count = 3000;

it(`${count} mutated models are cast, or refused with a code`, async () => {
  const seeds = onnxSeeds();
  const outcomes: Record<string, number> = {};
  const faults: string[] = [];
  for (let index = 0; index < count; index++) {
    const bytes = mutatedModel(11, index, seeds);
    const type = index % 2 ? 'fp16' : 'bf16';
    let outcome = 'cast';
    try {
      const model = await loadOnnxModel(bytes);
      await halfPass(checkPrecision('precision', { type, keepIoFloat: index % 3 > 0 })).run(model);
      // What is written must be a model again.
      await loadOnnxModel(await encodeOnnxModel(model));
    } catch (error) {
      if (error instanceof TensorRTNodeError && error.code !== 'ERR_INTERNAL') outcome = error.code;
      else {
        outcome = 'fault';
        faults.push(`${index}: ${(error as Error).stack}`);
      }
    }
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  console.log('mutated models, cast:', outcomes);
  expect(faults.slice(0, 3)).toEqual([]);
  expect(outcomes.cast).toBeGreaterThan(count / 10);
  expect(count - outcomes.cast!).toBeGreaterThan(count / 10);
});
