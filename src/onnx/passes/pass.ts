import type { OnnxModel } from '../graph';
import { allNodes } from '../walk';

/** Options of a pass as plain JSON: they travel to workers, into engine files and into cache keys. */
export type PassOptions = Readonly<Record<string, unknown>>;

/** What a pass tells of its work. */
export interface PassResult {
  /** Sentences for people, the most important first. */
  messages: string[];
  /** The same in figures and names, plain JSON; the pass documents the keys. */
  facts?: Record<string, unknown>;
}

/**
 * One edit of an ONNX graph. A pass changes `model.proto` in place and leaves a valid model behind, its nodes
 * in topological order; it either does its whole work or throws, and then the model must not be used further.
 * What it needs to know beyond the graph (value ranges of a calibration, shapes) comes in its options.
 */
export interface GraphPass {
  readonly name: string;
  readonly options: PassOptions;
  /** @throws ERR_UNSUPPORTED_MODEL where the graph does not allow the edit, ERR_INVALID_ARGUMENT, ERR_IO */
  run(model: OnnxModel): Promise<PassResult>;
}

/** A pass that was run on a model. Plain JSON. */
export interface PassReport {
  name: string;
  options: PassOptions;
  /** Nodes before the pass, those of sub-graphs among them. */
  nodesBefore: number;
  nodesAfter: number;
  messages: string[];
  facts: Record<string, unknown>;
}

/** Runs passes one after the other on one model. */
export async function runPasses(
  model: OnnxModel,
  passes: readonly GraphPass[],
): Promise<PassReport[]> {
  const reports: PassReport[] = [];
  for (const pass of passes) {
    const nodesBefore = countNodes(model);
    const { messages, facts = {} } = await pass.run(model);
    const nodesAfter = countNodes(model);
    reports.push({
      name: pass.name,
      options: pass.options,
      nodesBefore,
      nodesAfter,
      messages,
      facts,
    });
  }
  return reports;
}

/** Nodes of a model's graph, those of sub-graphs among them. */
export function countNodes({ proto }: OnnxModel): number {
  let count = 0;
  for (const _ of allNodes(proto.graph)) count++;
  return count;
}
