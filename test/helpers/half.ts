import { expect } from 'vitest';
import { loadOnnxModel } from '../../src/onnx/graph';
import { type HalfFacts, halfPass } from '../../src/onnx/passes/half';
import { checkPrecision, type PrecisionOptions } from '../../src/onnx/passes/precision-options';
import type { GraphProto } from '../../src/onnx/schema';
import { inferElementTypes } from '../../src/onnx/types';
import { encodeOnnxModel } from '../../src/onnx/write';
import { Session } from '../../src/session/session';
import type { Tensor } from '../../src/tensor/tensor';
import { onnxModel, type TestModel, type TestNode } from './onnx-writer';

export interface CastModel {
  bytes: Uint8Array;
  graph: GraphProto;
  facts: HalfFacts;
  messages: string[];
  /** `Operator input,… > output,…` of each node, in order; casts as `Cast to fp16 …`. */
  nodes: string[];
  /** Element type of a value: `fp32`, `fp16`, … */
  typeOf(value: string): string;
}

const typeNames: Record<number, string> = { 1: 'fp32', 10: 'fp16', 16: 'bf16', 7: 'int64' };

/** A model cast by the pass, written and read again. */
export async function castModel(
  source: TestModel | Uint8Array,
  options: Partial<PrecisionOptions> = {},
): Promise<CastModel> {
  const model = await loadOnnxModel(source instanceof Uint8Array ? source : onnxModel(source));
  const pass = halfPass(checkPrecision('precision', { type: 'fp16', ...options }));
  const { messages, facts } = await pass.run(model);
  const bytes = await encodeOnnxModel(model);
  const { graph } = (await loadOnnxModel(bytes)).proto;
  const types = inferElementTypes(graph);
  const nodes = graph.nodes.map((node) => {
    const to = node.attributes.find(({ name }) => name === 'to')?.i;
    const what = to === undefined ? node.opType : `${node.opType} to ${typeNames[Number(to)]}`;
    return `${what} ${node.inputs.join(',')} > ${node.outputs.join(',')}`;
  });
  return {
    bytes,
    graph,
    facts: facts as HalfFacts,
    messages,
    nodes,
    typeOf: (value) => typeNames[types.get(value) ?? 0] ?? `type ${types.get(value)}`,
  };
}

/** Runs both models on the CPU; each output of the first must be near that of the second. */
export async function expectSameOnCpu(
  source: TestModel,
  cast: CastModel,
  feeds: Record<string, Tensor>,
  tolerance = 0.01,
): Promise<void> {
  await using before = await Session.create(onnxModel(source), { backend: 'cpu' });
  await using after = await Session.create(cast.bytes, { backend: 'cpu' });
  const wanted = await before.run(feeds);
  const found = await after.run(feeds);
  for (const [name, tensor] of Object.entries(wanted)) {
    expect(found[name]!.dtype).toBe(tensor.dtype);
    expect(found[name]!.dims).toEqual(tensor.dims);
    const a = [...(tensor.data as Float32Array)].map(Number);
    const b = [...(found[name]!.data as Float32Array)].map(Number);
    expect(a.length).toBeGreaterThan(0);
    const largest = Math.max(1, ...a.map(Math.abs));
    const error = Math.max(...a.map((value, i) => Math.abs(value - b[i]!))) / largest;
    expect(error).toBeLessThan(tolerance);
  }
}

export const node = (
  op: string,
  inputs: string,
  outputs: string,
  extra: Partial<TestNode> = {},
): TestNode => ({
  op,
  inputs: inputs.split(','),
  outputs: outputs.split(','),
  name: `${op}_${outputs.split(',')[0]}`,
  ...extra,
});

/** A 1x1 convolution of two channels, `weight` being its weight's name. */
export const conv = (input: string, output: string, weight = 'w'): TestNode =>
  node('Conv', `${input},${weight}`, output, { attributes: { kernel_shape: { ints: [1, 1] } } });

export const weight = (name = 'w', data: readonly number[] = [0.5, -0.25, 0.125, 1.5]) =>
  ({ name, dtype: 'float32', dims: [2, 2, 1, 1], data }) as const;

export const image = (name: string) => ({ name, dtype: 'float32', dims: [1, 2, 4, 4] }) as const;
