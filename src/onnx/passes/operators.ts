import type { NodeProto } from '../schema';
import type { Precision } from './precision-options';

/** Tables of operators that the passes ask. Operators of other domains are in none of them. */

/**
 * They stay in float32: the standard gives some of them no 16-bit type, control flow and sequences carry values
 * of unknown use, and sums of many squares leave the range of half precision.
 */
export const keepFloatOperators: ReadonlySet<string> = new Set([
  // Control flow, with all that is inside.
  'If',
  'Loop',
  'Scan',
  'SequenceMap',
  // No 16-bit type in the standard.
  'NonMaxSuppression',
  'Range',
  'DynamicQuantizeLinear',
  'QLinearConv',
  'QLinearMatMul',
  'ConvInteger',
  'MatMulInteger',
  'Multinomial',
  'Bernoulli',
  'RandomNormal',
  'RandomUniform',
  'RandomNormalLike',
  'RandomUniformLike',
  'EyeLike',
  'TfIdfVectorizer',
  'StringNormalizer',
  'BlackmanWindow',
  'HannWindow',
  'HammingWindow',
  'MelWeightMatrix',
  'ImageDecoder',
  // Sequences and optionals.
  'SequenceConstruct',
  'SequenceEmpty',
  'SequenceInsert',
  'SequenceErase',
  'SequenceAt',
  'SequenceLength',
  'SplitToSequence',
  'ConcatFromSequence',
  'Optional',
  'OptionalGetElement',
  'OptionalHasElement',
  // Range or rounding of long sums.
  'CumSum',
  'Pow',
  'ReduceL2',
  'ReduceLogSum',
  'ReduceLogSumExp',
  'ReduceProd',
  'ReduceSumSquare',
  'LpNormalization',
  'MeanVarianceNormalization',
  'LRN',
  'RoiAlign',
  'MaxRoiPool',
  'GridSample',
  'AffineGrid',
  'STFT',
  'DFT',
  'Det',
  'LSTM',
  'GRU',
  'RNN',
]);

/** Further ones by type. */
export const keepFloatByType: Readonly<Record<Precision, ReadonlySet<string>>> = {
  fp16: new Set(),
  // TensorRT-RTX 1.7 cannot build it: "Could not infer output types for operation: … deconv".
  bf16: new Set(['ConvTranspose']),
};

/**
 * Arithmetic and moves of data. They take the type of their surroundings: between two nodes that stay in float32
 * they do as well, instead of a cast before and one behind.
 */
export const followers: ReadonlySet<string> = new Set([
  'Abs',
  'Add',
  'ArgMax',
  'ArgMin',
  'Clip',
  'Compress',
  'Concat',
  'Div',
  'Equal',
  'Expand',
  'Flatten',
  'Gather',
  'GatherElements',
  'GatherND',
  'Greater',
  'GreaterOrEqual',
  'Identity',
  'Less',
  'LessOrEqual',
  'Max',
  'Mean',
  'Min',
  'Mul',
  'Neg',
  'Pad',
  'Reciprocal',
  'ReduceMax',
  'ReduceMean',
  'ReduceMin',
  'ReduceSum',
  'Reshape',
  'ScatterElements',
  'ScatterND',
  'Slice',
  'Split',
  'Sqrt',
  'Squeeze',
  'Sub',
  'Sum',
  'Tile',
  'TopK',
  'Transpose',
  'Unsqueeze',
  'Where',
]);

/** They move elements and compute nothing. */
export const moves: ReadonlySet<string> = new Set([
  'Concat',
  'Expand',
  'Flatten',
  'Gather',
  'Identity',
  'Reshape',
  'Slice',
  'Split',
  'Squeeze',
  'Tile',
  'Transpose',
  'Unsqueeze',
]);

/** What may stand between the last heavy operator and an output of the graph, and works on coordinates. */
export const tailOperators: ReadonlySet<string> = new Set([
  'Add',
  'Clip',
  'Concat',
  'Div',
  'Expand',
  'Flatten',
  'Gather',
  'GatherElements',
  'GatherND',
  'Identity',
  'Max',
  'Min',
  'Mul',
  'Neg',
  'Reshape',
  'Slice',
  'Split',
  'Squeeze',
  'Sub',
  'Tile',
  'Transpose',
  'Unsqueeze',
  'Where',
]);

export const quantizers: ReadonlySet<string> = new Set(['QuantizeLinear', 'DequantizeLinear']);

/** Inputs that the standard has in float32 whatever the type of the data. */
const floatSlots: Record<string, readonly number[]> = {
  // Scales, or (from opset 11 on) region of interest and scales.
  Resize: [1, 2],
  Upsample: [1],
};

/** They take any element type and give none of it back. */
const indifferent: ReadonlySet<string> = new Set(['Cast', 'CastLike', 'Shape', 'Size']);

/** Which type a node that runs in half precision wants at an input; `any`: as it comes. */
export function slotWish(node: NodeProto, slot: number): 'half' | 'float' | 'any' {
  const operator = operatorOf(node);
  if (indifferent.has(operator)) return operator === 'CastLike' && slot === 1 ? 'half' : 'any';
  return floatSlots[operator]?.includes(slot) ? 'float' : 'half';
}

/** The operator, with its domain where that is not the standard's. */
export function operatorOf({ domain, opType }: NodeProto): string {
  return domain && domain !== 'ai.onnx' ? `${domain}.${opType ?? ''}` : (opType ?? '');
}

/** True for operators of the standard. */
export function isStandard({ domain }: NodeProto): boolean {
  return !domain || domain === 'ai.onnx';
}
