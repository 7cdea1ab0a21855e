import { attributeInt, findAttribute } from './graph';
import { isStandard, operatorOf } from './passes/operators';
import { attributeTypes, type GraphProto, type NodeProto } from './schema';

/** TensorProto.DataType numbers that rules name. */
export const elementTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  bfloat16: 16,
} as const;

/** Element type of each value of a graph, by TensorProto.DataType; values that are missing are unknown. */
export type ElementTypes = Map<string, number>;

/**
 * Finds the element type of each value of the main graph: from what the model declares, and from the operators'
 * rules. Values of operators that this package does not know, and that the model does not declare, stay unknown.
 * The nodes must be in order.
 */
export function inferElementTypes(graph: GraphProto): ElementTypes {
  const types = declaredTypes(graph);
  for (const node of graph.nodes) {
    const found = outputTypes(node, types);
    node.outputs.forEach((output, index) => {
      const type = found(index);
      if (output !== '' && type !== undefined) types.set(output, type);
    });
  }
  return types;
}

/** How messages call a node. */
export function nodeLabel(node: NodeProto): string {
  return node.name || `${operatorOf(node)} of ${node.outputs[0] ?? ''}`;
}

function declaredTypes(graph: GraphProto): ElementTypes {
  const types: ElementTypes = new Map();
  for (const value of [...graph.valueInfos, ...graph.outputs, ...graph.inputs]) {
    const type = value.type?.tensor?.elementType;
    if (value.name && type) types.set(value.name, type);
  }
  for (const tensor of graph.initializers) {
    if (tensor.name && tensor.dataType !== undefined) types.set(tensor.name, tensor.dataType);
  }
  for (const { values } of graph.sparseInitializers) {
    if (values?.name && values.dataType !== undefined) types.set(values.name, values.dataType);
  }
  return types;
}

type Rule = (node: NodeProto, types: ElementTypes) => (index: number) => number | undefined;

const { float32, uint8, int32, int64, bool } = elementTypes;

const always =
  (...list: number[]): Rule =>
  () =>
  (index) =>
    list[Math.min(index, list.length - 1)];

/** All outputs have the type of one input; those from the second on have `rest`, where that is given. */
const like =
  (slot: number, rest?: number): Rule =>
  (node, types) => {
    const type = types.get(node.inputs[slot] ?? '');
    return (index) => (index === 0 || rest === undefined ? type : rest);
  };

/** The type that an attribute names. */
const named =
  (attribute: string, fallback?: Rule): Rule =>
  (node, types) => {
    const type = attributeInt(node, attribute, 0);
    return type === 0 && fallback ? fallback(node, types) : () => type || undefined;
  };

const first = like(0);

function all(operators: string, rule: Rule): [string, Rule][] {
  return operators.split(' ').map((operator) => [operator, rule]);
}

/** Rules of the operators whose outputs do not have the type of the first input. */
const rules = new Map<string, Rule>([
  ...all(
    'And Equal Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual Not Or Xor OptionalHasElement',
    always(bool),
  ),
  ...all('ArgMax ArgMin NonMaxSuppression NonZero SequenceLength Shape Size', always(int64)),
  ...all('ConvInteger MatMulInteger', always(int32)),
  ...all('BlackmanWindow HannWindow HammingWindow', named('output_datatype', always(float32))),
  ...all('Cast', named('to')),
  ...all('CastLike', like(1)),
  ...all('Constant', constantType),
  ...all('ConstantOfShape', constantOfShapeType),
  ...all('DequantizeLinear', named('output_dtype', like(1))),
  ...all('DynamicQuantizeLinear', always(uint8, float32, uint8)),
  ...all('QuantizeLinear', named('output_dtype', quantizedType)),
  ...all('QLinearConv', like(7)),
  ...all('QLinearMatMul', like(7)),
  ...all('EyeLike RandomNormalLike RandomUniformLike Bernoulli', named('dtype', first)),
  ...all('RandomNormal RandomUniform', named('dtype', always(float32))),
  ...all('Multinomial', named('dtype', always(int32))),
  ...all('Dropout', like(0, bool)),
  ...all('MaxPool TopK', like(0, int64)),
  ...all('Unique', like(0, int64)),
  ...all('OneHot', like(2)),
  ...all('Where', like(1)),
  ...all('If', branchTypes('then_branch', 0)),
  ...all('Loop', branchTypes('body', 1)),
  ...all('Scan', branchTypes('body', 0)),
  ...all(
    'SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceMap SplitToSequence ConcatFromSequence Optional OptionalGetElement StringSplit',
    () => () => undefined,
  ),
]);

function outputTypes(node: NodeProto, types: ElementTypes): (index: number) => number | undefined {
  if (!isStandard(node)) return () => undefined;
  return (rules.get(node.opType ?? '') ?? first)(node, types);
}

function constantType(node: NodeProto): (index: number) => number | undefined {
  const [attribute] = node.attributes.filter(({ name }) => name !== 'value_dims');
  const scalar: Partial<Record<number, number>> = {
    [attributeTypes.FLOAT]: float32,
    [attributeTypes.FLOATS]: float32,
    [attributeTypes.INT]: int64,
    [attributeTypes.INTS]: int64,
    [attributeTypes.STRING]: elementTypes.string,
    [attributeTypes.STRINGS]: elementTypes.string,
  };
  const type =
    attribute?.t?.dataType ??
    attribute?.sparseTensor?.values?.dataType ??
    scalar[attribute?.type ?? 0];
  return () => type;
}

function constantOfShapeType(node: NodeProto): (index: number) => number | undefined {
  const type = findAttribute(node, 'value')?.t?.dataType ?? float32;
  return () => type;
}

function quantizedType(
  node: NodeProto,
  types: ElementTypes,
): (index: number) => number | undefined {
  const zeroPoint = node.inputs[2];
  return () => (zeroPoint ? types.get(zeroPoint) : uint8);
}

/** Types that a sub-graph declares for its outputs, the first `skip` of them left out. */
function branchTypes(attribute: string, skip: number): Rule {
  return (node) => {
    const outputs = findAttribute(node, attribute)?.g?.outputs ?? [];
    return (index) => outputs[index + skip]?.type?.tensor?.elementType || undefined;
  };
}
