import { fromNative, TensorRTNodeError } from '../../errors';
import { native } from '../../native/binding';
import type { BoxMapping, NativeDetections } from '../../native/vision-contract';
import type {
  DetectionHead,
  DetectionOptions,
  HeadLayout,
  ModelFacts,
  OutputData,
  OutputInfo,
} from './head';

/** Rows before the class scores: cx, cy, w, h in pixels of the network input. */
const boxRows = 4;

class Yolov8Head implements DetectionHead {
  readonly layout = 'yolov8';
  readonly outputNames: readonly [string];
  readonly classCount: number;
  readonly #dtype: 'float32' | 'float16';

  constructor(output: OutputInfo, classCount: number) {
    this.outputNames = [output.name];
    this.classCount = classCount;
    this.#dtype = output.dtype as 'float32' | 'float16';
  }

  async decode(
    [output]: readonly OutputData[],
    images: readonly BoxMapping[],
    options: DetectionOptions,
  ): Promise<NativeDetections[]> {
    const site = new Error();
    const [batch, channels, anchors] = output?.dims ?? [];
    if (
      output === undefined ||
      output.dims.length !== 3 ||
      batch === undefined ||
      anchors === undefined ||
      channels !== boxRows + this.classCount ||
      images.length > batch
    ) {
      throw new TensorRTNodeError(
        'ERR_UNSUPPORTED_MODEL',
        `Expected [at least ${images.length}, ${boxRows + this.classCount}, anchors] for output ` +
          `"${this.outputNames[0]}" but received [${output?.dims.join(', ')}]`,
      );
    }
    try {
      return await native().decodeYolov8(output.data, {
        ...options,
        dtype: this.#dtype,
        channels,
        anchors,
        classCount: this.classCount,
        lent: output.lent ?? false,
        images: [...images],
      });
    } catch (thrown) {
      throw fromNative(thrown, site);
    }
  }
}

const known = (dim: number | null | undefined): dim is number =>
  typeof dim === 'number' && dim >= 0;

/** YOLOv8, YOLO11, YOLO12 and YOLOv5u detection models as Ultralytics exports them. */
export const yolov8Layout: HeadLayout = {
  name: 'yolov8',
  description: 'one float output [N, 4 + classes, anchors]: cx, cy, w, h, then a score per class',

  recognise({ outputs, task, classCount }: ModelFacts): DetectionHead | undefined {
    if (task !== undefined && task !== 'detect') return undefined;
    const [output] = outputs;
    if (outputs.length !== 1 || !output || output.dims.length !== 3) return undefined;
    if (output.dtype !== 'float32' && output.dtype !== 'float16') return undefined;
    const channels = output.dims[1];
    const anchors = output.dims[2];
    if (known(channels)) {
      const classes = channels - boxRows;
      if (classes < 1 || (classCount !== undefined && classCount !== classes)) return undefined;
      // Without class names only the proportions tell this layout from [N, anchors, columns].
      if (classCount === undefined && known(anchors) && anchors <= channels) return undefined;
      return new Yolov8Head(output, classes);
    }
    return classCount === undefined ? undefined : new Yolov8Head(output, classCount);
  },
};
