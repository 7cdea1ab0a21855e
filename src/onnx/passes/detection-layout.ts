import type { OnnxModel } from '../graph';
import { metadataOf } from '../model';
import type { ValueInfoProto } from '../schema';
import { parseYoloMetadata } from '../yolo-metadata';
import { declaredText, declaredValue, type FloatType, isFloatType, unsupported } from './values';

/** Where boxes, scores and classes stand in the raw output of a detection model. */
export interface DetectionLayout {
  /** `yolov8`: `[N, 4 + classes + coefficients, A]`; `yolov5`: `[N, A, 5 + classes + coefficients]`. */
  kind: 'yolov8' | 'yolov5';
  output: ValueInfoProto;
  dtype: FloatType;
  batch: number | string | null;
  /** Undefined where the model leaves it free. */
  anchors: number | undefined;
  classes: number;
  /** Mask coefficients of an anchor; 0 for a model without masks. */
  coefficients: number;
}

const layouts = [
  'YOLOv8, YOLO11, YOLOv5u: float [N, 4 + classes, anchors]',
  'YOLOv5: float [N, anchors, 5 + classes]',
  'either with mask prototypes [N, coefficients, H, W] as second output, and their coefficients behind the classes',
];

/**
 * Recognises the raw head of a detection or segmentation model by its outputs and metadata.
 * @throws ERR_UNSUPPORTED_MODEL, which tells what was seen
 */
export function recogniseDetections({ proto, name }: OnnxModel): DetectionLayout {
  const { outputs } = proto.graph;
  const metadata = parseYoloMetadata(metadataOf(proto));
  const fail = (reason?: string): never => {
    const seen = outputs.map(declaredText).join('; ') || 'no outputs';
    throw unsupported(
      `Expected the raw head of a YOLO detector for topK but ${name} has ${seen}${reason === undefined ? '' : ` (${reason})`}`,
      layouts,
    );
  };
  const { task } = metadata;
  if (task !== undefined && task !== 'detect' && task !== 'segment') return fail(`task ${task}`);
  if (metadata.nmsInside || metadata.endToEnd) return fail('it selects its detections itself');
  const raw = outputs.filter((output) => declaredValue(output).dims?.length === 3);
  const prototypes = outputs.filter((output) => declaredValue(output).dims?.length === 4);
  const [output] = raw;
  if (output === undefined || raw.length !== 1 || raw.length + prototypes.length !== outputs.length)
    return fail();
  if (prototypes.length > 1) return fail();
  const { dtype, dims } = declaredValue(output);
  if (!isFloatType(dtype) || !output.name) return fail();

  const depth = prototypes[0] === undefined ? 0 : declaredValue(prototypes[0]).dims![1];
  if (typeof depth !== 'number') return fail('mask prototypes of unknown number');
  if (task === 'segment' && depth === 0) return fail('task segment without mask prototypes');
  const names = metadata.names?.length;
  const [batch, second, third] = dims!;
  const layout = (kind: DetectionLayout['kind'], classes: number, anchors: unknown) => ({
    kind,
    output,
    dtype,
    batch: batch!,
    anchors: typeof anchors === 'number' ? anchors : undefined,
    classes,
    coefficients: depth,
  });
  const fits = (channels: number | string | null | undefined, others: number): boolean =>
    names !== undefined && channels === others + names + depth;
  if (fits(second, 4)) return layout('yolov8', names!, third);
  if (fits(third, 5)) return layout('yolov5', names!, second);
  // Exports of dynamic size may leave the number of channels open; then the class names decide.
  if (names !== undefined && typeof second !== 'number' && typeof third !== 'number')
    return layout('yolov8', names, third);
  if (names !== undefined) return fail(`${names} class names`);
  // Without class names only the proportions tell; a head of [N, A, columns] may be anything.
  if (
    typeof second === 'number' &&
    second > 4 + depth &&
    !(typeof third === 'number' && third <= second)
  )
    return layout('yolov8', second - 4 - depth, third);
  return fail('no class names in its metadata');
}
