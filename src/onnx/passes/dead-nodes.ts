import { type OnnxModel, removeDeadNodes } from '../graph';
import type { GraphPass, PassResult } from './pass';

/**
 * Removes nodes that no output needs, then the initialisers and value descriptions that nobody is left to use.
 * Inputs stay. Facts: `nodes` and `initializers`, how many went.
 */
export function deadNodesPass(): GraphPass {
  return { name: 'dead-nodes', options: {}, run: async (model) => removeUnused(model) };
}

function removeUnused({ proto }: OnnxModel): PassResult {
  const before = proto.graph.initializers.length;
  const nodes = removeDeadNodes(proto.graph);
  const initializers = before - proto.graph.initializers.length;
  const isIdle = nodes === 0 && initializers === 0;
  return {
    messages: isIdle
      ? []
      : [`${nodes} nodes and ${initializers} initialisers that nobody used are gone`],
    facts: { nodes, initializers },
  };
}
