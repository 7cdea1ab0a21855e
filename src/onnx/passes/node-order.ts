import { usesOf } from '../graph';
import type { GraphProto, NodeProto } from '../schema';

/**
 * Puts every node behind those that make its inputs, as ONNX demands and not every exporter does. Nodes that
 * stand right stay in their order. A graph with a cycle is left as it is.
 */
export function sortNodes(graph: GraphProto): void {
  const producers = new Map<string, NodeProto>();
  for (const node of graph.nodes) for (const output of node.outputs) producers.set(output, node);
  const sorted: NodeProto[] = [];
  const done = new Set<NodeProto>();
  const open = new Set<NodeProto>();
  for (const start of graph.nodes) {
    const pending = [start];
    for (let node = pending.at(-1); node !== undefined; node = pending.at(-1)) {
      const waiting = done.has(node) ? [] : missing(node, producers, done);
      if (waiting.length === 0) {
        pending.pop();
        open.delete(node);
        if (!done.has(node)) sorted.push(node);
        done.add(node);
        continue;
      }
      open.add(node);
      if (waiting.some((producer) => open.has(producer))) return;
      pending.push(...waiting);
    }
  }
  graph.nodes = sorted;
}

/** Producers of a node's inputs that are not placed yet. */
function missing(
  node: NodeProto,
  producers: ReadonlyMap<string, NodeProto>,
  done: ReadonlySet<NodeProto>,
): NodeProto[] {
  const result: NodeProto[] = [];
  for (const value of usesOf(node)) {
    const producer = producers.get(value);
    if (producer !== undefined && !done.has(producer)) result.push(producer);
  }
  return result;
}
