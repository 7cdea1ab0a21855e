import { expect, it } from 'vitest';
import { TensorRTNodeError } from '../../src/errors';
import { loadOnnxModel } from '../../src/onnx/graph';
import { readOnnxModel } from '../../src/onnx/model';
import { constantFoldingPass } from '../../src/onnx/passes/constant-folding';
import { deadNodesPass } from '../../src/onnx/passes/dead-nodes';
import { imageInputPass } from '../../src/onnx/passes/image-input';
import { type GraphPass, runPasses } from '../../src/onnx/passes/pass';
import { topKPass } from '../../src/onnx/passes/top-k-head';
import { encodeOnnxModel } from '../../src/onnx/write';
import { mutate } from '../fuzz/onnx-mutations';
import { onnxSeeds } from '../fuzz/onnx-seeds';
import { Random } from '../fuzz/random';
import { onnxModel } from '../helpers/onnx-writer';
import { tinyYolo } from '../helpers/tiny-yolo';

const count = 2000;

/** A head whose sizes come out of a chain of shapes and constants, so that there is something to fold. */
const unsimplified = onnxModel({
  nodes: [
    { op: 'Constant', inputs: [], outputs: ['zero'], attributes: { value_int: { i: 0 } } },
    {
      op: 'Constant',
      inputs: [],
      outputs: ['rest'],
      attributes: { value_ints: { ints: [6, -1] } },
    },
    { op: 'Shape', inputs: ['images'], outputs: ['dims'] },
    { op: 'Gather', inputs: ['dims', 'zero'], outputs: ['n'] },
    { op: 'Unsqueeze', inputs: ['n', 'axis'], outputs: ['list'] },
    { op: 'Concat', inputs: ['list', 'rest'], outputs: ['shape'], attributes: { axis: { i: 0 } } },
    { op: 'Identity', inputs: ['images'], outputs: ['same'] },
    { op: 'Reshape', inputs: ['same', 'shape'], outputs: ['output0'] },
  ],
  initializers: [{ name: 'axis', dtype: 'int64', dims: [1], data: [0] }],
  inputs: [{ name: 'images', dtype: 'float32', dims: [1, 3, 32, 32] }],
  outputs: [{ name: 'output0', dtype: 'float32', dims: [1, 6, 512] }],
  metadata: { names: "{0: 'a', 1: 'b'}", task: 'detect' },
});

const passes: Record<string, GraphPass[]> = {
  simplify: [constantFoldingPass(), deadNodesPass()],
  imageInput: [imageInputPass({})],
  topK: [topKPass(true), deadNodesPass()],
};

it(`${count} mutated models leave the passes with typed errors or models that can be read`, async () => {
  // Ours thrice, since most other seeds have neither such inputs nor such outputs.
  const ours = [tinyYolo(), tinyYolo({ batch: 'n' }), unsimplified];
  const seeds = [...ours, ...ours, ...ours, ...onnxSeeds()];
  const outcomes: Record<string, number> = {};
  for (let index = 0; index < count; index++) {
    const bytes = mutate(new Random(index), seeds);
    for (const [name, list] of Object.entries(passes)) {
      let outcome = 'edited';
      try {
        const model = await loadOnnxModel(bytes);
        await runPasses(model, list);
        await readOnnxModel(await encodeOnnxModel(model));
      } catch (error) {
        if (!(error instanceof TensorRTNodeError)) {
          throw new Error(`seed ${index}, ${name}: ${String(error)}`, { cause: error });
        }
        outcome = error.code;
      }
      outcomes[`${name}: ${outcome}`] = (outcomes[`${name}: ${outcome}`] ?? 0) + 1;
    }
  }
  console.log('mutated models, passes:', outcomes);
  for (const name of Object.keys(passes)) {
    expect(outcomes[`${name}: edited`]).toBeGreaterThan(count / 10);
    expect(outcomes[`${name}: ERR_INTERNAL`]).toBeUndefined();
  }
}, 60_000);
