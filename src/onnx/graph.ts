import { TensorRTNodeError } from '../errors';
import type { ModelSource } from '../session/model-input';
import { type DType, dtypeTable } from '../tensor/dtype';
import { checkStructure } from './check';
import { emptyMessage } from './codec';
import { type OnnxLimits, type OpenedModel, openOnnx } from './open';
import {
  type AttributeProto,
  attributeTypes,
  type DimensionProto,
  type GraphProto,
  type NodeProto,
  type Schema,
  schemas,
  type TensorProto,
  type TypeProto,
  type ValueInfoProto,
} from './schema';
import { allGraphs, attributeGraphs } from './walk';

/**
 * A model to be edited. `proto` holds it as plain objects: change them, then write the model with
 * `writeOnnxModel`. The data of large tensors stays in the source file until it is asked for, so the file
 * must stay as it is meanwhile; a model given as bytes refers to those bytes.
 */
export type OnnxModel = OpenedModel & { proto: { graph: GraphProto } };

/** Loads a model for editing. Throws ERR_INVALID_MODEL and ERR_IO as `readOnnxModel` does. */
export async function loadOnnxModel(
  model: ModelSource,
  limits?: Partial<OnnxLimits>,
): Promise<OnnxModel> {
  const opened = await openOnnx(model, limits);
  checkStructure(opened);
  return opened as OnnxModel;
}

function make<T extends object>(schema: Schema, fields: Partial<T>): T {
  return Object.assign(emptyMessage<T>(schema), fields);
}

/** What an attribute can be made of; a whole number becomes an INT only by `{ i: … }`. */
export type AttributeValue =
  | { i: number | bigint }
  | { f: number }
  | { s: string }
  | { t: TensorProto }
  | { g: GraphProto }
  | { ints: readonly (number | bigint)[] }
  | { floats: readonly number[] }
  | { strings: readonly string[] };

const valueTypes = {
  i: attributeTypes.INT,
  f: attributeTypes.FLOAT,
  s: attributeTypes.STRING,
  t: attributeTypes.TENSOR,
  g: attributeTypes.GRAPH,
  ints: attributeTypes.INTS,
  floats: attributeTypes.FLOATS,
  strings: attributeTypes.STRINGS,
} as const;

export function makeAttribute(name: string, value: AttributeValue): AttributeProto {
  const [key, content] = Object.entries(value)[0] as [keyof typeof valueTypes, unknown];
  const encoded =
    key === 's'
      ? Buffer.from(content as string)
      : key === 'strings'
        ? (content as string[]).map((text) => Buffer.from(text))
        : Array.isArray(content)
          ? [...content]
          : content;
  return make<AttributeProto>(schemas.attribute, { name, [key]: encoded, type: valueTypes[key] });
}

export function makeNode(
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  options: { name?: string; domain?: string; attributes?: Record<string, AttributeValue> } = {},
): NodeProto {
  return make<NodeProto>(schemas.node, {
    opType,
    inputs: [...inputs],
    outputs: [...outputs],
    name: options.name,
    domain: options.domain,
    attributes: Object.entries(options.attributes ?? {}).map(([name, value]) =>
      makeAttribute(name, value),
    ),
  });
}

/** Declares an input, output or inner value. In `dims` a text is a symbolic size, null an unknown one. */
export function makeValueInfo(
  name: string,
  dtype: DType,
  dims?: readonly (number | string | null)[],
): ValueInfoProto {
  const shape =
    dims === undefined
      ? undefined
      : {
          dims: dims.map((dim) =>
            make<DimensionProto>(schemas.dimension, {
              value: typeof dim === 'number' ? dim : undefined,
              param: typeof dim === 'string' ? dim : undefined,
            }),
          ),
        };
  return make<ValueInfoProto>(schemas.valueInfo, {
    name,
    type: make<TypeProto>(schemas.type, { tensor: { elementType: dtypeTable[dtype].onnx, shape } }),
  });
}

export function findAttribute(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attributes.find((attribute) => attribute.name === name);
}

/** The integers of an INTS attribute, the fallback if the node has none. */
export function attributeInts(node: NodeProto, name: string, fallback: number[]): number[] {
  return findAttribute(node, name)?.ints.map(Number) ?? fallback;
}

export function attributeInt(node: NodeProto, name: string, fallback: number): number {
  return Number(findAttribute(node, name)?.i ?? fallback);
}

export function attributeString(node: NodeProto, name: string, fallback: string): string {
  const bytes = findAttribute(node, name)?.s;
  return bytes === undefined ? fallback : Buffer.from(bytes).toString();
}

/** Version of the default operator set. Throws ERR_INVALID_MODEL where the model has none. */
export function opsetVersion(model: OnnxModel): number {
  const version = model.proto.opsetImports.find(
    ({ domain }) => !domain || domain === 'ai.onnx',
  )?.version;
  if (version === undefined) {
    throw new TensorRTNodeError(
      'ERR_INVALID_MODEL',
      `Expected a version of the default operator set for ${model.name} but received none`,
    );
  }
  return version;
}

/**
 * Who makes and who uses each value of one graph. Uses by sub-graphs count as uses by the node that holds
 * them. A picture of the moment: make it anew after edits.
 */
export class GraphIndex {
  readonly producers = new Map<string, NodeProto>();
  readonly consumers = new Map<string, NodeProto[]>();
  readonly initializers = new Map<string, TensorProto>();

  constructor(readonly graph: GraphProto) {
    for (const tensor of graph.initializers) {
      if (tensor.name !== undefined) this.initializers.set(tensor.name, tensor);
    }
    for (const node of graph.nodes) {
      for (const output of node.outputs) if (output !== '') this.producers.set(output, node);
      for (const value of usesOf(node)) {
        const list = this.consumers.get(value);
        if (list === undefined) this.consumers.set(value, [node]);
        else list.push(node);
      }
    }
  }

  /** True if nothing but `node` uses the value, and it is no output of the graph. */
  isOnlyUse(value: string, node: NodeProto): boolean {
    const users = this.consumers.get(value) ?? [];
    return (
      users.every((user) => user === node) &&
      !this.graph.outputs.some((output) => output.name === value)
    );
  }
}

/** Names of the values that a node uses: its inputs, and what its sub-graphs take from outside. */
export function usesOf(node: NodeProto): Set<string> {
  const uses = capturedBy(node);
  for (const input of node.inputs) if (input !== '') uses.add(input);
  return uses;
}

/** Names of the values that the sub-graphs of a node take from outside. */
export function capturedBy(node: NodeProto): Set<string> {
  const uses = new Set<string>();
  for (const attribute of node.attributes) {
    for (const graph of attributeGraphs(attribute)) {
      for (const value of outerUses(graph)) uses.add(value);
    }
  }
  return uses;
}

function outerUses(graph: GraphProto): Set<string> {
  const inner = new Set<string | undefined>([
    ...graph.inputs.map(({ name }) => name),
    ...graph.initializers.map(({ name }) => name),
    ...graph.nodes.flatMap(({ outputs }) => outputs),
  ]);
  const uses = new Set<string>();
  for (const node of graph.nodes) {
    for (const value of usesOf(node)) if (!inner.has(value)) uses.add(value);
  }
  // A branch may hand an outer value straight out.
  for (const { name } of graph.outputs) if (name && !inner.has(name)) uses.add(name);
  return uses;
}

/**
 * Makes every use of a value, in sub-graphs too, a use of another one. Outputs of the graph keep their
 * names. Sub-graphs that define the name anew are left alone.
 */
export function replaceUses(graph: GraphProto, from: string, to: string): void {
  for (const node of graph.nodes) {
    node.inputs = node.inputs.map((input) => (input === from ? to : input));
    replaceInnerUses(node, from, to);
  }
}

/** Makes every use of an outer value by the sub-graphs of one node a use of another value. */
export function replaceInnerUses(node: NodeProto, from: string, to: string): void {
  for (const attribute of node.attributes) {
    for (const inner of attributeGraphs(attribute)) {
      if (!outerUses(inner).has(from)) continue;
      for (const output of inner.outputs) {
        if (output.name === from) output.name = to;
      }
      replaceUses(inner, from, to);
    }
  }
}

/**
 * Removes nodes whose outputs nobody uses, then initialisers and value infos of values that are gone.
 * Returns the number of nodes removed. Sub-graphs are not searched.
 */
export function removeDeadNodes(graph: GraphProto): number {
  const producers = new Map<string, NodeProto>();
  for (const node of graph.nodes) for (const output of node.outputs) producers.set(output, node);
  const live = new Set<NodeProto>();
  const used = new Set<string>();
  const pending = graph.outputs.map(({ name }) => name ?? '');
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    if (used.has(value)) continue;
    used.add(value);
    const node = producers.get(value);
    if (node === undefined || live.has(node)) continue;
    live.add(node);
    // One by one: a node may have more inputs than a call may have arguments.
    for (const use of usesOf(node)) pending.push(use);
  }
  const before = graph.nodes.length;
  graph.nodes = graph.nodes.filter((node) => live.has(node));
  const made = new Set([...live].flatMap(({ outputs }) => outputs));
  graph.initializers = graph.initializers.filter(({ name }) => used.has(name ?? ''));
  graph.sparseInitializers = graph.sparseInitializers.filter(({ values }) =>
    used.has(values?.name ?? ''),
  );
  graph.valueInfos = graph.valueInfos.filter(
    ({ name }) => made.has(name ?? '') || used.has(name ?? ''),
  );
  return before - graph.nodes.length;
}

/**
 * Puts the nodes of a graph in the order of their data, which the standard demands and some converters do not
 * keep; nodes that are in order stay where they are. Sub-graphs are not searched. Returns the node that cannot
 * be placed, since it uses a value that is never made or made of its own output, or undefined.
 */
export function sortNodes(graph: GraphProto): NodeProto | undefined {
  const made = new Set<string | undefined>([
    ...graph.inputs.map(({ name }) => name),
    ...graph.initializers.map(({ name }) => name),
    ...graph.sparseInitializers.map(({ values }) => values?.name),
  ]);
  const sorted: NodeProto[] = [];
  /** Nodes by each value that they wait for. */
  const waiting = new Map<string, { node: NodeProto; missing: number }[]>();
  const place = (first: NodeProto): void => {
    const ready = [first];
    for (let node = ready.pop(); node !== undefined; node = ready.pop()) {
      sorted.push(node);
      for (const output of node.outputs) {
        made.add(output);
        const users = waiting.get(output) ?? [];
        waiting.delete(output);
        for (const user of users.reverse()) if (--user.missing === 0) ready.push(user.node);
      }
    }
  };
  for (const node of graph.nodes) {
    const entry = { node, missing: 0 };
    for (const value of usesOf(node)) {
      if (made.has(value)) continue;
      entry.missing++;
      const others = waiting.get(value);
      if (others) others.push(entry);
      else waiting.set(value, [entry]);
    }
    if (entry.missing === 0) place(node);
  }
  for (const [stuck] of waiting.values()) return stuck?.node;
  graph.nodes = sorted;
  return undefined;
}

/** A name that no value and no node of the graph or of a graph within it has yet. */
export function uniqueName(graph: GraphProto, wish: string): string {
  const taken = new Set<string | undefined>();
  for (const { nodes, inputs, initializers } of allGraphs(graph)) {
    for (const { name } of [...inputs, ...initializers]) taken.add(name);
    for (const node of nodes) {
      taken.add(node.name);
      for (const value of [...node.inputs, ...node.outputs]) taken.add(value);
    }
  }
  if (!taken.has(wish)) return wish;
  for (let number = 1; ; number++) {
    if (!taken.has(`${wish}_${number}`)) return `${wish}_${number}`;
  }
}
