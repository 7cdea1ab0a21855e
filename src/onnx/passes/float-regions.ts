import { GraphIndex } from '../graph';
import type { GraphProto, NodeProto } from '../schema';
import { type ElementTypes, elementTypes, nodeLabel } from '../types';
import {
  followers,
  isStandard,
  keepFloatByType,
  keepFloatOperators,
  moves,
  operatorOf,
  quantizers,
  slotWish,
  tailOperators,
} from './operators';
import type { CheckedPrecision } from './precision-options';

/** Why a node is not cast. */
export type FloatReason =
  | 'asked'
  | 'operator'
  | 'unknown'
  | 'no-data'
  | 'tail'
  | 'between'
  | 'cast';

export interface Regions {
  /** Nodes that stay in float32; all others run in 16 bits. */
  float: Map<NodeProto, FloatReason>;
  /** Values of constant tensors, each made by an initialiser or by a Constant node. */
  constants: Set<string>;
}

/** Sources whose values half precision holds exactly. */
const exactSources: ReadonlySet<number | undefined> = new Set([
  elementTypes.bool,
  elementTypes.uint8,
  elementTypes.int8,
]);

/** Decides for each node of a graph whether it stays in float32. */
export function floatRegions(
  graph: GraphProto,
  types: ElementTypes,
  options: CheckedPrecision,
): Regions {
  const index = new GraphIndex(graph);
  const constants = new Set(index.initializers.keys());
  const isFloat = (value: string): boolean => types.get(value) === elementTypes.float32;
  const float = new Map<NodeProto, FloatReason>();
  const askedOperators = new Set(options.keepFloatOperators);
  const askedNodes = new Set(options.keepFloatNodes);
  /** Values that no input of the graph has a part in: constants, shapes, and what is computed of them. */
  const dataless = new Set(constants);

  for (const node of graph.nodes) {
    const operator = operatorOf(node);
    if (operator === 'Constant') {
      constants.add(node.outputs[0]!);
      dataless.add(node.outputs[0]!);
      continue;
    }
    const inputs = node.inputs.filter((input) => input !== '');
    const isDataless =
      operator === 'Shape' ||
      operator === 'Size' ||
      (inputs.every((input) => dataless.has(input)) &&
        // Weights behind a DequantizeLinear keep the type of the operator that they feed.
        !quantizers.has(operator) &&
        !keepFloatOperators.has(operator));
    if (isDataless) for (const output of node.outputs) dataless.add(output);
    if (askedOperators.has(operator) || (node.name && askedNodes.has(node.name))) {
      float.set(node, 'asked');
    } else if (keepFloatOperators.has(operator) || keepFloatByType[options.type].has(operator)) {
      float.set(node, 'operator');
    } else if (!isStandard(node) || inputs.some((input) => !types.has(input))) {
      float.set(node, 'unknown');
    } else if (isDataless) float.set(node, 'no-data');
    else if (operator === 'Cast' && isFloat(node.outputs[0] ?? '')) {
      const from = node.inputs[0] ?? '';
      // A cast to float32 from wider integers, doubles or the 16-bit types is there for the precision.
      if (!exactSources.has(types.get(from)) && !isFloat(from)) float.set(node, 'cast');
    }
  }
  if (options.keepTailFloat) markTail(graph, index, isFloat, float);
  releaseConstantMoves(graph, index, isFloat, float);
  markBetween(graph, index, { isFloat, constants, keepIoFloat: options.keepIoFloat }, float);
  return { float, constants };
}

/** Marks what lies between the last heavy operators and the graph's outputs. */
function markTail(
  graph: GraphProto,
  index: GraphIndex,
  isFloat: (value: string) => boolean,
  float: Map<NodeProto, FloatReason>,
): void {
  const tail = new Set<NodeProto>();
  const pending = graph.outputs.map(({ name }) => name ?? '');
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    const node = index.producers.get(value);
    if (node === undefined || tail.has(node) || !isFloat(value)) continue;
    if (!tailOperators.has(operatorOf(node)) || isSwish(node, index)) continue;
    // What also feeds the network is not a tail: it would take the network along. Asked again by each user.
    const feedsNetwork = node.outputs.some((output) =>
      (index.consumers.get(output) ?? []).some(
        (user) =>
          !tail.has(user) &&
          !float.has(user) &&
          user.inputs.some((input, slot) => input === output && slotWish(user, slot) === 'half'),
      ),
    );
    if (feedsNetwork) continue;
    tail.add(node);
    if (!float.has(node)) float.set(node, 'tail');
    for (const input of node.inputs) pending.push(input);
  }
}

/**
 * A weight that is transposed or passed on before its use goes to 16 bits with its user: rounding before a move is
 * rounding behind it. Otherwise it would be cast anew in each run.
 */
function releaseConstantMoves(
  graph: GraphProto,
  index: GraphIndex,
  isFloat: (value: string) => boolean,
  float: Map<NodeProto, FloatReason>,
): void {
  for (const node of [...graph.nodes].reverse()) {
    if (float.get(node) !== 'no-data' || !moves.has(operatorOf(node))) continue;
    const users = node.outputs
      .filter(isFloat)
      .flatMap((output) => (index.consumers.get(output) ?? []).map((user) => ({ output, user })));
    const allHalf = users.every(
      ({ output, user }) =>
        !float.has(user) &&
        user.inputs.some((input, slot) => input === output && slotWish(user, slot) === 'half'),
    );
    if (users.length > 0 && allHalf) float.delete(node);
  }
}

/** x · sigmoid(x): the end of a convolution and no arithmetic on coordinates. */
function isSwish(node: NodeProto, index: GraphIndex): boolean {
  if (operatorOf(node) !== 'Mul') return false;
  return node.inputs.some((input) =>
    ['Sigmoid', 'HardSigmoid', 'Tanh', 'Softplus'].includes(
      index.producers.get(input)?.opType ?? '',
    ),
  );
}

interface Surroundings {
  isFloat(value: string): boolean;
  constants: ReadonlySet<string>;
  keepIoFloat: boolean;
}

/** Marks followers that take float32 from their producers and whose users all want float32. */
function markBetween(
  graph: GraphProto,
  index: GraphIndex,
  { isFloat, constants, keepIoFloat }: Surroundings,
  float: Map<NodeProto, FloatReason>,
): void {
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const open = (node: NodeProto): boolean => !float.has(node) && followers.has(operatorOf(node));
  const wantsFloat = new Set<NodeProto>();
  for (const node of [...graph.nodes].reverse()) {
    if (!open(node)) continue;
    const wanted = node.outputs.filter(isFloat).every((output) => {
      if (outputs.has(output) && !keepIoFloat) return false;
      return (index.consumers.get(output) ?? []).every(
        (user) =>
          float.has(user) ||
          wantsFloat.has(user) ||
          user.inputs.every((input, slot) => input !== output || slotWish(user, slot) !== 'half'),
      );
    });
    if (wanted) wantsFloat.add(node);
  }
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  for (const node of graph.nodes) {
    if (!wantsFloat.has(node)) continue;
    const comesFloat = node.inputs.every((input) => {
      if (!isFloat(input) || constants.has(input)) return true;
      const producer = index.producers.get(input);
      return producer === undefined ? inputs.has(input) && keepIoFloat : float.has(producer);
    });
    if (comesFloat) float.set(node, 'between');
  }
}

/** Names in `keepFloatNodes` that no node has. */
export function unknownNodes(graph: GraphProto, options: CheckedPrecision): string[] {
  const names = new Set(graph.nodes.map((node) => node.name || nodeLabel(node)));
  return options.keepFloatNodes.filter((name) => !names.has(name));
}
