import { TensorRTNodeError } from '../errors';
import type { ModelSource } from '../session/model-input';
import { checkExternalData } from './external-data';
import { runtimeHazard } from './hazards';
import { type OpenedModel, openOnnx } from './open';
import { isExternal, tensorProblem } from './tensors';
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

/**
 * Checks a model before ONNX Runtime, which lives in this process, gets to see it: its structure, its external
 * data, and what that runtime is known to crash on.
 *
 * A runtime's own faults cannot all be foreseen: who loads models of strangers should do so in a process that
 * may end.
 *
 * @throws ERR_INVALID_MODEL, ERR_IO
 */
export async function checkForRuntime(model: ModelSource): Promise<void> {
  const opened = await openOnnx(model);
  checkStructure(opened);
  const { proto, name, path } = opened;
  const external = [...allTensors(proto)].filter(isExternal);
  if (external.length > 0 && path === undefined) {
    throw new TensorRTNodeError(
      'ERR_INVALID_MODEL',
      `Expected all data inside of ${name} but received external data; give the model by path`,
    );
  }
  if (path !== undefined) await checkExternalData(external, path, name);
  const hazard = runtimeHazard(proto);
  if (hazard !== undefined) {
    throw new TensorRTNodeError(
      'ERR_INVALID_MODEL',
      `Expected a model that ONNX Runtime can load for ${name} but received ${hazard}`,
    );
  }
}
