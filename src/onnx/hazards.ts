import type { ModelProto, NodeProto } from './schema';
import { allNodes } from './walk';

/**
 * Nodes that are known to end the process inside ONNX Runtime (seen with 1.30, by fuzzing) in place of giving an
 * error. The list cannot be complete: it keeps out what was met.
 */

/** Operators whose inputs are a list: a left-out one is dereferenced. */
const listInputs = new Set(['Concat', 'Einsum', 'Max', 'Mean', 'Min', 'SequenceConstruct', 'Sum']);

/** Optional inputs by operator that may be absent but not be left out by an empty name. */
const noEmptyInput: Readonly<Record<string, number>> = { DFT: 2, LayerNormalization: 2 };

/** What is dangerous about a model, as a phrase that follows "but received"; undefined if nothing is known. */
export function runtimeHazard(proto: ModelProto): string | undefined {
  for (const graph of [proto.graph, ...proto.functions]) {
    for (const node of graph ? allNodes(graph) : []) {
      if (node.domain && node.domain !== 'ai.onnx') continue;
      const hazard = nodeHazard(node);
      if (hazard !== undefined) {
        return `one whose ${node.opType} node ${JSON.stringify(node.name ?? '')} ${hazard}`;
      }
    }
  }
  return undefined;
}

function nodeHazard(node: NodeProto): string | undefined {
  const { opType = '', inputs } = node;
  if (listInputs.has(opType) && inputs.includes('')) return 'has an input without a name';
  const optional = Object.hasOwn(noEmptyInput, opType) ? noEmptyInput[opType]! : inputs.length;
  if (inputs[optional] === '') return 'names an empty optional input instead of leaving it out';
  if (opType === 'Attention') {
    // Both are divisors.
    for (const name of ['q_num_heads', 'kv_num_heads']) {
      const heads = ints(node, name)?.[0];
      if (heads !== undefined && heads <= 0) return `has ${heads} as ${name}`;
    }
  }
  if (opType === 'TfIdfVectorizer' && !tfIdfFits(node)) return 'has n-grams that do not fit';
  return undefined;
}

/** Whether the pool of n-grams has the sizes that the other attributes state. */
function tfIdfFits(node: NodeProto): boolean {
  const starts = ints(node, 'ngram_counts') ?? [];
  const pool = node.attributes.find(({ name }) => name?.startsWith('pool_'));
  const size = pool?.name === 'pool_strings' ? pool.strings.length : (pool?.ints.length ?? 0);
  let grams = 0;
  for (const [index, start] of starts.entries()) {
    const end = starts[index + 1] ?? size;
    const length = (end - start) / (index + 1);
    if (start < 0 || length < 0 || !Number.isInteger(length)) return false;
    grams += length;
  }
  return starts[0] === 0 && ints(node, 'ngram_indexes')?.length === grams;
}

function ints(node: NodeProto, name: string): number[] | undefined {
  const attribute = node.attributes.find((candidate) => candidate.name === name);
  if (attribute === undefined) return undefined;
  return attribute.i === undefined && attribute.ints.length > 0
    ? attribute.ints.map(Number)
    : [Number(attribute.i ?? 0)];
}
