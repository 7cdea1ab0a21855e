import { describe, expect, it } from 'vitest';
import { chooseHead } from '../../src/vision/heads/choose';
import type { ModelFacts, OutputInfo } from '../../src/vision/heads/head';

const output = (
  dims: (number | null)[],
  dtype: OutputInfo['dtype'] = 'float32',
  name = 'output0',
): OutputInfo => ({ name, dims, dtype });

describe('chooseHead', () => {
  it.each<[string, ModelFacts, number]>([
    ['by class names', { outputs: [output([1, 9, 8400])], task: 'detect', classCount: 5 }, 5],
    ['by proportions', { outputs: [output([1, 84, 8400])] }, 80],
    ['of dynamic size', { outputs: [output([-1, 9, -1])] }, 5],
    ['with only names to go by', { outputs: [output([null, null, null])], classCount: 7 }, 7],
    ['of half precision', { outputs: [output([1, 9, 8400], 'float16')], classCount: 5 }, 5],
    ['with more classes than anchors', { outputs: [output([1, 84, 21])], classCount: 80 }, 80],
  ])('finds a YOLOv8 head %s', (_, facts, classCount) => {
    const head = chooseHead(facts);
    expect(head.layout).toBe('yolov8');
    expect(head.outputNames).toEqual(['output0']);
    expect(head.classCount).toBe(classCount);
  });

  it.each<[string, ModelFacts]>([
    ['anchor-based YOLOv5', { outputs: [output([1, 25200, 10])], classCount: 5 }],
    ['anchor-based without names', { outputs: [output([1, 25200, 85])] }],
    ['suppression inside', { outputs: [output([1, 300, 6])], task: 'detect', classCount: 5 }],
    ['another task', { outputs: [output([1, 56, 8400])], task: 'pose', classCount: 1 }],
    ['two outputs', { outputs: [output([1, 41, 8400]), output([1, 32, 160, 160])] }],
    ['a classifier', { outputs: [output([1, 1000])] }],
    ['integers', { outputs: [output([1, 84, 8400], 'int8')] }],
    ['nothing known', { outputs: [output([null, null, null])] }],
    ['no room for a class', { outputs: [output([1, 4, 8400])] }],
    ['no outputs', { outputs: [] }],
  ])('refuses %s with shapes seen and layouts known', (_, facts) => {
    let thrown: { code?: string; message?: string } = {};
    try {
      chooseHead(facts);
    } catch (error) {
      thrown = error as typeof thrown;
    }
    expect(thrown.code).toBe('ERR_UNSUPPORTED_MODEL');
    expect(thrown.message).toMatch(/^Expected outputs of a known layout but received /);
    expect(thrown.message).toContain('Known layouts: yolov8: ');
    for (const { dims } of facts.outputs) {
      expect(thrown.message).toContain(`[${dims.map((dim) => dim ?? '?').join(', ')}]`);
    }
  });

  it('refuses a run whose output has another shape than declared', async () => {
    const head = chooseHead({ outputs: [output([1, 9, -1])], classCount: 5 });
    const options = { confidence: 0.25, iou: 0.7, maxDetections: 300 };
    const image = { padX: 0, padY: 0, gainX: 1, gainY: 1, width: 9, height: 9 };
    for (const dims of [
      [1, 8, 10],
      [1, 9],
      [0, 9, 10],
    ]) {
      await expect(
        head.decode([{ dims, data: new Float32Array(90) }], [image], options),
      ).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED_MODEL' });
    }
    await expect(
      head.decode([{ dims: [1, 9, 10], data: new Float32Array(89) }], [image], options),
    ).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });
});
