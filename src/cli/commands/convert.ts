import type { Command } from 'commander';
import type { ImageInputOptions } from '../../onnx/passes/image-input';
import type { PrecisionOptions } from '../../onnx/passes/precision-options';
import type { TransformReport } from '../../onnx/rewrite';
import { transformModel } from '../../onnx/transform';
import type { GraphTransforms } from '../../onnx/transforms';
import { invalidArgument } from '../../validate';
import { printJson } from '../common';

/** Flags of the graph edits, which `build` has as well. */
export interface TransformFlags extends Record<string, unknown> {
  precision?: string;
  keepFloatOperators?: string;
  keepFloatNodes?: string;
  halfIo?: boolean;
  halfTail?: boolean;
  simplify?: boolean;
  imageInput?: boolean;
  imageScale?: string;
  imageMean?: string;
  imageStd?: string;
  channelOrder?: string;
  topK?: true | string;
}

interface ConvertFlags extends TransformFlags {
  output: string;
  externalData?: 'inline' | 'file';
  json?: boolean;
}

export function registerConvert(program: Command): void {
  const command = program
    .command('convert')
    .description('edit an ONNX model: 16-bit floating point, image input, decoded top-K head')
    .argument('<model>', 'ONNX file')
    .requiredOption('-o, --output <file>', 'ONNX file to write')
    .option('--external-data <inline|file>', 'weights into the file, or into <output>.data')
    .option('--json', 'print what was done as JSON');
  addTransformFlags(command);
  command
    .addHelpText(
      'after',
      `
Examples:
  tensorrt-node convert yolov8n.onnx -o yolov8n-fp16.onnx --precision fp16
  tensorrt-node convert yolov8n.onnx -o yolov8n-bf16.onnx --precision bf16 --keep-float-operators Softmax
  tensorrt-node convert yolov8n.onnx -o yolov8n-half.onnx --precision fp16 --half-io --json
  tensorrt-node convert yolov8n.onnx -o yolov8n-fused.onnx --image-input --top-k 1000

Weights are streamed from file to file: a model of gigabytes takes little memory.`,
    )
    .action(convert);
}

export function addTransformFlags(command: Command): void {
  command
    .option('--precision <fp16|bf16>', 'cast the graph to 16-bit floating point')
    .option('--keep-float-operators <list>', 'operators that stay float32, e.g. Softmax,Exp')
    .option('--keep-float-nodes <list>', 'nodes that stay float32, by name')
    .option('--half-io', 'cast inputs and outputs too')
    .option('--half-tail', 'cast the arithmetic before the outputs too')
    .option('--simplify', 'compute constants and shapes, remove unused nodes')
    .option('--image-input', 'take uint8 RGB pictures [N, H, W, 3], normalised in the graph')
    .option('--image-scale <number>', 'factor of the samples; default: divided by 255')
    .option(
      '--image-mean <list>',
      'subtracted after scaling: one number or three, e.g. 0.485,0.456,0.406',
    )
    .option('--image-std <list>', 'divisor after that: one number or three')
    .option('--channel-order <rgb|bgr>', 'order of the channels that the network reads')
    .option(
      '--top-k [number]',
      'decode a YOLO head in the graph, keep the K best anchors; default 1000',
    );
}

/** Texts become options here; what they hold is checked by the transforms' own rules. */
export function toTransforms(flags: TransformFlags): GraphTransforms {
  const { simplify, topK } = flags;
  const imageInput = toImageInput(flags);
  return {
    ...toPrecision(flags),
    ...(simplify === undefined ? {} : { simplify }),
    ...(imageInput === undefined ? {} : { imageInput }),
    ...(topK === undefined ? {} : { topK: topK === true ? true : toNumber('--top-k', topK) }),
  };
}

/** Details need the flag that they are details of. */
function refuseWithout(needed: string, what: string, details: Record<string, unknown>): void {
  for (const [flag, value] of Object.entries(details)) {
    if (value !== undefined) throw invalidArgument(needed, `${what} with ${flag}`, undefined);
  }
}

function toImageInput(flags: TransformFlags): true | ImageInputOptions | undefined {
  const { imageInput, imageScale, imageMean, imageStd, channelOrder } = flags;
  if (!imageInput) {
    refuseWithout('--image-input', 'the flag', {
      '--image-scale': imageScale,
      '--image-mean': imageMean,
      '--image-std': imageStd,
      '--channel-order': channelOrder,
    });
    return undefined;
  }
  const options: ImageInputOptions = {};
  if (imageScale !== undefined) options.scale = toNumber('--image-scale', imageScale);
  if (imageMean !== undefined) options.mean = toNumbers('--image-mean', imageMean);
  if (imageStd !== undefined) options.std = toNumbers('--image-std', imageStd);
  if (channelOrder !== undefined)
    options.channelOrder = channelOrder as NonNullable<ImageInputOptions['channelOrder']>;
  return options;
}

function toNumber(flag: string, text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isNaN(value)) throw invalidArgument(flag, 'a number', text);
  return value;
}

function toNumbers(flag: string, text: string): number | number[] {
  const list = listOf(text).map((item) => toNumber(flag, item));
  return list.length === 1 ? list[0]! : list;
}

function toPrecision(flags: TransformFlags): Pick<GraphTransforms, 'precision'> {
  const { precision, keepFloatOperators, keepFloatNodes, halfIo, halfTail } = flags;
  if (precision === undefined) {
    refuseWithout('--precision', 'fp16 or bf16', {
      '--keep-float-operators': keepFloatOperators,
      '--keep-float-nodes': keepFloatNodes,
      '--half-io': halfIo,
      '--half-tail': halfTail,
    });
    return {};
  }
  const options: PrecisionOptions = { type: precision as PrecisionOptions['type'] };
  if (keepFloatOperators !== undefined) options.keepFloatOperators = listOf(keepFloatOperators);
  if (keepFloatNodes !== undefined) options.keepFloatNodes = listOf(keepFloatNodes);
  if (halfIo) options.keepIoFloat = false;
  if (halfTail) options.keepTailFloat = false;
  return { precision: options };
}

function listOf(text: string): string[] {
  return text.split(',').map((item) => item.trim());
}

async function convert(model: string, flags: ConvertFlags): Promise<void> {
  const report = await transformModel(model, {
    output: flags.output,
    ...toTransforms(flags),
    ...(flags.externalData === undefined ? {} : { externalData: flags.externalData }),
  });
  if (flags.json) printJson(report);
  else process.stdout.write(transformText(report));
}

/** What was done, in lines. */
export function transformText({ path, passes, nodesBefore, nodesAfter }: TransformReport): string {
  const lines = [`${path}: ${nodesAfter} nodes, ${nodesBefore} before`];
  for (const { name, messages } of passes) {
    for (const message of messages) lines.push(`  ${name}: ${message}`);
  }
  return `${lines.join('\n')}\n`;
}
