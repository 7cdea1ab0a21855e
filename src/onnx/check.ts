import { TensorRTNodeError } from '../errors';
import type { OpenedModel } from './open';
import { tensorProblem } from './tensors';
import { allNodes, allTensors } from './walk';

/**
 * Checks what every model must have and what foreign parsers are known to take on trust: versions, operator
 * names, and that each tensor's data is as long as its shape says. Throws ERR_INVALID_MODEL.
 *
 * Operators and their types are not checked: the backends do that.
 */
export function checkStructure({ proto, name }: OpenedModel): void {
  const refuse = (received: string): TensorRTNodeError =>
    new TensorRTNodeError(
      'ERR_INVALID_MODEL',
      `Expected an ONNX model for ${name} but received ${received}`,
    );
  if (proto.irVersion === undefined) throw refuse('data without an ONNX version');
  if (proto.graph === undefined) throw refuse('data without a graph');
  if (proto.opsetImports.length === 0) throw refuse('a model without an operator set version');
  for (const graph of [proto.graph, ...proto.functions]) {
    for (const node of allNodes(graph)) {
      if (node.opType) continue;
      throw refuse(`a model whose node ${JSON.stringify(node.name ?? '')} has no operator`);
    }
  }
  for (const tensor of allTensors(proto)) {
    const problem = tensorProblem(tensor);
    if (problem === undefined) continue;
    throw new TensorRTNodeError(
      'ERR_INVALID_MODEL',
      `Expected a whole tensor for "${tensor.name ?? ''}" of ${name} but received ${problem}`,
    );
  }
}
