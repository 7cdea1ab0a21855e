import type { Command } from 'commander';
import type { PrecisionOptions } from '../../onnx/passes/precision-options';
import type { TransformReport } from '../../onnx/rewrite';
import { type TransformOptions, transformModel } from '../../onnx/transform';
import { invalidArgument } from '../../validate';
import { printJson } from '../common';

/** Flags of the graph edits, which `build` has as well. */
export interface TransformFlags extends Record<string, unknown> {
  precision?: string;
  keepFloatOperators?: string;
  keepFloatNodes?: string;
  halfIo?: boolean;
  halfTail?: boolean;
}

interface ConvertFlags extends TransformFlags {
  output: string;
  externalData?: 'inline' | 'file';
  json?: boolean;
}

export function registerConvert(program: Command): void {
  const command = program
    .command('convert')
    .description('edit an ONNX model: cast it to 16-bit floating point')
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
    .option('--half-tail', 'cast the arithmetic before the outputs too');
}

/** Texts become options here; what they hold is checked by the transforms' own rules. */
export function toTransforms(flags: TransformFlags): Pick<TransformOptions, 'precision'> {
  const { precision, keepFloatOperators, keepFloatNodes, halfIo, halfTail } = flags;
  if (precision === undefined) {
    for (const [flag, value] of Object.entries({
      '--keep-float-operators': keepFloatOperators,
      '--keep-float-nodes': keepFloatNodes,
      '--half-io': halfIo,
      '--half-tail': halfTail,
    })) {
      if (value !== undefined)
        throw invalidArgument('--precision', `fp16 or bf16 with ${flag}`, undefined);
    }
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
