import { parentPort, workerData } from 'node:worker_threads';
import { fromNative } from '../errors';
import { type RewriteJob, rewriteModel } from './rewrite';
import type { TransformAnswer } from './transform';

/** Thread of `transformModel`: one job, one answer. */
function answer(message: TransformAnswer, transfer: ArrayBuffer[] = []): void {
  parentPort!.postMessage(message, transfer);
}

rewriteModel(workerData as RewriteJob).then(
  (report) => answer({ report }, report.bytes ? [report.bytes.buffer as ArrayBuffer] : []),
  (thrown) => {
    const { code, message, details } = fromNative(thrown);
    answer({ error: { code, message, details } });
  },
);
