import { attributeInt, type OnnxModel, replaceUses, sortNodes } from '../graph';
import type { GraphProto, NodeProto, TensorProto, ValueInfoProto } from '../schema';
import { makeTensor } from '../tensor-data';
import { constantTensor } from './constant-node';
import { evaluate, type KnownValue, readKnown } from './known-values';
import { isStandard } from './operators';
import type { GraphPass, PassResult } from './pass';
import { declaredValue } from './values';

/** Elements that are computed in all. Real graphs have thousands; a hostile one of a few bytes a node, any number. */
const maxComputed = 1 << 20;

/**
 * Computes what is known before a run and replaces it by initialisers: Constant nodes, and arithmetic of shapes
 * (Shape, Gather, Concat, Slice, Squeeze, Unsqueeze, Cast, Add, Sub, Mul, Div on int32 and int64 values of at
 * most one dimension). Identity, and Dropout where it does nothing, are taken out. A shape is known as far as
 * inputs and initialisers declare it: shapes that exporters note beside inner values are not trusted.
 *
 * Nodes come into topological order where they are not. Outputs of the graph keep their nodes and names. Sub-graphs
 * are left as they are. What is left unused stays until the pass `dead-nodes`. Facts: `nodes`, how many went.
 */
export function constantFoldingPass(): GraphPass {
  return { name: 'constant-folding', options: {}, run: foldConstants };
}

async function foldConstants(model: OnnxModel): Promise<PassResult> {
  const { graph } = model.proto;
  sortNodes(graph);
  const known = await initialValues(model);
  const shapes = declaredShapes(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const kept: NodeProto[] = [];
  let elements = 0;
  for (const node of graph.nodes) {
    const output = node.outputs[0] ?? '';
    const isOnlyOutput = node.outputs.slice(1).every((other) => other === '');
    if (!isStandard(node) || output === '' || !isOnlyOutput || outputs.has(output)) {
      kept.push(node);
      continue;
    }
    const constant = constantTensor(node);
    if (constant !== undefined) {
      graph.initializers.push(Object.assign(constant, { name: output }));
      const value = await readKnown(constant, model);
      if (value !== undefined) known.set(output, value);
      continue;
    }
    if (isPassThrough(node, known)) {
      replaceUses(graph, output, node.inputs[0]!);
      continue;
    }
    const value = elements < maxComputed ? evaluate(node, known, shapes) : undefined;
    elements += value?.data.length ?? 0;
    if (value !== undefined) known.set(output, value);
    const tensor = value && tensorOf(output, value);
    if (tensor !== undefined) graph.initializers.push(tensor);
    else kept.push(node);
  }
  const removed = graph.nodes.length - kept.length;
  graph.nodes = kept;
  return {
    messages: removed === 0 ? [] : [`${removed} nodes of constants and shapes were computed`],
    facts: { nodes: removed },
  };
}

async function initialValues(model: OnnxModel): Promise<Map<string, KnownValue>> {
  const { graph } = model.proto;
  // An initialiser that is an input too is a default that callers may override.
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  const known = new Map<string, KnownValue>();
  for (const tensor of graph.initializers) {
    if (inputs.has(tensor.name)) continue;
    const value = await readKnown(tensor, model);
    if (value !== undefined) known.set(tensor.name!, value);
  }
  return known;
}

function declaredShapes(graph: GraphProto): Map<string, (number | undefined)[]> {
  const shapes = new Map<string, (number | undefined)[]>();
  for (const { name, dims } of graph.initializers) shapes.set(name!, dims);
  for (const input of graph.inputs) {
    const dims = declaredDims(input);
    if (dims !== undefined) shapes.set(input.name!, dims);
  }
  return shapes;
}

function declaredDims(info: ValueInfoProto): (number | undefined)[] | undefined {
  return declaredValue(info).dims?.map((dim) => (typeof dim === 'number' ? dim : undefined));
}

function isPassThrough(node: NodeProto, known: ReadonlyMap<string, KnownValue>): boolean {
  if (node.opType === 'Identity') return node.inputs.length === 1;
  if (node.opType !== 'Dropout') return false;
  // Before operator set 12 Dropout has no training mode, before 7 an attribute for it.
  if (attributeInt(node, 'is_test', 1) === 0) return false;
  const training = node.inputs[2] ?? '';
  return training === '' || known.get(training)?.data[0] === 0n;
}

function tensorOf(name: string, { dtype, dims, data }: KnownValue): TensorProto | undefined {
  if (data.some((item) => item === undefined)) return undefined;
  const values = data as bigint[];
  const array = dtype === 'int64' ? BigInt64Array.from(values) : Int32Array.from(values, Number);
  return makeTensor(name, dtype === 'int64' ? 'int64' : 'int32', dims, array);
}
