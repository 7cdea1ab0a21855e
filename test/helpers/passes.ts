import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadOnnxModel, type OnnxModel } from '../../src/onnx/graph';
import { type GraphPass, type PassReport, runPasses } from '../../src/onnx/passes/pass';
import { writeOnnxModel } from '../../src/onnx/write';
import type { ModelSource } from '../../src/session/model-input';
import { Session } from '../../src/session/session';
import type { Tensor } from '../../src/tensor/tensor';

export interface Edited {
  model: OnnxModel;
  reports: PassReport[];
  /** The edited model as a file would hold it. */
  bytes: Uint8Array;
}

/** Runs passes on a model. */
export async function edit(source: ModelSource, passes: readonly GraphPass[]): Promise<Edited> {
  const model = await loadOnnxModel(source);
  const reports = await runPasses(model, passes);
  const folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-passes-'));
  try {
    const file = path.join(folder, 'model.onnx');
    await writeOnnxModel(model, file);
    return { model, reports, bytes: readFileSync(file) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs a model once on the CPU. */
export async function runOnce(
  model: ModelSource,
  feeds: Record<string, Tensor>,
): Promise<Record<string, Tensor>> {
  await using session = await Session.create(model, { backend: 'cpu' });
  return await session.run(feeds);
}

/** Numbers that look random and are the same each time, in [0, 1). */
export function pseudoRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
