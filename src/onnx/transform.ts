import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { type ErrorCode, TensorRTNodeError } from '../errors';
import { packageRoot } from '../native/binding';
import { type ModelSource, openModel } from '../session/model-input';
import { requireKnownKeys, requireOneOf, requireString } from '../validate';
import type { RewriteJob, TransformReport } from './rewrite';
import { checkTransforms, type GraphTransforms, transformNames } from './transforms';

export interface TransformOptions extends GraphTransforms {
  /** File to write, replaced in one step. Default: the model comes back as bytes. */
  output?: string;
  /**
   * Where the weights go when a file is written: `inline` into it, `file` into `<output>.data` beside it.
   * Default: where they were, and into the latter when the file would pass 2 GiB.
   */
  externalData?: 'inline' | 'file';
}

export type TransformAnswer =
  | { report: TransformReport }
  | { error: { code: ErrorCode; message: string; details: readonly string[] } };

/**
 * Edits an ONNX model: casts it to another precision, and so on. Runs in a thread of its own; the data of large
 * tensors is streamed from file to file and never in memory whole.
 *
 * @throws ERR_INVALID_ARGUMENT, ERR_INVALID_MODEL, ERR_UNSUPPORTED_MODEL where the graph does not allow an edit,
 * ERR_IO
 */
export async function transformModel(
  model: ModelSource,
  options: TransformOptions = {},
): Promise<TransformReport> {
  requireKnownKeys('options', options, ['output', 'externalData', ...transformNames]);
  const { output, externalData } = options;
  const job: Omit<RewriteJob, 'source'> = {
    transforms: checkTransforms('options', options),
    ...(output === undefined
      ? {}
      : { output: path.resolve(requireString('options.output', output)) }),
    ...(externalData === undefined
      ? {}
      : {
          externalData: requireOneOf('options.externalData', externalData, ['inline', 'file']),
        }),
  };
  if (job.externalData === 'file' && job.output === undefined) {
    throw new TensorRTNodeError(
      'ERR_INVALID_ARGUMENT',
      'Expected options.output for options.externalData "file" but received none',
    );
  }
  const input = await openModel(model);
  if (input.kind === 'engine') {
    throw new TensorRTNodeError(
      'ERR_INVALID_MODEL',
      `Expected an ONNX model but ${input.label} is a TensorRT engine`,
    );
  }
  return runWorker({ ...job, source: input.path ?? input.bytes! });
}

/** The compiled worker runs plain Node, whatever runs the caller's TypeScript. */
function runWorker(job: RewriteJob): Promise<TransformReport> {
  const site = new Error();
  return new Promise((resolve, reject) => {
    const worker = new Worker(path.join(packageRoot, 'lib', 'onnx', 'transform-worker.js'), {
      workerData: job,
      execArgv: [],
    });
    worker.once('message', (answer: TransformAnswer) => {
      if ('report' in answer) resolve(answer.report);
      else {
        const { code, message, details } = answer.error;
        reject(new TensorRTNodeError(code, message, { details, cause: site }));
      }
    });
    worker.once('error', (cause) => {
      const code =
        (cause as { code?: string }).code === 'ERR_WORKER_OUT_OF_MEMORY'
          ? 'ERR_OUT_OF_MEMORY'
          : 'ERR_INTERNAL';
      reject(
        new TensorRTNodeError(code, `The thread that edits the model failed: ${cause.message}`, {
          cause,
        }),
      );
    });
    worker.once('exit', () =>
      reject(
        new TensorRTNodeError('ERR_INTERNAL', 'The thread that edits the model gave no answer'),
      ),
    );
  });
}
