import type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  SparseTensorProto,
  TensorProto,
} from './schema';

/** Graphs that an attribute holds: the branches of an If, the body of a Loop or Scan. */
export function attributeGraphs(attribute: AttributeProto): GraphProto[] {
  return attribute.g === undefined ? attribute.graphs : [attribute.g, ...attribute.graphs];
}

/** All nodes of a graph or function, those of its sub-graphs among them, in depth-first order. */
export function* allNodes(graph: Pick<GraphProto | FunctionProto, 'nodes'>): Generator<NodeProto> {
  for (const node of graph.nodes) {
    yield node;
    for (const attribute of node.attributes) {
      for (const inner of attributeGraphs(attribute)) yield* allNodes(inner);
    }
  }
}

/** A graph and all graphs within it. */
export function* allGraphs(graph: GraphProto): Generator<GraphProto> {
  yield graph;
  for (const node of graph.nodes) yield* nodeGraphs(node);
}

function* nodeGraphs(node: NodeProto): Generator<GraphProto> {
  for (const attribute of node.attributes) {
    for (const inner of attributeGraphs(attribute)) yield* allGraphs(inner);
  }
}

/** Every tensor of a model: initialisers and attributes, in sub-graphs and functions too. */
export function* allTensors(model: ModelProto): Generator<TensorProto> {
  if (model.graph !== undefined) yield* graphTensors(model.graph);
  for (const func of model.functions) {
    for (const attribute of func.attributeProtos) yield* attributeTensors(attribute);
    for (const node of func.nodes) yield* nodeTensors(node);
  }
}

function* graphTensors(graph: GraphProto): Generator<TensorProto> {
  yield* graph.initializers;
  for (const sparse of graph.sparseInitializers) yield* sparseTensors(sparse);
  for (const node of graph.nodes) yield* nodeTensors(node);
}

function* nodeTensors(node: NodeProto): Generator<TensorProto> {
  for (const attribute of node.attributes) yield* attributeTensors(attribute);
}

function* attributeTensors(attribute: AttributeProto): Generator<TensorProto> {
  if (attribute.t !== undefined) yield attribute.t;
  yield* attribute.tensors;
  if (attribute.sparseTensor !== undefined) yield* sparseTensors(attribute.sparseTensor);
  for (const sparse of attribute.sparseTensors) yield* sparseTensors(sparse);
  for (const graph of attributeGraphs(attribute)) yield* graphTensors(graph);
}

function* sparseTensors(sparse: SparseTensorProto): Generator<TensorProto> {
  if (sparse.values !== undefined) yield sparse.values;
  if (sparse.indices !== undefined) yield sparse.indices;
}
