// A process of its own for one job: the parser's opinion of a model, or an engine on a device. It ends with
// its parent, however the parent ends.
import { rmSync } from 'node:fs';
import { fromNative } from '../errors';
import { publish } from '../files';
import { native } from '../native/binding';
import { bufferSha256 } from './plan-buffer';
import { encodePlanPrefix } from './plan-file';
import type { FromToolWorker, ToolAnswer, ToolJob } from './tool-process';

let temporaryPath: string | undefined;
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

async function refit(job: Extract<ToolJob, { kind: 'refit' }>): Promise<ToolAnswer> {
  temporaryPath = job.temporaryPath;
  const { plan, byteLength, warnings } = await native().trtRefit(job);
  try {
    const planSha256 = bufferSha256(plan, byteLength);
    const prefix = job.facts
      ? encodePlanPrefix(job.metadata, { ...job.facts, planSha256 })
      : new Uint8Array(0);
    await native().trtPlanWrite(plan, job.temporaryPath, prefix);
    await publish(job.temporaryPath, job.outputPath);
    temporaryPath = undefined;
    const report = { byteLength: byteLength + prefix.length, planSha256 };
    return { report: JSON.stringify(report), warnings, errors: [] };
  } finally {
    native().bufferRelease(plan);
  }
}

function send(message: FromToolWorker): void {
  // Only when the message is out; an error here is a parent that is gone.
  process.send?.(message, undefined, undefined, () => process.exit());
}

process.once('disconnect', () => {
  // Nobody else can delete what this process has begun, and TensorRT cannot be waited for.
  if (temporaryPath !== undefined) rmSync(temporaryPath, { force: true });
  process.kill(process.pid, 'SIGKILL');
});
// A terminal's Ctrl-C reaches the whole group; what it means is the parent's decision.
process.on('SIGINT', () => {});
process.on('message', async (job: ToolJob) => {
  try {
    send({ type: 'done', answer: await run(job) });
  } catch (thrown) {
    const { syscall, message } = thrown as NodeJS.ErrnoException;
    const error = fromNative(syscall === undefined ? thrown : { code: 'ERR_IO', message });
    const { code, message: text, details } = error;
    send({ type: 'failed', error: { code, message: text, details } });
  }
});
