import { dtypeTable } from '../../tensor/dtype';
import {
  invalidArgument,
  requireKnownKeys,
  requireNumber,
  requireOneOf,
  requireString,
} from '../../validate';
import {
  type AttributeValue,
  makeNode,
  makeValueInfo,
  type OnnxModel,
  opsetVersion,
  replaceUses,
} from '../graph';
import { requiredInputs } from '../model';
import type { ValueInfoProto } from '../schema';
import type { GraphPass, PassResult } from './pass';
import {
  declaredText,
  declaredValue,
  type FloatType,
  GraphWriter,
  isFloatType,
  unsupported,
} from './values';

/** How 8-bit samples become the numbers that the network reads: `(sample * scale - mean) / std`. */
export interface ImageInputOptions {
  /** The input to replace. Default: the only one that takes pictures. */
  name?: string;
  /** Factor of the samples. Default: they are divided by 255, exactly as the host does it. */
  scale?: number;
  /** Subtracted after scaling: one number, or one for each channel in the network's order. Default 0. */
  mean?: number | readonly number[];
  /** Divisor after that, likewise. Default 1. */
  std?: number | readonly number[];
  /** Order of the channels that the network reads. Pictures are fed as RGB in any case. Default `rgb`. */
  channelOrder?: 'rgb' | 'bgr';
}

/** {@link ImageInputOptions} as they were checked: plain JSON without what is left at its default. */
export interface CheckedImageInput {
  name?: string;
  scale?: number;
  mean?: [number, number, number];
  std?: [number, number, number];
  channelOrder?: 'bgr';
}

const keys = ['name', 'scale', 'mean', 'std', 'channelOrder'] as const;
/** Cast takes uint8 everywhere from here on, and constants are initialisers. */
const leastOpset = 9;
/** Factors and divisors between this and its reciprocal are taken. */
const leastFactor = 1e-6;

/**
 * Checks the option `imageInput`: undefined where it asks for nothing.
 * @throws ERR_INVALID_ARGUMENT
 */
export function checkImageInput(label: string, value: unknown): CheckedImageInput | undefined {
  if (value === undefined || value === false) return undefined;
  if (value === true) return {};
  requireKnownKeys(label, value, keys);
  const options = value as ImageInputOptions;
  const checked: CheckedImageInput = {};
  if (options.name !== undefined) checked.name = requireString(`${label}.name`, options.name);
  if (options.scale !== undefined)
    checked.scale = requireNumber(`${label}.scale`, options.scale, leastFactor, 1 / leastFactor);
  const mean = perChannel(`${label}.mean`, options.mean, -1 / leastFactor);
  const std = perChannel(`${label}.std`, options.std, leastFactor);
  if (mean?.some((item) => item !== 0)) checked.mean = mean;
  if (std?.some((item) => item !== 1)) checked.std = std;
  const order = options.channelOrder ?? 'rgb';
  if (requireOneOf(`${label}.channelOrder`, order, ['rgb', 'bgr']) === 'bgr')
    checked.channelOrder = 'bgr';
  return checked;
}

/**
 * Replaces a float input `[N, 3, H, W]` by a uint8 input `[N, H, W, 3]` of RGB samples: type, layout and
 * normalisation become part of the graph. N, H and W stay as fixed or free as they are. The input keeps its
 * name. What the network reads is bit for bit what the host path makes: the float32 quotient, rounded to
 * float16 for a network that reads halves.
 *
 * The cast stands first, since TensorRT takes uint8 as an input and for nothing but a cast.
 *
 * `run` throws ERR_INVALID_ARGUMENT for a name that no input has, ERR_UNSUPPORTED_MODEL for a model without
 * such an input. Facts: `input`, its name, and `dims`, its new shape.
 */
export function imageInputPass(options: CheckedImageInput): GraphPass {
  return {
    name: 'image-input',
    options: { ...options },
    run: async (model) => replaceImageInput(model, options),
  };
}

function replaceImageInput(model: OnnxModel, options: CheckedImageInput): PassResult {
  const { graph } = model.proto;
  const input = findImageInput(model, options.name);
  const { dtype, dims } = declaredValue(input);
  const [batch, , height, width] = dims!;
  const name = input.name!;
  if (opsetVersion(model) < leastOpset) {
    throw unsupported(
      `Expected operator set ${leastOpset} or later for imageInput but ${model.name} has ${opsetVersion(model)}`,
    );
  }
  if (graph.outputs.some((output) => output.name === name)) {
    throw unsupported(
      `Expected an input that is no output for imageInput but "${name}" of ${model.name} is both`,
    );
  }
  const writer = new GraphWriter(model, 'image_input');
  const step = (
    opType: string,
    inputs: string[],
    attributes: Record<string, AttributeValue> = {},
  ): string =>
    writer.add(makeNode(opType, inputs, [writer.name(opType.toLowerCase())], { attributes }));

  let value = step('Cast', [name], { to: { i: dtypeTable.float32.onnx } });
  value = step('Transpose', [value], { perm: { ints: [0, 3, 1, 2] } });
  if (options.channelOrder === 'bgr') {
    value = step('Gather', [value, writer.integers('bgr', [2, 1, 0])], { axis: { i: 1 } });
  }
  // A division, since the product with the nearest float to 1/255 is another number for some samples.
  if (options.scale === undefined) value = step('Div', [value, writer.floats('white', [1], [255])]);
  else if (options.scale !== 1)
    value = step('Mul', [value, writer.floats('scale', [1], [options.scale])]);
  if (options.mean) value = step('Sub', [value, writer.floats('mean', [1, 3, 1, 1], options.mean)]);
  if (options.std) value = step('Div', [value, writer.floats('std', [1, 3, 1, 1], options.std)]);
  if (dtype !== 'float32')
    value = step('Cast', [value], { to: { i: dtypeTable[dtype as FloatType].onnx } });

  replaceUses(graph, name, value);
  graph.nodes.unshift(...writer.nodes);
  const replaced = [batch!, height!, width!, 3];
  graph.inputs[graph.inputs.indexOf(input)] = makeValueInfo(name, 'uint8', replaced);
  graph.valueInfos = graph.valueInfos.filter((info) => info.name !== name);
  const shape = replaced.map((dim) => dim ?? '?').join(', ');
  return {
    messages: [`Input "${name}" takes uint8 RGB [${shape}]`],
    facts: { input: name, dims: replaced },
  };
}

function isImageInput(info: ValueInfoProto): boolean {
  const { dtype, dims } = declaredValue(info);
  return !!info.name && isFloatType(dtype) && dims?.length === 4 && dims[1] === 3;
}

function findImageInput(
  { proto, name: modelName }: OnnxModel,
  asked: string | undefined,
): ValueInfoProto {
  const inputs = requiredInputs(proto.graph);
  const wanted = 'an image input, float [N, 3, H, W],';
  const seen = inputs.map(declaredText).join('; ') || 'no input';
  if (asked !== undefined) {
    const input = inputs.find(({ name }) => name === asked);
    if (input === undefined) {
      throw invalidArgument(
        'imageInput.name',
        `the name of an input (the model has ${seen})`,
        asked,
      );
    }
    if (isImageInput(input)) return input;
    throw unsupported(`Expected ${wanted} but ${modelName} has ${declaredText(input)}`);
  }
  const fitting = inputs.filter(isImageInput);
  if (fitting.length === 1) return fitting[0]!;
  const hint = fitting.length > 1 ? '; say which by imageInput.name' : '';
  throw unsupported(
    `Expected ${fitting.length > 1 ? 'one image input' : wanted} but ${modelName} has ${seen}${hint}`,
  );
}

function perChannel(
  name: string,
  value: number | readonly number[] | undefined,
  min: number,
): [number, number, number] | undefined {
  if (value === undefined) return undefined;
  const list = typeof value === 'number' ? [value, value, value] : value;
  if (!Array.isArray(list) || list.length !== 3) {
    throw invalidArgument(name, 'a number or three numbers', value);
  }
  const [first, second, third] = list.map((item: unknown) =>
    requireNumber(name, item, min, 1 / leastFactor),
  );
  return [first!, second!, third!];
}
