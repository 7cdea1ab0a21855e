import { TensorRTNodeError } from '../../errors';
import { numberFromBfloat16, numberFromHalf } from '../../tensor/half';
import { invalidValue } from '../../validate';
import {
  findAttribute,
  makeAttribute,
  makeNode,
  type OnnxModel,
  opsetVersion,
  removeDeadNodes,
  sortNodes,
} from '../graph';
import type { NodeProto, TensorProto } from '../schema';
import { externalRange, readTensorData, setTensorData } from '../tensor-data';
import { bulkLength, isExternal, loadBulk, tensorByteLength } from '../tensors';
import { type ElementTypes, elementTypes, inferElementTypes, nodeLabel } from '../types';
import { constantTensor } from './constant-node';
import { type FloatReason, floatRegions, type Regions, unknownNodes } from './float-regions';
import { convertBulk, type HalfFormat, halfFormats, type RangeReport } from './half-data';
import { HalfGraph } from './half-graph';
import { operatorOf, quantizers } from './operators';
import type { GraphPass, PassResult } from './pass';
import type { CheckedPrecision, Precision } from './precision-options';
import { unsupported } from './values';

/** A constant whose values the 16-bit type changed by more than rounding. */
export interface RangeFinding extends RangeReport {
  /** Name of the constant. */
  name: string;
}

/** The pass's `facts`. */
export interface HalfFacts extends Record<string, unknown> {
  type: Precision;
  /** Nodes with float32 values that run in 16 bits now, and that stay in float32; constants count as neither. */
  halfNodes: number;
  floatNodes: number;
  /** Nodes that stay in float32, by operator, for other reasons than being the tail or computing shapes. */
  keptOperators: Record<string, number>;
  castsInserted: number;
  /** Constants converted, and their bytes before. */
  constants: number;
  constantBytes: number;
  /** Constants with values beyond the largest number of the type, which were set to that number. */
  clamped: RangeFinding[];
  /** Constants with values other than zero that became zero. */
  flushed: RangeFinding[];
}

/**
 * Casts a float32 graph to float16 or bfloat16: nodes, constants and what lies between. What must not or should
 * not be cast stays in float32 (see docs/precision.md), with Cast nodes at the borders.
 */
export function halfPass(options: CheckedPrecision): GraphPass {
  return { name: 'precision', options: { ...options }, run: (model) => run(model, options) };
}

async function run(model: OnnxModel, options: CheckedPrecision): Promise<PassResult> {
  const { graph } = model.proto;
  const format = halfFormats[options.type];
  const opset = opsetVersion(model);
  if (options.type === 'bf16' && opset < 13) {
    throw unsupported(
      `Expected operator set 13 or later for bfloat16 but ${model.name} has ${opset}; export it anew or use fp16`,
    );
  }
  const missing = unknownNodes(graph, options);
  if (missing.length > 0) {
    throw invalidValue('keepFloatNodes', `names of nodes of ${model.name}`, `"${missing[0]}"`);
  }
  const stuck = sortNodes(graph);
  if (stuck !== undefined) {
    throw new TensorRTNodeError(
      'ERR_INVALID_MODEL',
      `Expected nodes whose inputs are all made for ${model.name} but received node "${nodeLabel(stuck)}", which uses one that is not`,
    );
  }
  const types = inferElementTypes(graph);
  const regions = floatRegions(graph, types, options);
  const isFloat = (value: string): boolean => types.get(value) === elementTypes.float32;
  const original = graph.nodes.filter(
    (node) => operatorOf(node) !== 'Constant' && [...node.inputs, ...node.outputs].some(isFloat),
  );
  const floatNodes = original.filter((node) => regions.float.has(node)).length;
  const quantized = original.filter(
    (node) => quantizers.has(operatorOf(node)) && !regions.float.has(node),
  );
  const scales = await checkScales(model, quantized, { opset, format, types, options });

  const rewriter = new HalfGraph(graph, types, regions, options, format.elementType);
  rewriter.rewrite();
  const constants = await convertConstants(model, rewriter, format, options.type);
  // Casts to float32 whose source has the wanted type already have no use left.
  removeDeadNodes(graph);

  const facts: HalfFacts = {
    type: options.type,
    halfNodes: original.length - floatNodes,
    floatNodes,
    keptOperators: countKept(regions),
    castsInserted: rewriter.castsInserted,
    ...constants,
  };
  return { messages: messagesOf(facts, regions, scales, opset), facts };
}

interface ScaleContext {
  opset: number;
  format: HalfFormat;
  types: ElementTypes;
  options: CheckedPrecision;
}

/**
 * Q/DQ nodes take the type of their scale: it goes to 16 bits with the graph, so that TensorRT finds them right
 * beside the operators that they quantise. Returns how many nodes there are.
 */
async function checkScales(
  model: OnnxModel,
  nodes: readonly NodeProto[],
  { opset, format, types, options }: ScaleContext,
): Promise<number> {
  const initializers = new Map(model.proto.graph.initializers.map((t) => [t.name ?? '', t]));
  for (const node of model.proto.graph.nodes) {
    const tensor = operatorOf(node) === 'Constant' ? findAttribute(node, 'value')?.t : undefined;
    if (tensor) initializers.set(node.outputs[0]!, tensor);
  }
  const checked = new Set<string>();
  for (const node of nodes) {
    const scale = node.inputs[1] ?? '';
    if (types.get(scale) !== elementTypes.float32) continue;
    if (opset < 19) {
      throw unsupported(
        `Expected operator set 19 or later to cast a graph with ${operatorOf(node)} to ${options.type} but ${model.name} has ${opset}, which knows float32 scales only; build it without precision, or name QuantizeLinear and DequantizeLinear in keepFloatOperators`,
      );
    }
    const tensor = initializers.get(scale);
    if (checked.has(scale) || tensor?.dataType !== elementTypes.float32) continue;
    checked.add(scale);
    const bad = await coarseScale(tensor, model, format, options.type);
    if (bad === undefined) continue;
    throw unsupported(
      `Expected scales that ${options.type} can hold for node "${nodeLabel(node)}" of ${model.name} but received ${bad} in "${scale}"; name the node in keepFloatNodes`,
    );
  }
  return nodes.length;
}

/** A scale that the type would change by more than one part in 256, if there is one. */
async function coarseScale(
  tensor: TensorProto,
  model: OnnxModel,
  format: HalfFormat,
  type: Precision,
): Promise<number | undefined> {
  const bytes = await readTensorData(tensor, model);
  if (bytes.length % 4 !== 0) {
    throw new TensorRTNodeError(
      'ERR_INVALID_MODEL',
      `Expected float32 data for tensor "${tensor.name ?? ''}" of ${model.name} but received ${bytes.length} bytes`,
    );
  }
  const floats = new Float32Array(new Uint8Array(bytes).buffer);
  const { data } = await convertBulk([bytes], format);
  const halves = new Uint16Array(new Uint8Array(await loadBulk(data)).buffer);
  const toNumber = type === 'fp16' ? numberFromHalf : numberFromBfloat16;
  return floats.find((value, i) => {
    const error = Math.abs(toNumber(halves[i]!) - value);
    return !(error <= Math.abs(value) / 256);
  });
}

type ConstantFacts = Pick<HalfFacts, 'constants' | 'constantBytes' | 'clamped' | 'flushed'>;

/** Converts what the rewriter needs in half precision; what is needed in both types is there twice then. */
async function convertConstants(
  model: OnnxModel,
  rewriter: HalfGraph,
  format: HalfFormat,
  type: Precision,
): Promise<ConstantFacts> {
  const { graph } = model.proto;
  const facts: ConstantFacts = { constants: 0, constantBytes: 0, clamped: [], flushed: [] };
  const convert = async (tensor: TensorProto, name: string): Promise<TensorProto> => {
    const source = isExternal(tensor)
      ? [await externalRange(tensor, model)]
      : (tensor.rawData ?? tensor.floatData ?? []);
    const bytes = tensorByteLength(tensor) ?? 0;
    if (tensor.dataType !== elementTypes.float32) {
      throw new TensorRTNodeError(
        'ERR_INVALID_MODEL',
        `Expected one element type for "${name}" of ${model.name} but received float32 and another one`,
      );
    }
    if (bulkLength(source) !== bytes) {
      throw new TensorRTNodeError(
        'ERR_INVALID_MODEL',
        `Expected ${bytes} bytes for tensor "${name}" of ${model.name} but received ${bulkLength(source)}`,
      );
    }
    const { data, report } = await convertBulk(source, format);
    facts.constants++;
    facts.constantBytes += bytes;
    if (report.clamped > 0) facts.clamped.push({ name, ...report });
    if (report.flushed > 0) facts.flushed.push({ name, ...report });
    const copy: TensorProto = { ...tensor, dataType: format.elementType };
    setTensorData(copy, data);
    return copy;
  };
  const halfOf = (name: string): { wanted: boolean; replaces: boolean } => {
    const kinds = rewriter.needs.get(name);
    return { wanted: kinds?.has('half') === true, replaces: kinds?.has('float') !== true };
  };

  const initializers: TensorProto[] = [];
  const inputs = new Map(graph.inputs.map((input) => [input.name, input]));
  for (const tensor of graph.initializers) {
    const name = tensor.name ?? '';
    const { wanted, replaces } = halfOf(name);
    if (!wanted || !replaces) initializers.push(tensor);
    if (!wanted) continue;
    const half = { ...(await convert(tensor, name)), name: rewriter.halfName(name) };
    initializers.push(half);
    const declared = inputs.get(name);
    // Before version 4 of the format every initialiser is declared as an input as well.
    if (declared !== undefined && !replaces && Number(model.proto.irVersion) < 4) {
      const info = structuredClone(declared);
      info.name = half.name;
      info.type!.tensor!.elementType = format.elementType;
      graph.inputs.push(info);
    }
  }
  graph.initializers = initializers;

  const nodes: NodeProto[] = [];
  for (const node of graph.nodes) {
    const name = node.outputs[0] ?? '';
    const { wanted, replaces } =
      operatorOf(node) === 'Constant' ? halfOf(name) : { wanted: false, replaces: false };
    if (!wanted || !replaces) nodes.push(node);
    if (!wanted) continue;
    const tensor = constantTensor(node);
    if (tensor === undefined) {
      throw unsupported(
        `Expected a dense tensor for constant "${nodeLabel(node)}" of ${model.name} but received another kind`,
      );
    }
    const half = makeNode('Constant', [], [rewriter.halfName(name)], {
      ...(node.name ? { name: replaces ? node.name : `${node.name}_${type}` } : {}),
    });
    half.attributes = [makeAttribute('value', { t: await convert(tensor, name) })];
    nodes.push(half);
  }
  graph.nodes = nodes;
  return facts;
}

function countKept({ float }: Regions): Record<string, number> {
  const shown: readonly FloatReason[] = ['asked', 'operator', 'unknown'];
  const counts = new Map<string, number>();
  for (const [node, reason] of float) {
    if (!shown.includes(reason)) continue;
    const operator = operatorOf(node);
    counts.set(operator, (counts.get(operator) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)));
}

function messagesOf(facts: HalfFacts, { float }: Regions, scales: number, opset: number): string[] {
  const { type, clamped, flushed } = facts;
  const messages: string[] = [];
  const list = (findings: RangeFinding[], count: (finding: RangeFinding) => string): string => {
    const shown = findings.slice(0, 5).map((finding) => `"${finding.name}" (${count(finding)})`);
    const rest = findings.length - shown.length;
    return shown.join(', ') + (rest > 0 ? ` and ${rest} more` : '');
  };
  if (clamped.length > 0) {
    messages.push(
      `clamped to ±${halfFormats[type].largest} what is beyond the range of ${type}: ${list(clamped, (f) => `${f.clamped} values up to ${f.largest.toPrecision(4)}`)}`,
    );
  }
  if (flushed.length > 0) {
    messages.push(
      `values too small for ${type} became zero: ${list(flushed, (f) => `${f.flushed} values`)}`,
    );
  }
  messages.push(
    `${facts.halfNodes} nodes in ${type}, ${facts.floatNodes} in float32; ${facts.castsInserted} casts inserted`,
  );
  const kept = Object.entries(facts.keptOperators).map(([name, count]) => `${name} ${count}`);
  if (kept.length > 0) messages.push(`kept in float32: ${kept.join(', ')}`);
  const unknown = [...float].find(([, reason]) => reason === 'unknown');
  if (unknown !== undefined) {
    messages.push(
      `node "${nodeLabel(unknown[0])}" has values of unknown type and stays in float32, as does what depends on it`,
    );
  }
  if (scales > 0) messages.push(`${scales} Q/DQ nodes have ${type} scales now`);
  if (facts.constants === 0 && facts.halfNodes === 0) {
    messages.push('nothing in this graph is float32 and may be cast');
  }
  if (type === 'bf16' && opset < 22) {
    messages.push(
      `the standard lets convolutions take bfloat16 from operator set 22 on, this graph has ${opset}: TensorRT builds it, ONNX Runtime may refuse it`,
    );
  }
  return messages;
}
