import path from 'node:path';
import type { PassReport } from '../onnx/passes/pass';
import { rewriteModel } from '../onnx/rewrite';
import type { CheckedTransforms } from '../onnx/transforms';

export interface PreparedModel {
  /** What the parser is given. */
  modelPath: string;
  /** The edits that were made; empty where none were asked for. */
  passes: PassReport[];
}

/** True if a build edits the graph, and so needs a folder for the edited model. */
export function editsGraph(transforms: CheckedTransforms): boolean {
  return Object.keys(transforms).length > 0;
}

/**
 * Edits the graph before TensorRT sees it, in the build process, for every flavour alike. The edited model lies in
 * the build's own folder, which the caller's process deletes.
 */
export async function prepareModel(
  modelPath: string,
  transforms: CheckedTransforms,
  privateFolder: string | undefined,
): Promise<PreparedModel> {
  if (!editsGraph(transforms) || privateFolder === undefined) return { modelPath, passes: [] };
  const output = path.join(privateFolder, 'edited.onnx');
  const { passes } = await rewriteModel({ source: modelPath, output, transforms });
  return { modelPath: output, passes };
}
