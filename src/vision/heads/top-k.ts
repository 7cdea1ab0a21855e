import { fromNative, TensorRTNodeError } from '../../errors';
import { log } from '../../log';
import { native } from '../../native/binding';
import type { BoxMapping, NativeDetections } from '../../native/vision-contract';
import type { DetectionHead, DetectionOptions, HeadLayout, ModelFacts, OutputData } from './head';

const outputNames = ['boxes', 'scores', 'labels'] as const;

class TopKHead implements DetectionHead {
  readonly layout = 'top-k';
  readonly outputNames = outputNames;
  readonly classCount: number | undefined;
  readonly #labelType: 'int32' | 'int64';
  #hasWarned = false;

  constructor(labelType: 'int32' | 'int64', classCount: number | undefined) {
    this.#labelType = labelType;
    this.classCount = classCount;
  }

  async decode(
    outputs: readonly OutputData[],
    images: readonly BoxMapping[],
    options: DetectionOptions,
  ): Promise<NativeDetections[]> {
    const site = new Error();
    const [boxes, scores, labels] = outputs;
    const [batch, count] = boxes?.dims ?? [];
    const isOfShape = (output: OutputData | undefined, dims: readonly unknown[]): boolean =>
      output?.dims.length === dims.length && output.dims.every((dim, i) => dim === dims[i]);
    if (
      batch === undefined ||
      count === undefined ||
      !isOfShape(boxes, [batch, count, 4]) ||
      !isOfShape(scores, [batch, count]) ||
      !isOfShape(labels, [batch, count]) ||
      images.length > batch
    ) {
      throw new TensorRTNodeError(
        'ERR_UNSUPPORTED_MODEL',
        `Expected boxes [N, K, 4], scores [N, K] and labels [N, K] of at least ${images.length} pictures but ` +
          `received ${outputs.map(({ dims }) => `[${dims.join(', ')}]`).join(', ')}`,
      );
    }
    let found: NativeDetections[];
    try {
      found = await native().decodeTopK(
        { boxes: boxes!.data, scores: scores!.data, labels: labels!.data },
        {
          ...options,
          count,
          labelType: this.#labelType,
          lent: outputs.every(({ lent }) => lent),
          images: [...images],
        },
      );
    } catch (thrown) {
      throw fromNative(thrown, site);
    }
    this.#warn(found, count, options.confidence);
    return found;
  }

  /** Once a model: a picture that needs more than K would else lose objects in silence. */
  #warn(found: readonly NativeDetections[], count: number, confidence: number): void {
    if (this.#hasWarned || !found.some(({ truncated }) => truncated)) return;
    this.#hasWarned = true;
    log(
      'warn',
      'vision',
      `All ${count} anchors that the model keeps of a picture score above ${confidence}: there may be more, ` +
        'and objects may be missing. Raise the confidence, or build the model with a larger topK',
    );
  }
}

/** What the graph pass top-k-head.ts makes of a detector. */
export const topKLayout: HeadLayout = {
  name: 'top-k',
  description:
    'outputs boxes [N, K, 4] (x1, y1, x2, y2) and scores [N, K] in float32, labels [N, K] in int32 or int64',

  recognise({ outputs, task, classCount }: ModelFacts): DetectionHead | undefined {
    if (task !== undefined && task !== 'detect') return undefined;
    if (outputs.length !== outputNames.length) return undefined;
    const [boxes, scores, labels] = outputNames.map((wanted) =>
      outputs.find(({ name }) => name === wanted),
    );
    if (!boxes || !scores || !labels) return undefined;
    if (boxes.dtype !== 'float32' || scores.dtype !== 'float32') return undefined;
    if (labels.dtype !== 'int32' && labels.dtype !== 'int64') return undefined;
    if (boxes.dims.length !== 3 || scores.dims.length !== 2 || labels.dims.length !== 2)
      return undefined;
    return (boxes.dims[2] ?? 4) === 4 ? new TopKHead(labels.dtype, classCount) : undefined;
  },
};
