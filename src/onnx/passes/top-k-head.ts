import { dtypeTable } from '../../tensor/dtype';
import { invalidValue, requireInteger } from '../../validate';
import {
  type AttributeValue,
  makeNode,
  makeValueInfo,
  type OnnxModel,
  opsetVersion,
} from '../graph';
import type { ValueInfoProto } from '../schema';
import { allGraphs } from '../walk';
import { type DetectionLayout, recogniseDetections } from './detection-layout';
import type { GraphPass, PassResult } from './pass';
import { GraphWriter, unsupported } from './values';

/** TensorRT's TopK goes no further. */
export const maxTopK = 3840;
/** More anchors than this passed the score limit of 0.25 on no picture of the tests; the most were 804. */
export const defaultTopK = 1000;
/** GatherElements, TopK with K as an input. */
const leastOpset = 11;
const outputNames = {
  boxes: 'boxes',
  scores: 'scores',
  labels: 'labels',
  coefficients: 'mask_coefficients',
};

/**
 * Checks the option `topK`: undefined where it asks for nothing, `true` for the default K.
 * @throws ERR_INVALID_ARGUMENT
 */
export function checkTopK(label: string, value: unknown): number | true | undefined {
  if (value === undefined || value === false) return undefined;
  return value === true ? true : requireInteger(label, value, 1, maxTopK);
}

/**
 * Replaces the raw output of a detector by its K best anchors, best first: `boxes` float32 `[N, K, 4]` (x1, y1,
 * x2, y2 in pixels of the network input), `scores` float32 `[N, K]` of each anchor's best class, `labels` int32
 * `[N, K]`, and for segmentation models `mask_coefficients` float32 `[N, K, coefficients]` beside the
 * prototypes.
 *
 * Non-maximum suppression stays outside. It gives what it gave before as long as no more than K anchors score
 * above the confidence asked for: lower ones are lost, and with them boxes that would have been kept.
 *
 * `k`: 1 to {@link maxTopK} and at most the anchors of the model. `true`: {@link defaultTopK}, or all anchors
 * where there are fewer.
 *
 * `run` throws ERR_INVALID_ARGUMENT for a K beyond the anchors, ERR_UNSUPPORTED_MODEL for outputs of another
 * layout. Facts: `layout` (`yolov8` or `yolov5`), `k`, `classes`, `outputs`.
 */
export function topKPass(k: number | true): GraphPass {
  return { name: 'top-k', options: { k }, run: async (model) => decodeTopK(model, k) };
}

function decodeTopK(model: OnnxModel, asked: number | true): PassResult {
  const layout = recogniseDetections(model);
  const anchors = layout.anchors ?? maxTopK;
  if (asked !== true && asked > anchors) {
    throw invalidValue('topK', `at most ${anchors}, the anchors of the model,`, String(asked));
  }
  requireUsable(model);
  const k = asked === true ? Math.min(defaultTopK, anchors) : asked;
  const infos = new HeadWriter(model, layout, k).write();
  const { graph } = model.proto;
  graph.outputs = [...infos, ...graph.outputs.filter((output) => output !== layout.output)];
  const outputs = graph.outputs.map(({ name }) => name!);
  return {
    messages: [`The ${k} best anchors are decoded in the graph: outputs ${outputs.join(', ')}`],
    facts: { layout: layout.kind, k, classes: layout.classes, outputs },
  };
}

function requireUsable(model: OnnxModel): void {
  const opset = opsetVersion(model);
  if (opset < leastOpset) {
    throw unsupported(
      `Expected operator set ${leastOpset} or later for topK but ${model.name} has ${opset}`,
    );
  }
  const names: string[] = Object.values(outputNames);
  for (const graph of allGraphs(model.proto.graph)) {
    const values = [
      ...graph.inputs.map(({ name }) => name ?? ''),
      ...graph.initializers.map(({ name }) => name ?? ''),
      ...graph.nodes.flatMap((node) => node.outputs),
    ];
    const taken = values.find((name) => names.includes(name));
    if (taken !== undefined) {
      throw unsupported(
        `Expected no value named "${taken}", as topK names its outputs, but ${model.name} has one`,
      );
    }
  }
}

/** Writes the nodes from the raw output to the new ones. */
class HeadWriter {
  readonly #writer: GraphWriter;
  /** Axis of the channels; anchors have the other one. */
  readonly #axis: 1 | 2;

  constructor(
    readonly model: OnnxModel,
    readonly layout: DetectionLayout,
    readonly k: number,
  ) {
    this.#writer = new GraphWriter(model, 'top_k');
    this.#axis = layout.kind === 'yolov8' ? 1 : 2;
  }

  write(): ValueInfoProto[] {
    const { batch, classes, coefficients } = this.layout;
    const { k } = this;
    const raw = this.layout.output.name!;
    const isYolov5 = this.layout.kind === 'yolov5';
    const first = isYolov5 ? 5 : 4;

    let ranked = this.#scores(raw, 'all');
    // The scores are compared in float32, which every runtime has kernels for.
    const isHalf = this.layout.dtype !== 'float32';
    if (isHalf) ranked = this.#cast(ranked);
    const rows = this.#rank(ranked);
    let kept = this.#gather(raw, rows, first + classes + coefficients);
    // Corners in half precision would lie on a grid of up to half a pixel.
    if (isHalf) kept = this.#cast(kept);

    const centre = this.#slice(kept, 0, 2, 'centre');
    const half = this.#step('Mul', [
      this.#slice(kept, 2, 4, 'size'),
      this.#writer.floats('half', [1], [0.5]),
    ]);
    const corners = this.#step(
      'Concat',
      [this.#step('Sub', [centre, half]), this.#step('Add', [centre, half])],
      {
        axis: { i: this.#axis },
      },
    );
    const best = this.#step('ArgMax', [this.#scores(kept, 'kept')], {
      axis: { i: this.#axis },
      keepdims: { i: 0 },
    });
    this.#output('Cast', [best], outputNames.labels, { to: { i: dtypeTable.int32.onnx } });
    this.#rowsFirst(corners, outputNames.boxes);
    const infos = [
      makeValueInfo(outputNames.boxes, 'float32', [batch, k, 4]),
      makeValueInfo(outputNames.scores, 'float32', [batch, k]),
      makeValueInfo(outputNames.labels, 'int32', [batch, k]),
    ];
    if (coefficients > 0) {
      const end = first + classes + coefficients;
      this.#rowsFirst(
        this.#slice(kept, first + classes, end, 'coefficients'),
        outputNames.coefficients,
      );
      infos.push(makeValueInfo(outputNames.coefficients, 'float32', [batch, k, coefficients]));
    }
    this.model.proto.graph.nodes.push(...this.#writer.nodes);
    return infos;
  }

  /** Class scores of the anchors in `value`; in YOLOv5's layout those times the objectness. */
  #scores(value: string, wish: string): string {
    const { kind, classes } = this.layout;
    if (kind === 'yolov8') return this.#slice(value, 4, 4 + classes, `${wish}_scores`);
    return this.#step('Mul', [
      this.#slice(value, 5, 5 + classes, `${wish}_classes`),
      this.#slice(value, 4, 5, `${wish}_objectness`),
    ]);
  }

  /** Ranks anchors by their best class: writes the output of scores and gives the anchor numbers `[N, K]`. */
  #rank(scores: string): string {
    const axis = this.#axis;
    const best =
      opsetVersion(this.model) < 18
        ? this.#step('ReduceMax', [scores], { axes: { ints: [axis] }, keepdims: { i: 0 } })
        : this.#step('ReduceMax', [scores, this.#writer.integers('class_axis', [axis])], {
            keepdims: { i: 0 },
          });
    const anchor = this.#writer.name('anchor');
    this.#writer.add(
      makeNode('TopK', [best, this.#writer.integers('k', [this.k])], [outputNames.scores, anchor], {
        attributes: { axis: { i: 1 }, largest: { i: 1 }, sorted: { i: 1 } },
      }),
    );
    return anchor;
  }

  /** All channels of the anchors `rows`, in the layout of `raw`. */
  #gather(raw: string, rows: string, channels: number): string {
    const shape = this.#axis === 1 ? [0, 1, this.k] : [0, this.k, 1];
    const repeats = this.#axis === 1 ? [1, channels, 1] : [1, 1, channels];
    const column = this.#step('Reshape', [rows, this.#writer.integers('column', shape)]);
    const index = this.#step('Tile', [column, this.#writer.integers('repeats', repeats)]);
    return this.#step('GatherElements', [raw, index], { axis: { i: 3 - this.#axis } });
  }

  #slice(value: string, begin: number, end: number, wish: string): string {
    const numbers = [[begin], [end], [this.#axis]].map((list, i) =>
      this.#writer.integers(`${wish}_${['begin', 'end', 'axis'][i]}`, list),
    );
    return this.#step('Slice', [value, ...numbers]);
  }

  #cast(value: string): string {
    return this.#step('Cast', [value], { to: { i: dtypeTable.float32.onnx } });
  }

  /** Writes `value` as an output `[N, K, …]`. */
  #rowsFirst(value: string, name: string): void {
    if (this.#axis === 1) this.#output('Transpose', [value], name, { perm: { ints: [0, 2, 1] } });
    else this.#output('Identity', [value], name);
  }

  #step(opType: string, inputs: string[], attributes: Record<string, AttributeValue> = {}): string {
    const output = this.#writer.name(opType.toLowerCase());
    return this.#writer.add(makeNode(opType, inputs, [output], { attributes }));
  }

  #output(
    opType: string,
    inputs: string[],
    name: string,
    attributes: Record<string, AttributeValue> = {},
  ): void {
    this.#writer.add(makeNode(opType, inputs, [name], { attributes }));
  }
}
