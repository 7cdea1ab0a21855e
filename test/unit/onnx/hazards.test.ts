import { describe, expect, it } from 'vitest';
import { Session } from '../../../src/session/session';
import { addOneModel, onnxModel, type TestModel } from '../../helpers/onnx-writer';

const create = async (model: Partial<TestModel>): Promise<void> => {
  const session = await Session.create(addOneModel([2, 4], model), { backend: 'cpu' });
  await session.dispose();
};
const refused = (message: RegExp): object =>
  expect.objectContaining({ code: 'ERR_INVALID_MODEL', message: expect.stringMatching(message) });

const vector = (name: string): NonNullable<TestModel['initializers']>[number] => ({
  name,
  dtype: 'float32',
  dims: [4],
  data: [1, 2, 3, 4],
});

describe('what ONNX Runtime is known to crash on', () => {
  it('is an input list with a hole', async () => {
    for (const op of ['Sum', 'Max', 'Min', 'Mean']) {
      const node = (inputs: string[]): Partial<TestModel> => ({
        nodes: [{ op, name: 'n', inputs, outputs: ['y'] }],
      });
      await create(node(['x', 'one']));
      await expect(create(node(['one', '']))).rejects.toEqual(
        refused(new RegExp(`cannot be loaded.*${op} node "n" has an input without a name`)),
      );
    }
  });

  it('is an empty name in place of an optional input', async () => {
    const node = (inputs: string[]): Partial<TestModel> => ({
      nodes: [{ op: 'LayerNormalization', inputs, outputs: ['y'] }],
      initializers: [vector('scale'), vector('bias')],
    });
    await create(node(['x', 'scale']));
    await create(node(['x', 'scale', 'bias']));
    await expect(create(node(['x', 'scale', '']))).rejects.toEqual(
      refused(/LayerNormalization node "" names an empty optional input/),
    );
    // Other operators take it.
    await create({
      nodes: [{ op: 'Clip', inputs: ['x', '', 'top'], outputs: ['y'] }],
      initializers: [{ name: 'top', dtype: 'float32', dims: [], data: [1] }],
    });
  });

  it('is attention with no heads', async () => {
    const model = (heads: number): Partial<TestModel> => ({
      irVersion: 11,
      opset: 23,
      nodes: [
        {
          op: 'Attention',
          inputs: ['q', 'q', 'q'],
          outputs: ['y'],
          attributes: { q_num_heads: { i: 2 }, kv_num_heads: { i: heads } },
        },
      ],
      inputs: [{ name: 'q', dtype: 'float32', dims: [1, 3, 8] }],
      outputs: [{ name: 'y', dtype: 'float32', dims: [1, 3, 8] }],
    });
    await create(model(2));
    await expect(create(model(0))).rejects.toEqual(refused(/Attention.*has 0 as kv_num_heads/));
  });

  it('is a vectoriser whose n-grams do not fit', async () => {
    const model = (indexes: number[]): Uint8Array =>
      onnxModel({
        nodes: [
          {
            op: 'TfIdfVectorizer',
            inputs: ['x'],
            outputs: ['y'],
            attributes: {
              max_gram_length: { i: 2 },
              max_skip_count: { i: 0 },
              min_gram_length: { i: 1 },
              mode: { s: 'TF' },
              ngram_counts: { ints: [0, 4] },
              ngram_indexes: { ints: indexes },
              pool_int64s: { ints: [2, 3, 5, 4, 5, 6, 7, 8, 6, 7] },
            },
          },
        ],
        inputs: [{ name: 'x', dtype: 'int64', dims: [12] }],
        outputs: [{ name: 'y', dtype: 'float32', dims: [7] }],
      });
    const session = await Session.create(model([0, 1, 2, 3, 4, 5, 6]), { backend: 'cpu' });
    await session.dispose();
    await expect(Session.create(model([0, 1, 2, 4, 5, 6]), { backend: 'cpu' })).rejects.toEqual(
      refused(/n-grams that do not fit/),
    );
  });

  it('is external data without a folder, or outside of it', async () => {
    for (const location of ['w.bin', '../w.bin', '*/_ORT_MEM_ADDR_/*']) {
      await expect(
        create({
          initializers: [
            { name: 'one', dtype: 'float32', dims: [1], external: { location, offset: 4096 } },
          ],
        }),
      ).rejects.toMatchObject({ code: 'ERR_INVALID_MODEL' });
    }
  });
});
