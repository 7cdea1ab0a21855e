import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EngineBuilder, setLogSink } from '../../src/index';
import { requireCompiledWorker } from '../helpers/build-process';
import { conv, node, weight } from '../helpers/half';
import { convModel, onnxModel, type TestModel } from '../helpers/onnx-writer';
import { hasRtx } from '../helpers/trt';

const channels = 16;
const image = (name: string) => ({ name, dtype: 'float32', dims: [1, channels, 32, 32] }) as const;
const scalar = (name: string, value: number) =>
  ({ name, dtype: 'float32', dims: [], data: [value] }) as const;

/** Two convolutions between Q/DQ nodes, weights quantised ahead, as other tools export them. */
function quantized(type: 'int8' | 'float8e4m3fn', opset: number): Uint8Array {
  const layer = (input: string, output: string, index: number) => [
    node('QuantizeLinear', `${input},sx,zero`, `q${index}`),
    node('DequantizeLinear', `q${index},sx,zero`, `d${index}`),
    node('DequantizeLinear', `wq${index},sw,zero`, `w${index}`),
    node('Conv', `d${index},w${index}`, output, {
      attributes: { kernel_shape: { ints: [3, 3] }, pads: { ints: [1, 1, 1, 1] } },
    }),
  ];
  const count = channels * channels * 9;
  const weights = (index: number) => ({
    name: `wq${index}`,
    dtype: type,
    dims: [channels, channels, 3, 3],
    data: Uint8Array.from({ length: count }, (_, i) => ((i * 37 + index) % 100) + 8),
  });
  const model: TestModel = {
    opset,
    irVersion: 9,
    nodes: [
      ...layer('x', 'a', 1),
      node('Relu', 'a', 'b'),
      ...layer('b', 'c', 2),
      node('Sigmoid', 'c', 'y'),
    ],
    initializers: [
      scalar('sx', 0.05),
      scalar('sw', 0.01),
      { name: 'zero', dtype: type, dims: [], data: Uint8Array.of(0) },
      weights(1),
      weights(2),
    ],
    inputs: [image('x')],
    outputs: [image('y')],
  };
  return onnxModel(model);
}

describe.skipIf(!hasRtx)('builds by real TensorRT-RTX', () => {
  let builder: EngineBuilder;
  const temporary = (): string[] =>
    readdirSync(tmpdir()).filter((name) => name.startsWith('tensorrt-node-build-'));
  const options = {
    flavor: 'rtx1',
    computeCapabilities: ['8.9'],
    profilingVerbosity: 'detailed',
  } as const;
  beforeAll(() => {
    requireCompiledWorker();
    builder = new EngineBuilder();
    setLogSink(() => {});
  });
  afterAll(() => builder.dispose());

  it.each([
    ['int8', 17],
    ['int8', 19],
    ['float8e4m3fn', 19],
  ] as const)('of %s graphs of operator set %i as they are', async (type, opset) => {
    const facts = (await builder.build(quantized(type, opset), options)).inspect();
    expect(facts.graphPasses).toBeUndefined();
    expect(facts.outputs).toMatchObject([{ name: 'y', dtype: 'float32' }]);
  });

  it.each(['int8', 'float8e4m3fn'] as const)('of %s graphs cast to fp16', async (type) => {
    const engine = await builder.build(quantized(type, 19), { ...options, precision: 'fp16' });
    const [pass] = engine.inspect().graphPasses!;
    expect(pass!.messages).toContain('6 Q/DQ nodes have fp16 scales now');
  });

  it('are refused with the reason of the cast, before TensorRT is asked', async () => {
    const build = builder.build(quantized('int8', 17), { ...options, precision: 'fp16' });
    await expect(build).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED_MODEL',
      message: expect.stringContaining('Expected operator set 19 or later'),
    });
  });

  it('leave no edited model behind, built or refused or stopped', async () => {
    const before = temporary();
    const folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-precision-'));
    try {
      const output = path.join(folder, 'model.engine');
      await builder.build(convModel(), { ...options, output, precision: 'bf16' });
      expect(existsSync(output)).toBe(true);
      const signal = AbortSignal.timeout(1);
      await expect(
        builder.build(convModel(), { ...options, output, precision: 'fp16', signal }),
      ).rejects.toThrow();
      await expect(
        builder.build(quantized('int8', 17), { ...options, output, precision: 'fp16' }),
      ).rejects.toThrow();
      expect(readdirSync(folder)).toEqual(['model.engine']);
      expect(temporary().filter((name) => !before.includes(name))).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('take inputs and outputs in fp16 where asked', async () => {
    const model = onnxModel({
      nodes: [conv('x', 'a'), node('Relu', 'a', 'y')],
      initializers: [weight()],
      inputs: [{ name: 'x', dtype: 'float32', dims: [1, 2, 4, 4] }],
      outputs: [{ name: 'y', dtype: 'float32', dims: [1, 2, 4, 4] }],
    });
    const precision = { type: 'fp16', keepIoFloat: false } as const;
    const facts = (await builder.build(model, { ...options, precision })).inspect();
    expect([facts.inputs![0]!.dtype, facts.outputs![0]!.dtype]).toEqual(['float16', 'float16']);
  });
});
