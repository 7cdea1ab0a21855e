import { dtypeFromOnnx } from '../tensor/dtype';
import type { OnnxModel } from './graph';
import { type OnnxValue, onnxValue, requiredInputs } from './model';
import type { GraphProto, NodeProto, TensorProto } from './schema';
import { readTensorData } from './tensor-data';
import { elementBits, tensorByteLength } from './tensors';
import { allNodes, allTensors, attributeGraphs } from './walk';

/** A node as the reports name it. */
export interface DoctorNode {
  /** Position in the main graph; undefined inside of a sub-graph or function. */
  index: number | undefined;
  name: string;
  operator: string;
}

/** Something about a model that matters to TensorRT and that the file itself tells. */
export interface ModelFinding {
  kind:
    | 'control-flow'
    | 'custom-operator'
    | 'data-dependent-shape'
    | 'double'
    | 'dynamic-input'
    | 'int64'
    | 'non-tensor'
    | 'old-opset'
    | 'quantized'
    | 'unsupported-type';
  /** `info`: to be known; `warning`: an engine may not build, or not compute what the file says. */
  severity: 'info' | 'warning';
  message: string;
  /** The first nodes that it is about; none where it is about tensors. */
  nodes: DoctorNode[];
  /** How many nodes or tensors it is about. */
  count: number;
}

const shownNodes = 20;

/** Operators whose output shape depends on the values that are computed, not on shapes alone. */
const dataDependent = ['NonZero', 'NonMaxSuppression', 'Compress', 'Unique'];
const controlFlow = ['If', 'Loop', 'Scan'];
/** Element types that TensorRT has no tensors of. */
const foreignTypes = [
  'string',
  'uint16',
  'int16',
  'uint32',
  'uint64',
  'complex64',
  'complex128',
  'float8e4m3fnuz',
  'float8e5m2',
  'float8e5m2fnuz',
  'uint4',
];
/** The oldest operator set that NVIDIA's parser documents. */
const oldestOpset = 9;
const castToAttribute = 'to';

interface Found extends DoctorNode {
  node: NodeProto;
}

/**
 * Looks for what is known to go wrong, or to come out otherwise than expected, when TensorRT builds a model. The
 * file alone is read; whether an operator is supported only TensorRT's parser can tell.
 */
export async function examineModel(model: OnnxModel): Promise<ModelFinding[]> {
  const nodes = [...nodesOf(model)];
  const values = ioOf(model.proto.graph);
  const findings = [
    opset(model),
    controlFlowOf(nodes),
    dataDependentShapes(nodes),
    customOperators(model, nodes),
    quantization(nodes),
    dynamicInputs(values.inputs, nodes),
    nonTensors([...values.inputs, ...values.outputs]),
    int64(values),
    foreign(model, values, nodes),
    await doubles(model, values, nodes),
  ];
  return findings.filter((finding) => finding !== undefined);
}

function* nodesOf({ proto }: OnnxModel): Generator<Found> {
  const found = (node: NodeProto, index: number | undefined): Found => ({
    index,
    name: node.name ?? '',
    operator: qualified(node),
    node,
  });
  for (const [index, node] of proto.graph.nodes.entries()) {
    yield found(node, index);
    for (const attribute of node.attributes) {
      for (const graph of attributeGraphs(attribute)) {
        for (const inner of allNodes(graph)) yield found(inner, undefined);
      }
    }
  }
  for (const func of proto.functions) {
    for (const node of allNodes(func)) yield found(node, undefined);
  }
}

function qualified({ domain, opType }: NodeProto): string {
  return domain && domain !== 'ai.onnx' ? `${domain}.${opType ?? ''}` : (opType ?? '');
}

/** What is fed, and what comes out. */
export function ioOf(graph: GraphProto): { inputs: OnnxValue[]; outputs: OnnxValue[] } {
  return {
    inputs: requiredInputs(graph).map(onnxValue),
    outputs: graph.outputs.map(onnxValue),
  };
}

function finding(
  kind: ModelFinding['kind'],
  severity: ModelFinding['severity'],
  message: string,
  nodes: readonly Found[],
  count = nodes.length,
): ModelFinding {
  const shown = nodes
    .slice(0, shownNodes)
    .map(({ index, name, operator }) => ({ index, name, operator }));
  return { kind, severity, message, nodes: shown, count };
}

function counted(nodes: readonly Found[]): string {
  const counts = new Map<string, number>();
  for (const { operator } of nodes) counts.set(operator, (counts.get(operator) ?? 0) + 1);
  return [...counts].map(([operator, count]) => `${count} ${operator}`).join(', ');
}

function opset({ proto }: OnnxModel): ModelFinding | undefined {
  const version = proto.opsetImports.find(({ domain }) => !domain || domain === 'ai.onnx')?.version;
  if (version === undefined || version >= oldestOpset) return undefined;
  return finding(
    'old-opset',
    'warning',
    `The model is of operator set ${version}, and TensorRT's parser documents ${oldestOpset} and later: export it anew.`,
    [],
    1,
  );
}

function controlFlowOf(nodes: readonly Found[]): ModelFinding | undefined {
  const found = nodes.filter(({ operator }) => controlFlow.includes(operator));
  if (found.length === 0) return undefined;
  return finding(
    'control-flow',
    'warning',
    `The graph branches or loops (${counted(found)}): both branches of an If must give the same rank and type, ` +
      'and an If or Loop whose condition is computed from shapes alone should be folded away by a simplifier ' +
      'before the build.',
    found,
  );
}

function dataDependentShapes(nodes: readonly Found[]): ModelFinding | undefined {
  const found = nodes.filter(({ operator }) => dataDependent.includes(operator));
  if (found.length === 0) return undefined;
  const hasNms = found.some(({ operator }) => operator === 'NonMaxSuppression');
  return finding(
    'data-dependent-shape',
    'warning',
    `The size of an output depends on values (${counted(found)}). TensorRT-RTX 1.7 was seen to build neither ` +
      'NonZero nor NonMaxSuppression; TensorRT 10 and 11 allocate the output while the engine runs, so that no ' +
      `CUDA graph can hold it.${hasNms ? ' Export without non-maximum suppression: this package does it outside of the graph.' : ''}`,
    found,
  );
}

function customOperators({ proto }: OnnxModel, nodes: readonly Found[]): ModelFinding | undefined {
  const functions = new Set(proto.functions.map(({ domain, name }) => `${domain ?? ''}.${name}`));
  const found = nodes.filter(
    ({ node }) =>
      node.domain &&
      node.domain !== 'ai.onnx' &&
      !functions.has(`${node.domain}.${node.opType ?? ''}`),
  );
  if (found.length === 0) return undefined;
  return finding(
    'custom-operator',
    'warning',
    `Operators from outside of ONNX (${counted(found)}) need a TensorRT plug-in of the same name.`,
    found,
  );
}

function quantization(nodes: readonly Found[]): ModelFinding | undefined {
  const found = nodes.filter(({ operator }) =>
    ['QuantizeLinear', 'DequantizeLinear'].includes(operator),
  );
  if (found.length === 0) return undefined;
  return finding(
    'quantized',
    'info',
    `The model is quantized explicitly (${counted(found)}) and is built as it says.`,
    found,
  );
}

function dynamicInputs(
  inputs: readonly OnnxValue[],
  nodes: readonly Found[],
): ModelFinding | undefined {
  const dynamic = inputs.filter(({ dims }) => dims?.some((dim) => typeof dim !== 'number'));
  if (dynamic.length === 0) return undefined;
  const shapes = nodes.filter(({ operator }) => operator === 'Shape');
  const list = dynamic.map(
    ({ name, dims }) => `"${name}" [${dims!.map((dim) => dim ?? '?').join(', ')}]`,
  );
  const computed =
    shapes.length > 0 ? ` ${shapes.length} nodes compute with shapes while the engine runs.` : '';
  return finding(
    'dynamic-input',
    'info',
    `Give a range of shapes (option shapes) for ${list.join(', ')}.${computed}`,
    [],
    dynamic.length,
  );
}

function nonTensors(values: readonly OnnxValue[]): ModelFinding | undefined {
  const found = values.filter(({ kind }) => kind !== 'tensor' && kind !== 'unknown');
  if (found.length === 0) return undefined;
  const list = found.map(({ name, kind }) => `"${name}" (${kind})`).join(', ');
  return finding(
    'non-tensor',
    'warning',
    `TensorRT's inputs and outputs are tensors; these are not: ${list}.`,
    [],
    found.length,
  );
}

function int64({ inputs, outputs }: ReturnType<typeof ioOf>): ModelFinding | undefined {
  const found = [...inputs, ...outputs].filter(({ dtype }) => dtype === 'int64');
  if (found.length === 0) return undefined;
  const list = found.map(({ name }) => `"${name}"`).join(', ');
  return finding(
    'int64',
    'info',
    `${list}: the engine keeps int64 there and takes BigInt64Array; int32 would do for indices and masks and ` +
      'is what TensorRT before 10 made of it.',
    [],
    found.length,
  );
}

function typeName(number: number): string {
  return dtypeFromOnnx(number) ?? `type ${number}`;
}

function castsTo(nodes: readonly Found[], types: readonly string[]): Found[] {
  return nodes.filter(({ operator, node }) => {
    if (operator !== 'Cast') return false;
    const to = node.attributes.find(({ name }) => name === castToAttribute)?.i;
    return to !== undefined && types.includes(dtypeFromOnnx(Number(to)) ?? '');
  });
}

function foreign(
  { proto }: OnnxModel,
  { inputs, outputs }: ReturnType<typeof ioOf>,
  nodes: readonly Found[],
): ModelFinding | undefined {
  const values = [...inputs, ...outputs].filter(({ dtype }) => foreignTypes.includes(dtype ?? ''));
  const tensors = [...allTensors(proto)].filter((tensor) =>
    foreignTypes.includes(dtypeFromOnnx(tensor.dataType ?? 0) ?? ''),
  );
  const casts = castsTo(nodes, foreignTypes);
  const count = values.length + tensors.length + casts.length;
  if (count === 0) return undefined;
  const types = new Set([
    ...values.map(({ dtype }) => dtype!),
    ...tensors.map((tensor) => typeName(tensor.dataType ?? 0)),
  ]);
  for (const { node } of casts) {
    const to = node.attributes.find(({ name }) => name === castToAttribute)?.i;
    types.add(typeName(Number(to)));
  }
  return finding(
    'unsupported-type',
    'warning',
    `TensorRT has no tensors of ${[...types].join(', ')} (${count} here).`,
    casts,
    count,
  );
}

async function doubles(
  model: OnnxModel,
  { inputs, outputs }: ReturnType<typeof ioOf>,
  nodes: readonly Found[],
): Promise<ModelFinding | undefined> {
  const values = [...inputs, ...outputs].filter(({ dtype }) => dtype === 'float64');
  const tensors = [...allTensors(model.proto)].filter(
    (tensor) => dtypeFromOnnx(tensor.dataType ?? 0) === 'float64',
  );
  const casts = castsTo(nodes, ['float64']);
  const count = values.length + tensors.length + casts.length;
  if (count === 0) return undefined;
  const changed = await Promise.all(tensors.map((tensor) => overflows(tensor, model)));
  const overflowing = changed.filter(Boolean).length;
  const io =
    values.length > 0
      ? ` The engine takes and gives float32 for ${values.map(({ name }) => `"${name}"`).join(', ')}.`
      : '';
  const lost =
    overflowing > 0 ? ` ${overflowing} tensors hold values that float32 cannot hold.` : '';
  return finding(
    'double',
    'warning',
    `TensorRT computes float64 in float32 (${values.length} inputs and outputs, ${tensors.length} tensors, ` +
      `${casts.length} casts).${io}${lost}`,
    casts,
    count,
  );
}

/** Larger tensors are not read for this: weights in float64 are rare, and rarely out of range. */
const maxCheckedBytes = 64 * 2 ** 20;

async function overflows(tensor: TensorProto, model: OnnxModel): Promise<boolean> {
  if (elementBits(tensor.dataType ?? 0) !== 64) return false;
  if ((tensorByteLength(tensor) ?? 0) > maxCheckedBytes) return false;
  const bytes = Uint8Array.from(await readTensorData(tensor, model));
  const numbers = new Float64Array(bytes.buffer);
  return numbers.some((value) => Number.isFinite(value) && !Number.isFinite(Math.fround(value)));
}
