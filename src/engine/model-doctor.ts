import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ErrorCode, TensorRTNodeError } from '../errors';
import { native } from '../native/binding';
import { type Flavor, flavors, type TrtTensor } from '../native/trt-contract';
import type { TrtParserReport } from '../native/trt-tool-contract';
import { type DoctorNode, examineModel, type ModelFinding } from '../onnx/doctor';
import { loadOnnxModel, type OnnxModel } from '../onnx/graph';
import { readOnnxModel } from '../onnx/model';
import { type ModelSuggestion, suggestOptions } from '../onnx/suggest';
import { type ModelSource, openModel } from '../session/model-input';
import {
  invalidArgument,
  reading,
  readOptions,
  requireBoolean,
  requireInteger,
  requireOneOf,
  requireSignal,
} from '../validate';
import { BuildProcessExit } from './build-exit';
import { checkBuildOptions, type ShapeProfile } from './build-options';
import { findTensorRT, type TensorRTCandidate } from './library';
import { runTool, type ToolAnswer } from './tool-process';

export interface DiagnoseOptions {
  /** TensorRT products to ask. Default: each that this machine holds. */
  flavors?: readonly Flavor[];
  /** Also builds an engine, at the lowest optimization level, and throws it away: only that is certain. Default false. */
  build?: boolean;
  /** Shapes for that build. Default: 1 for the first free dimension of an input, its declared size or 640 for others. */
  shapes?: ShapeProfile;
  /** Time limit for each parser and each build, in milliseconds. Default none. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** A complaint of TensorRT's parser. */
export interface ParserProblem extends DoctorNode {
  /** Such as `UNSUPPORTED_NODE`. */
  code: string;
  reason: string;
}

/** A run of nodes that the parser took. */
export interface ParserSubgraph {
  nodeCount: number;
  first: DoctorNode;
  last: DoctorNode;
}

/** What the real parser of one TensorRT product says of a model. */
export interface ParserVerdict {
  flavor: Flavor;
  version: string | undefined;
  libraryPath: string | undefined;
  /** `unavailable`: it could not be asked. `crashed`: it ended its process. */
  verdict: 'supported' | 'unsupported' | 'crashed' | 'unavailable';
  /** Why, in one sentence; undefined for `supported`. */
  reason: string | undefined;
  /** Set for `crashed` and `unavailable`. */
  code: ErrorCode | undefined;
  problems: ParserProblem[];
  /** Operators of the model that the parser does not know, with the number of their nodes. */
  unknownOperators: { operator: string; count: number }[];
  /** Runs of nodes that it took, and the nodes that are in none of them. */
  subgraphs: ParserSubgraph[];
  refusedNodes: DoctorNode[];
  /** The node that it was at when it crashed, as far as its log told. */
  lastNode: { name: string; operator: string } | undefined;
  warnings: string[];
  /** As the network has them: float64 has become float32 there. Empty unless supported. */
  inputs: TrtTensor[];
  outputs: TrtTensor[];
  build: BuildVerdict | undefined;
}

/** What came of a trial build; undefined where none was asked for. */
export interface BuildVerdict {
  verdict: 'builds' | 'refused' | 'crashed' | 'not-tried';
  reason: string | undefined;
}

export interface ModelDiagnosis {
  /** Absolute path; undefined for bytes. */
  path: string | undefined;
  nodeCount: number;
  /** `supported`: each parser that could be asked takes the model (and builds it, where that was tried). */
  verdict: 'supported' | 'unsupported' | 'unknown';
  parsers: ParserVerdict[];
  findings: ModelFinding[];
  suggestions: ModelSuggestion[];
}

/**
 * Says what TensorRT will make of an ONNX model before any engine is built: what the real parser of each product
 * on this machine says, node by node, and what the file itself tells. The parsers run in processes of their own;
 * one that crashes is a verdict. TensorRT 10 and 11 can be asked only where there is a CUDA device.
 * @throws ERR_INVALID_MODEL, ERR_INVALID_ARGUMENT, ERR_IO; ERR_DEADLINE or the signal's reason
 */
export async function diagnoseModel(
  model: ModelSource,
  given: DiagnoseOptions = {},
): Promise<ModelDiagnosis> {
  const options = readDiagnoseOptions(given);
  options.signal?.throwIfAborted();
  const input = await openModel(model);
  if (input.kind === 'engine') {
    throw new TensorRTNodeError(
      'ERR_INVALID_ARGUMENT',
      `Expected an ONNX model for model but ${input.label} is a TensorRT engine; inspect it instead`,
    );
  }
  const opened = await loadOnnxModel(model);
  // External data is looked for too: the parser only says that it failed.
  const info = await readOnnxModel(model);
  const findings = await examineModel(opened);
  const folder = input.bytes
    ? await mkdtemp(path.join(tmpdir(), 'tensorrt-node-doctor-'))
    : undefined;
  try {
    let modelPath = input.path;
    if (input.bytes) {
      modelPath = path.join(folder!, 'model.onnx');
      await writeFile(modelPath, input.bytes);
    }
    const parsers: ParserVerdict[] = [];
    // In turn: each takes hundreds of megabytes.
    for (const candidate of await candidatesFor(options.flavors)) {
      parsers.push(await askParser(candidate, modelPath!, opened, options));
    }
    return {
      path: input.path,
      nodeCount: info.nodeCount,
      verdict: overall(parsers),
      parsers,
      findings,
      suggestions: suggestOptions(opened),
    };
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

const optionNames = ['flavors', 'build', 'shapes', 'timeoutMs', 'signal'];

/** The caller's options, each read once. @throws ERR_INVALID_ARGUMENT */
function readDiagnoseOptions(given: DiagnoseOptions): DiagnoseOptions {
  const options = readOptions('options', given, optionNames);
  return reading('options', () => {
    const { build, timeoutMs, signal, shapes } = options;
    if (build !== undefined) requireBoolean('options.build', build);
    if (timeoutMs !== undefined) requireInteger('options.timeoutMs', timeoutMs, 1, 2 ** 31 - 1);
    if (signal !== undefined) requireSignal('options.signal', signal);
    if (shapes !== undefined) checkBuildOptions({ shapes });
    if (options.flavors === undefined) return options;
    if (!Array.isArray(options.flavors))
      throw invalidArgument('options.flavors', 'an array of flavours', options.flavors);
    const wanted = Array.from(options.flavors as readonly unknown[], (flavor) =>
      requireOneOf('options.flavors', flavor, flavors),
    );
    return { ...options, flavors: wanted };
  });
}

/** One a flavour: the first that can be used, else the first that is there. */
async function candidatesFor(
  wanted: readonly Flavor[] | undefined,
): Promise<(TensorRTCandidate & { flavor: Flavor })[]> {
  const found = await findTensorRT();
  return (wanted ?? flavors).flatMap((flavor) => {
    const own = found.filter((candidate) => candidate.flavor === flavor);
    const best = own.find((candidate) => objection(candidate) === undefined) ?? own[0];
    if (best !== undefined) return [{ ...best, flavor }];
    if (wanted === undefined) return [];
    return [{ path: '', origin: 'system' as const, flavor, refusal: 'none was found' }];
  });
}

function objection({ refusal, buildRefusal }: TensorRTCandidate): string | undefined {
  return refusal ?? buildRefusal;
}

async function askParser(
  candidate: TensorRTCandidate & { flavor: Flavor },
  modelPath: string,
  model: OnnxModel,
  options: DiagnoseOptions,
): Promise<ParserVerdict> {
  const verdict: ParserVerdict = {
    flavor: candidate.flavor,
    version: candidate.version,
    libraryPath: candidate.path || undefined,
    verdict: 'unavailable',
    reason: undefined,
    code: undefined,
    problems: [],
    unknownOperators: [],
    subgraphs: [],
    refusedNodes: [],
    lastNode: undefined,
    warnings: [],
    inputs: [],
    outputs: [],
    build: undefined,
  };
  const why = objection(candidate);
  if (why !== undefined) return { ...verdict, code: 'ERR_TENSORRT_UNAVAILABLE', reason: why };
  if (candidate.flavor !== 'rtx1') {
    const { devices, reason } = await native().cudaProbe();
    if (devices.length === 0) {
      const missing = reason ?? 'there is no CUDA device';
      return { ...verdict, code: 'ERR_NO_DEVICE', reason: `its parser needs a GPU: ${missing}` };
    }
  }
  const operators = countOperators(model);
  let answer: ToolAnswer;
  try {
    answer = await runTool(
      'checks the model',
      {
        kind: 'check',
        libraryPath: candidate.path,
        parserPath: candidate.parserPath ?? '',
        modelPath,
        operators: [...operators.keys()],
      },
      options,
    );
  } catch (thrown) {
    const error = thrown as TensorRTNodeError;
    if (options.signal?.aborted || !(error instanceof TensorRTNodeError)) throw thrown;
    if (error.code === 'ERR_DEADLINE') throw thrown;
    if (!(error.cause instanceof BuildProcessExit)) {
      return { ...verdict, code: error.code, reason: error.message };
    }
    return { ...verdict, ...crashVerdict(error) };
  }
  const report = JSON.parse(answer.report) as TrtParserReport;
  const nodeAt = (index: number): DoctorNode => toNode(model, index);
  const taken = new Set(report.subgraphs.flatMap(({ nodes }) => nodes));
  const result: ParserVerdict = {
    ...verdict,
    verdict: report.supported ? 'supported' : 'unsupported',
    problems: report.errors.map(({ code, reason, node, nodeName, operator }) => ({
      code,
      reason,
      index: node >= 0 ? node : undefined,
      name: nodeName,
      operator,
    })),
    unknownOperators: [...operators]
      .filter(([operator]) => report.operators[operator] === false)
      .map(([operator, count]) => ({ operator, count })),
    subgraphs: report.subgraphs
      .filter(({ nodes }) => nodes.length > 0)
      .map(({ nodes }) => ({
        nodeCount: nodes.length,
        first: nodeAt(nodes[0]!),
        last: nodeAt(nodes.at(-1)!),
      })),
    refusedNodes: report.supported
      ? []
      : model.proto.graph.nodes.flatMap((_, index) => (taken.has(index) ? [] : [nodeAt(index)])),
    warnings: [...new Set(answer.warnings)],
    inputs: report.supported ? report.inputs : [],
    outputs: report.supported ? report.outputs : [],
  };
  if (!report.supported) {
    result.reason = problemSentence(result.problems[0]) ?? answer.errors[0] ?? 'it gave no reason';
    if (options.build) result.build = { verdict: 'not-tried', reason: 'the parser refuses it' };
    return result;
  }
  if (options.build) result.build = await tryBuild(candidate.flavor, modelPath, report, options);
  return result;
}

function problemSentence(problem: ParserProblem | undefined): string | undefined {
  if (problem === undefined) return undefined;
  const { index, name, operator, reason } = problem;
  if (index === undefined) return reason;
  return `node ${index}${name ? ` "${name}"` : ''}${operator ? ` (${operator})` : ''}: ${reason}`;
}

function crashVerdict(error: TensorRTNodeError): Partial<ParserVerdict> {
  const last = error.details
    .map((line) => /arsing node: (.*) \[([^\]]*)\]$/.exec(line))
    .filter((match) => match !== null)
    .at(-1);
  const lastNode = last ? { name: last[1]!.trim(), operator: last[2]! } : undefined;
  const where = lastNode
    ? `, at node ${lastNode.name ? `"${lastNode.name}" ` : ''}(${lastNode.operator || 'no operator'})`
    : '';
  return {
    verdict: 'crashed',
    code: error.code,
    reason: `${error.message}${where}`,
    lastNode,
  };
}

function countOperators(model: OnnxModel): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { opType } of model.proto.graph.nodes) {
    counts.set(opType ?? '', (counts.get(opType ?? '') ?? 0) + 1);
  }
  return counts;
}

function toNode(model: OnnxModel, index: number): DoctorNode {
  const node = model.proto.graph.nodes[index];
  return { index, name: node?.name ?? '', operator: node?.opType ?? '' };
}

function overall(parsers: readonly ParserVerdict[]): ModelDiagnosis['verdict'] {
  const asked = parsers.filter(({ verdict }) => verdict !== 'unavailable');
  if (asked.length === 0) return 'unknown';
  const isFine = asked.every(
    ({ verdict, build }) =>
      verdict === 'supported' && (build === undefined || build.verdict === 'builds'),
  );
  return isFine ? 'supported' : 'unsupported';
}

async function tryBuild(
  flavor: Flavor,
  modelPath: string,
  report: TrtParserReport,
  options: DiagnoseOptions,
): Promise<BuildVerdict> {
  // Loaded here: few diagnoses build.
  const { Engine } = await import('./engine');
  try {
    const engine = await Engine.build(modelPath, {
      flavor,
      optimizationLevel: 0,
      logLevel: 'error',
      ...(flavor === 'rtx1' ? { computeCapabilities: ['8.9'] } : {}),
      shapes: options.shapes ?? defaultShapes(report.inputs),
      ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    await engine.dispose();
    return { verdict: 'builds', reason: undefined };
  } catch (thrown) {
    if (options.signal?.aborted || !(thrown instanceof TensorRTNodeError)) throw thrown;
    if (thrown.code === 'ERR_DEADLINE') throw thrown;
    // Shapes that do not fit are the caller's mistake and say nothing of the model.
    if (thrown.code === 'ERR_INVALID_ARGUMENT' && options.shapes !== undefined) throw thrown;
    const isCrash = thrown.code === 'ERR_BUILD_CRASHED' || thrown.code === 'ERR_BUILD_MEMORY';
    return { verdict: isCrash ? 'crashed' : 'refused', reason: thrown.message };
  }
}

/** One fixed shape for each dynamic input: a batch of 1, 640 for sizes. */
export function defaultShapes(inputs: readonly TrtTensor[]): ShapeProfile {
  const dynamic = inputs.filter(({ shape }) => shape.some((dim) => dim < 0));
  return Object.fromEntries(
    dynamic.map(({ name, shape }) => [
      name,
      shape.map((dim, index) => (dim >= 0 ? dim : index === 0 ? 1 : 640)),
    ]),
  );
}
