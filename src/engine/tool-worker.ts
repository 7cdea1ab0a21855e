// A process of its own for one job: the parser's opinion of a model, or an engine on a device. It ends with
// its parent, however the parent ends.
import { rmSync } from 'node:fs';
import { publish } from '../files';
import { native } from '../native/binding';
import { bufferSha256 } from './plan-buffer';
import { encodePlanPrefix, encodePrefix } from './plan-file';
import { prepareModel } from './prepare-model';
import { serializeError } from './serialize-error';
import type { FromToolWorker, ToolAnswer, ToolJob } from './tool-process';

/** What nobody else would delete if the parent died. */
let leftovers: string[] = [];

async function run(job: ToolJob): Promise<ToolAnswer> {
  switch (job.kind) {
    case 'check':
      return native().trtCheckModel(job);
    case 'inspect':
      return native().trtInspectEngine(job);
    case 'weights':
      return native().trtEngineWeights(job);
    case 'refit':
      return refit(job);
  }
}

type RefitJob = Extract<ToolJob, { kind: 'refit' }>;

async function refit(job: RefitJob): Promise<ToolAnswer> {
  leftovers = [job.temporaryPath, job.privateFolder];
  const { modelPath } = await prepareModel(job.modelPath, job.transforms, job.privateFolder);
  const { plan, byteLength, warnings } = await native().trtRefit({ ...job, modelPath });
  try {
    const planSha256 = bufferSha256(plan, byteLength);
    const prefix = prefixOf(job, planSha256);
    await native().trtPlanWrite(plan, job.temporaryPath, prefix);
    await publish(job.temporaryPath, job.outputPath);
    const report = { byteLength: byteLength + prefix.length, planSha256 };
    return { report: JSON.stringify(report), warnings, errors: [] };
  } finally {
    native().bufferRelease(plan);
  }
}

/** A plain plan stays plain, and one of others keeps their metadata. */
function prefixOf(job: RefitJob, planSha256: string): Uint8Array {
  if (job.facts) return encodePlanPrefix(job.metadata, { ...job.facts, planSha256 });
  return Object.keys(job.metadata).length > 0 ? encodePrefix(job.metadata) : new Uint8Array(0);
}

function send(message: FromToolWorker): void {
  // Only when the message is out; an error here is a parent that is gone.
  process.send?.(message, undefined, undefined, () => process.exit());
}

process.once('disconnect', () => {
  // Nobody else can delete what this process has begun, and TensorRT cannot be waited for.
  for (const leftover of leftovers) rmSync(leftover, { recursive: true, force: true });
  process.kill(process.pid, 'SIGKILL');
});
// A terminal's Ctrl-C reaches the whole group; what it means is the parent's decision.
process.on('SIGINT', () => {});
process.on('message', async (job: ToolJob) => {
  try {
    send({ type: 'done', answer: await run(job) });
  } catch (thrown) {
    send({ type: 'failed', error: serializeError(thrown) });
  }
});
