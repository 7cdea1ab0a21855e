import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { TensorRTNodeError } from '../../errors';
import { replaceFile } from '../../files';
import type { CpuOptions } from '../../session/options';
import { invalidArgument } from '../../validate';
import { drawDetections } from '../../vision/draw';
import { type PredictOptions, VisionModel, type VisionModelOptions } from '../../vision/model';
import type { Results } from '../../vision/results';
import { expandImages } from '../images';

interface PredictFlags {
  backend: string;
  cpuEngine: string;
  cpuPrecision: string;
  conf: string;
  iou: string;
  maxDetections: string;
  classes?: string;
  imgsz?: string;
  agnostic?: boolean;
  json?: string | true;
  save?: string;
}

export function registerPredict(program: Command): void {
  program
    .command('predict')
    .description('detect objects in pictures')
    .argument('<model>', 'ONNX model, or engine file where a GPU can run it')
    .argument('<images...>', 'pictures, folders of pictures, or patterns such as "photos/**/*.jpg"')
    .option('--backend <name>', 'auto, cpu or tensorrt', 'auto')
    .option('--cpu-engine <name>', 'auto, onnxruntime or openvino', 'auto')
    .option('--cpu-precision <type>', 'f32, or bf16 with openvino', 'f32')
    .option('--conf <score>', 'drop detections at or below this score', '0.25')
    .option('--iou <ratio>', 'overlap above which the lower score of a class is dropped', '0.7')
    .option('--max-detections <count>', 'most detections of a picture', '300')
    .option('--classes <indices>', 'keep these classes only, e.g. 0,2')
    .option('--agnostic', 'let boxes of different classes suppress each other')
    .option('--imgsz <pixels>', 'side of the network input, where the model leaves it free')
    .option('--json [file]', 'write the results as JSON, to stdout without a file')
    .option('--save <folder>', 'write pictures with the detections drawn on them')
    .addHelpText(
      'after',
      `
Examples:
  tensorrt-node predict yolov8n.onnx street.jpg
  tensorrt-node predict yolov8n.onnx photos/ --save out --conf 0.4
  tensorrt-node predict yolov8n.onnx a.jpg b.png --backend cpu --json results.json
  tensorrt-node predict yolov8n.onnx photos/ --cpu-engine openvino --cpu-precision bf16`,
    )
    .action(predict);
}

async function predict(modelPath: string, inputs: string[], flags: PredictFlags): Promise<void> {
  const images = await expandImages(inputs);
  const options = predictOptions(flags);
  // The folder comes first: a long run must not end on one that cannot be written.
  if (flags.save !== undefined) await makeFolder(flags.save);
  const model = await VisionModel.load(modelPath, loadOptions(flags, images.length));
  try {
    const results = await model.predict(images, options);
    if (flags.save !== undefined) await saveDrawings(flags.save, images, results);
    if (flags.json !== undefined) await writeJson(flags.json, results);
    if (flags.json !== true) printSummary(model, results, flags.save);
  } finally {
    await model.dispose();
  }
}

function loadOptions(flags: PredictFlags, pictures: number): VisionModelOptions {
  return {
    backend: flags.backend as NonNullable<VisionModelOptions['backend']>,
    cpu: {
      engine: flags.cpuEngine as NonNullable<CpuOptions['engine']>,
      precision: flags.cpuPrecision as NonNullable<CpuOptions['precision']>,
    },
    optimizeFor: pictures > 1 ? 'throughput' : 'latency',
    ...(flags.imgsz === undefined ? {} : { imageSize: numberOf('--imgsz', flags.imgsz) }),
  };
}

function predictOptions(flags: PredictFlags): PredictOptions {
  return {
    confidence: numberOf('--conf', flags.conf),
    iou: numberOf('--iou', flags.iou),
    maxDetections: numberOf('--max-detections', flags.maxDetections),
    agnostic: flags.agnostic === true,
    ...(flags.classes === undefined
      ? {}
      : { classes: flags.classes.split(',').map((index) => numberOf('--classes', index)) }),
  };
}

function numberOf(flag: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value)) throw invalidArgument(flag, 'a number', text);
  return value;
}

async function makeFolder(folder: string): Promise<void> {
  const probe = path.join(folder, `.tensorrt-node-${process.pid}`);
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(probe, '');
    await rm(probe);
  } catch (cause) {
    throw new TensorRTNodeError(
      'ERR_IO',
      `Expected a writable folder for --save but ${folder} is none`,
      { cause },
    );
  }
}

async function saveDrawings(folder: string, images: string[], results: Results[]): Promise<void> {
  const names = new Set<string>();
  for (const [i, image] of images.entries()) {
    const base = path.parse(image).name;
    let name = `${base}.jpg`;
    for (let n = 2; names.has(name); n++) name = `${base}-${n}.jpg`;
    names.add(name);
    await writeWhole(path.join(folder, name), await drawDetections(image, results[i]!));
  }
}

async function writeJson(target: string | true, results: Results[]): Promise<void> {
  const text = `${JSON.stringify(results, null, 1)}\n`;
  if (target === true) process.stdout.write(text);
  else await writeWhole(target, text);
}

/** Readers see the whole file or none. */
async function writeWhole(target: string, content: string | Buffer): Promise<void> {
  await replaceFile(target, (temporary) => writeFile(temporary, content)).catch((cause: Error) => {
    throw new TensorRTNodeError(
      'ERR_IO',
      `The file ${target} cannot be written: ${cause.message}`,
      { cause },
    );
  });
}

function printSummary(model: VisionModel, results: Results[], folder: string | undefined): void {
  const out = (line: string): void => {
    process.stdout.write(`${line}\n`);
  };
  out(`${model.session.engine}, network input ${model.imageSize.width}x${model.imageSize.height}`);
  for (const reason of model.reasons) out(`  ${reason}`);
  for (const result of results) {
    const found = Object.entries(result.counts()).map(([label, count]) => `${count} ${label}`);
    const { decodeMs, preprocessMs, inferenceMs, postprocessMs } = result.timings;
    const stages = [decodeMs, preprocessMs, inferenceMs, postprocessMs].map((ms) => ms.toFixed(1));
    out(
      `${result.image}  ${result.width}x${result.height}  ${found.join(', ') || 'nothing found'}`,
    );
    out(
      `  decode ${stages[0]}, letterbox ${stages[1]}, inference ${stages[2]}, decoding ${stages[3]} ms`,
    );
  }
  if (folder !== undefined) out(`pictures written to ${folder}`);
}
