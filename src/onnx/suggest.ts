import { dtypeFromOnnx } from '../tensor/dtype';
import { ioOf } from './doctor';
import type { OnnxModel } from './graph';
import { metadataOf } from './model';
import { tensorByteLength } from './tensors';
import { allTensors } from './walk';
import { parseYoloMetadata } from './yolo-metadata';

/** A build option that suits the model. */
export interface ModelSuggestion {
  option: string;
  why: string;
}

/** Build options that suit the model, by what the file alone tells. */
export function suggestOptions(model: OnnxModel): ModelSuggestion[] {
  const { graph } = model.proto;
  const { inputs, outputs } = ioOf(graph);
  const result: ModelSuggestion[] = [];
  const isQuantized = graph.nodes.some(({ opType }) => opType === 'QuantizeLinear');
  let floatBytes = 0;
  for (const tensor of allTensors(model.proto)) {
    if (dtypeFromOnnx(tensor.dataType ?? 0) === 'float32') {
      floatBytes += tensorByteLength(tensor) ?? 0;
    }
  }
  if (floatBytes > 0 && !isQuantized) {
    const mib = (floatBytes / 2 ** 20).toFixed(1);
    result.push({
      option: "precision: 'fp16'",
      why: `the weights are float32 (${mib} MiB): half of that in float16, after a look at the accuracy`,
    });
  }
  const [input] = inputs;
  const isPicture =
    inputs.length === 1 &&
    input!.dims?.length === 4 &&
    input!.dims[1] === 3 &&
    (input!.dtype === 'float32' || input!.dtype === 'float16');
  if (isPicture) {
    result.push({
      option: 'imageInput',
      why: `"${input!.name}" looks like a picture: as uint8 in NHWC it takes a quarter of the bytes or less to copy, and the graph normalises it`,
    });
  }
  const yolo = parseYoloMetadata(metadataOf(model.proto));
  const head = outputs.length === 1 ? outputs[0]!.dims : undefined;
  const isHead = head?.length === 3 && yolo.names && head[1] === 4 + yolo.names.length;
  if (yolo.task === 'detect' && isHead) {
    result.push({
      option: 'topK',
      why: `"${outputs[0]!.name}" is an undecoded detection head: decoded inside of the graph, the K best boxes are all that leaves the device`,
    });
  }
  if (inputs.some(({ dims }) => dims?.some((dim) => typeof dim !== 'number'))) {
    result.push({
      option: 'shapes',
      why: 'an input is dynamic: every free dimension needs a range',
    });
  }
  return result;
}
