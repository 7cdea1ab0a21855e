import { loadOnnxModel, type OnnxModel } from './graph';
import { type OnnxValue, onnxValue, requiredInputs } from './model';
import { countNodes, type PassReport } from './passes/pass';
import { isExternal } from './tensors';
import { applyTransforms, type CheckedTransforms } from './transforms';
import { allTensors } from './walk';
import { encodeOnnxModel, writeOnnxModel } from './write';

export interface RewriteJob {
  /** Path or bytes. */
  source: string | Uint8Array;
  /** File to write; without one the model comes back as bytes. */
  output?: string;
  externalData?: 'inline' | 'file';
  transforms: CheckedTransforms;
}

/** What a model has become. */
export interface TransformReport {
  /** The file that was written. */
  path?: string;
  /** The model itself, where no file was asked for. */
  bytes?: Uint8Array;
  /** Nodes before all edits, those of sub-graphs among them. */
  nodesBefore: number;
  nodesAfter: number;
  /** The edits in the order in which they were made. */
  passes: PassReport[];
  inputs: OnnxValue[];
  outputs: OnnxValue[];
}

/** Loads, edits and writes a model in this thread. */
export async function rewriteModel(job: RewriteJob): Promise<TransformReport> {
  const model = await loadOnnxModel(job.source);
  // Edited tensors no longer tell where they were.
  const wasOutside = hasExternalData(model);
  const nodesBefore = countNodes(model);
  const passes = await applyTransforms(model, job.transforms);
  const { graph } = model.proto;
  const report: TransformReport = {
    nodesBefore,
    nodesAfter: countNodes(model),
    passes,
    inputs: requiredInputs(graph).map(onnxValue),
    outputs: graph.outputs.map(onnxValue),
  };
  if (job.output === undefined) report.bytes = await encodeOnnxModel(model);
  else {
    const externalData = job.externalData ?? (wasOutside ? 'file' : 'auto');
    await writeOnnxModel(model, job.output, { externalData });
    report.path = job.output;
  }
  return report;
}

function hasExternalData({ proto }: OnnxModel): boolean {
  for (const tensor of allTensors(proto)) if (isExternal(tensor)) return true;
  return false;
}
