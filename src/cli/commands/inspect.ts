import path from 'node:path';
import type { Command } from 'commander';
import { Engine, type EngineDescription } from '../../engine/engine';
import type { EngineLayer, EngineLayers } from '../../engine/layers';
import type { EngineDetails } from '../../engine/on-device';
import type { TensorRTNodeError } from '../../errors';
import { type OnnxModelInfo, type OnnxValue, readOnnxModel } from '../../onnx/model';
import { parseYoloMetadata } from '../../onnx/yolo-metadata';
import { openModel } from '../../session/model-input';
import { elementCount } from '../../tensor/dtype';
import { printJson } from '../common';
import { compatibilityText } from '../compatibility-text';
import { judgeManifest, manifestText } from '../manifest-text';
import { columns, formatBytes, printable, table, truncate } from '../text';
import { verifyOptions } from './signing';

/** Lines stay within this many columns; names longer than that are cut. */
const width = 100;
const shownNames = 12;

export function registerInspect(program: Command): void {
  program
    .command('inspect')
    .description('show what is in a model: inputs, outputs, operators, weights, metadata')
    .argument('<model>', 'ONNX or engine file, or the manifest of an engine matrix')
    .option('--json', 'print everything as JSON')
    .option('--verify-key <file>', 'PEM file of public keys that have to have signed the engine')
    .option('--layers', 'list every layer of an engine')
    .addHelpText(
      'after',
      `
Examples:
  tensorrt-node inspect yolov8n.onnx
  tensorrt-node inspect yolov8n.onnx --json
  tensorrt-node inspect yolov8n.engine
  tensorrt-node inspect yolov8n.engine --layers
  tensorrt-node inspect engines/manifest.json

Neither the weights nor the plan are loaded: a model of gigabytes takes a few megabytes of memory.`,
    )
    .action(inspect);
}

async function inspect(
  model: string,
  flags: { json?: boolean; layers?: boolean; verifyKey?: string },
): Promise<void> {
  const input = await openModel(model);
  if (input.kind === 'manifest') {
    const report = await judgeManifest(model);
    if (flags.json) printJson({ kind: 'manifest', ...report });
    else process.stdout.write(manifestText(report));
    return;
  }
  if (input.kind === 'engine') {
    const engine = await Engine.load(model, await verifyOptions(flags.verifyKey));
    const description = engine.inspect();
    const compatibility = await engine.compatibility();
    const onDevice = await detailsOf(engine);
    if (flags.json) {
      printJson({
        kind: 'engine',
        path: path.resolve(model),
        ...description,
        compatibility,
        onDevice,
      });
      return;
    }
    process.stdout.write(engineReport(path.basename(model), description, flags, onDevice));
    process.stdout.write(`\n${compatibilityText(compatibility)}`);
    return;
  }
  const info = await readOnnxModel(model);
  if (flags.json) {
    printJson({ kind: 'onnx', path: path.resolve(model), ...info, ...onnxSummary(info) });
  } else process.stdout.write(onnxReport(path.basename(model), info));
}

/** The text that the command prints for an ONNX model, of lines of at most 100 columns. */
export function onnxReport(name: string, info: OnnxModelInfo): string {
  const opsets = Object.entries(info.opsets).map(([domain, version]) => `${domain} ${version}`);
  const producer = [info.producerName, info.producerVersion].filter(Boolean).join(' ');
  const facts = [formatBytes(info.fileBytes), `ONNX IR ${info.irVersion}`, opsets.join(', ')];
  if (producer) facts.push(`by ${producer}`);
  const operators = Object.entries(info.operators).map(([operator, count]): [string, string] => [
    operator,
    String(count),
  ]);
  return report(name, facts, [
    ['Inputs', table(info.inputs.map(valueRow))],
    ['Outputs', table(info.outputs.map(valueRow))],
    [`Operators: ${info.nodeCount} nodes`, columns(operators, width - 2)],
    ['Functions', info.functions],
    [`Weights: ${weightsLine(info)}`, table(largestWeights(info))],
    [
      'External data',
      table(
        info.externalFiles.map((file) => [
          file.location,
          formatBytes(file.fileBytes),
          `${file.tensors} tensors`,
        ]),
      ),
    ],
    ['Training', info.hasTrainingInfo ? ['holds training information, which is ignored'] : []],
    ['Metadata', metadataLines(info.metadata)],
  ]);
}

/** The text that the command prints for an engine file. */
export function engineReport(
  name: string,
  engine: EngineDescription,
  flags: { layers?: boolean } = {},
  onDevice: OnDevice = { error: { code: 'ERR_NO_DEVICE', message: '' } },
): string {
  const built = [engine.tensorrtVersion && `TensorRT ${engine.tensorrtVersion}`, engine.flavor]
    .filter(Boolean)
    .join(', ');
  const targets = engine.computeCapabilities ?? [];
  const row = ({
    name: tensor,
    dtype,
    shape,
  }: NonNullable<EngineDescription['inputs']>[number]) => [
    tensor,
    String(dtype),
    `[${shape.map((dim) => (dim < 0 ? '?' : dim)).join(', ')}]`,
  ];
  const texts = Object.fromEntries(
    Object.entries(engine.metadata)
      .filter(([key]) => key !== 'tensorrtNode')
      .map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  );
  return report(
    name,
    [
      formatBytes(engine.byteLength),
      engine.format === 'plain' ? 'plain plan without metadata' : `${engine.format} file`,
      ...(built ? [built] : []),
      ...(targets.length > 0 ? [`for compute capability ${targets.join(', ')}`] : []),
    ],
    [
      ['Inputs', table((engine.inputs ?? []).map(row))],
      ['Outputs', table((engine.outputs ?? []).map(row))],
      [
        'Profiles',
        (engine.profiles ?? []).flatMap((ranges, index) =>
          ranges.map(
            ({ input, values, min, opt, max }) =>
              `${index}  ${input}${values ? ' (values)' : ''}  [${min}] to [${max}], best at [${opt}]`,
          ),
        ),
      ],
      [
        'Options',
        table(Object.entries(engine.options ?? {}).map(([key, value]) => [key, String(value)])),
      ],
      ['On the device', deviceLines(onDevice)],
      layersBlock(layersOf(engine, onDevice), flags.layers === true),
      ['Metadata', metadataLines(texts)],
    ],
  );
}

/** A headline and titled blocks; blocks without lines are left out, titles with a colon speak for themselves. */
function report(name: string, facts: string[], blocks: [string, string[]][]): string {
  const lines = [printable(name), ...wrap(facts)];
  for (const [title, body] of blocks) {
    if (body.length === 0 && !title.includes(':')) continue;
    lines.push('', title, ...body.map((line) => `  ${line}`));
  }
  return `${lines.map((line) => truncate(line, width)).join('\n')}\n`;
}

/** Facts in as few lines as hold them. */
function wrap(facts: string[]): string[] {
  const lines: string[] = [];
  for (const fact of facts.map(printable)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + fact.length + 3 <= width) {
      lines[lines.length - 1] = `${last} · ${fact}`;
    } else lines.push(fact);
  }
  return lines;
}

function valueRow(value: OnnxValue): string[] {
  const type = value.kind === 'tensor' ? (value.dtype ?? 'unknown type') : value.kind;
  const shape =
    value.dims === undefined
      ? value.kind === 'tensor'
        ? 'any shape'
        : ''
      : `[${value.dims.map((dim) => dim ?? '?').join(', ')}]`;
  return [value.name, type, shape];
}

/** Sums that a reader of the JSON would else make: parameters, weights by type, free dimensions. */
export function onnxSummary(info: OnnxModelInfo): {
  parameters: number;
  weightBytes: Record<string, number>;
  dynamicDims: { input: string; dim: number; name: string | null }[];
} {
  const byType = new Map<string, number>();
  let parameters = 0;
  for (const { dtype, dims, byteLength } of info.initializers) {
    const type = dtype ?? 'other types';
    byType.set(type, (byType.get(type) ?? 0) + byteLength);
    parameters += elementCount(dims);
  }
  return {
    parameters,
    weightBytes: Object.fromEntries([...byType].sort((a, b) => b[1] - a[1])),
    dynamicDims: info.inputs.flatMap(({ name: input, dims }) =>
      (dims ?? []).flatMap((name, dim) => (typeof name === 'number' ? [] : [{ input, dim, name }])),
    ),
  };
}

/** What TensorRT says of the engine once it is loaded, or why it could not be asked. */
type OnDevice = EngineDetails | { error: { code: string; message: string } };

async function detailsOf(engine: Engine): Promise<OnDevice> {
  try {
    return await engine.inspectOnDevice();
  } catch (thrown) {
    const { code, message } = thrown as TensorRTNodeError;
    return { error: { code, message } };
  }
}

function deviceLines(onDevice: OnDevice): string[] {
  if ('error' in onDevice) {
    const { code, message } = onDevice.error;
    // Machines without a GPU are no news, and what keeps an engine from running is told of below.
    return ['ERR_NO_DEVICE', 'ERR_TENSORRT_UNAVAILABLE'].includes(code) ? [] : [message];
  }
  return table([
    ['memory of a context', formatBytes(onDevice.deviceMemoryBytes)],
    ['layers', String(onDevice.layerCount)],
    ['auxiliary streams', String(onDevice.auxStreams)],
    ['refittable', onDevice.isRefittable ? 'yes' : 'no'],
    ...(onDevice.weightsBytes === undefined
      ? []
      : [['weights', formatBytes(onDevice.weightsBytes)]]),
    ...(onDevice.streamableWeightsBytes > 0
      ? [['streamable weights', formatBytes(onDevice.streamableWeightsBytes)]]
      : []),
  ]);
}

/** Of the two accounts of the layers the one that tells more. */
function layersOf(engine: EngineDescription, onDevice: OnDevice): EngineLayers | undefined {
  const isDetailed = engine.layers?.detail === 'detailed';
  if ('error' in onDevice || isDetailed || onDevice.layers.detail !== 'detailed') {
    return engine.layers;
  }
  return onDevice.layers;
}

/** How many layers there are of each kind and precision; all of them where `isList`. */
function layersBlock(layers: EngineLayers | undefined, isList: boolean): [string, string[]] {
  if (layers === undefined) return ['Layers', []];
  const count = (values: (string | undefined)[]): [string, string][] => {
    const counts = new Map<string, number>();
    for (const value of values) counts.set(value ?? '?', (counts.get(value ?? '?') ?? 0) + 1);
    return [...counts]
      .sort((a, b) => b[1] - a[1])
      .map(([value, number]) => [value, String(number)]);
  };
  const typed = layers.layers.filter(({ precision }) => precision !== undefined);
  const precisions = count(typed.map(({ precision }) => precision))
    .map(([type, number]) => `${number} in ${type}`)
    .join(', ');
  const title = `Layers: ${layers.layers.length}${precisions ? `, ${precisions}` : ''}`;
  if (!isList) return [title, columns(count(layers.layers.map(({ type }) => type)), width - 2)];
  const types = (list: EngineLayer['inputs']): string =>
    [...new Set(list.map(({ dtype }) => dtype ?? '?'))].join(', ');
  const shapes = (list: EngineLayer['outputs']): string =>
    list.map(({ shape }) => `[${shape?.join(', ') ?? '?'}]`).join(' ');
  return [
    title,
    table(
      layers.layers.map(({ name, type, inputs, outputs }) => [
        name,
        type ?? '',
        [types(inputs), `${types(outputs)} ${shapes(outputs)}`.trim()].filter(Boolean).join(' → '),
      ]),
    ),
  ];
}

function weightsLine(info: OnnxModelInfo): string {
  const { weightBytes, parameters } = onnxSummary(info);
  const types = Object.entries(weightBytes).map(([type, bytes]) => `${type} ${formatBytes(bytes)}`);
  const listed = info.initializers.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const rest = info.tensorBytes - listed;
  if (rest > 0) types.push(`constants in nodes ${formatBytes(rest)}`);
  return `${info.initializers.length} tensors, ${parameters.toLocaleString('en')} parameters, ${formatBytes(info.tensorBytes)}${types.length > 0 ? ` (${types.join(', ')})` : ''}`;
}

function largestWeights(info: OnnxModelInfo): string[][] {
  return [...info.initializers]
    .sort((a, b) => b.byteLength - a.byteLength)
    .slice(0, 3)
    .map(({ name, dtype, dims, byteLength }) => [
      name,
      dtype ?? 'other type',
      `[${dims.join(', ')}]`,
      formatBytes(byteLength),
    ]);
}

function metadataLines(metadata: Record<string, string>): string[] {
  const { names } = parseYoloMetadata(metadata);
  return table(
    Object.entries(metadata).map(([key, value]) => {
      if (key !== 'names' || names === undefined) return [key, value];
      const more = names.length > shownNames ? ', …' : '';
      return [key, `${names.length}: ${names.slice(0, shownNames).join(', ')}${more}`];
    }),
  );
}
