import { attributeInt, capturedBy, findAttribute, makeNode, replaceInnerUses } from '../graph';
import type { GraphProto, NodeProto } from '../schema';
import { type ElementTypes, elementTypes } from '../types';
import { allGraphs } from '../walk';
import type { Regions } from './float-regions';
import { operatorOf, slotWish } from './operators';
import type { CheckedPrecision } from './precision-options';

type Kind = 'half' | 'float';

/** Constant tensors by the types that they are needed in. */
export type ConstantNeeds = Map<string, Set<Kind>>;

/**
 * Rewrites the nodes of a graph: each float32 value gets the type of the node that makes it, and a Cast stands
 * where a node wants the other type, one for all that want it. Constants are renamed here and converted by the
 * caller.
 */
export class HalfGraph {
  /** Types in which constants are needed. */
  readonly needs: ConstantNeeds = new Map();
  castsInserted = 0;
  private readonly stored = new Map<string, Kind>();
  private readonly names: Record<Kind, Map<string, string>> = { half: new Map(), float: new Map() };
  /** Outputs of the graph whose node makes the other type: what it makes is called so. */
  private readonly renamed = new Map<string, string>();
  private readonly taken = new Set<string | undefined>();
  private readonly producers = new Map<string, NodeProto>();
  private nodes: NodeProto[] = [];

  constructor(
    private readonly graph: GraphProto,
    private readonly types: ElementTypes,
    private readonly regions: Regions,
    private readonly options: CheckedPrecision,
    private readonly halfType: number,
  ) {
    for (const inner of allGraphs(graph)) {
      for (const { name } of [...inner.inputs, ...inner.initializers, ...inner.valueInfos]) {
        this.taken.add(name);
      }
      for (const node of inner.nodes) {
        this.taken.add(node.name);
        for (const value of [...node.inputs, ...node.outputs]) this.taken.add(value);
      }
    }
    for (const node of graph.nodes) {
      for (const output of node.outputs) this.producers.set(output, node);
    }
  }

  rewrite(): void {
    const { graph } = this;
    this.placeValues();
    this.countNeeds();
    for (const node of graph.nodes) {
      if (operatorOf(node) === 'Constant') this.nodes.push(node);
      else this.rewriteNode(node);
    }
    graph.nodes = this.nodes;
    for (const value of [...graph.inputs, ...graph.outputs, ...graph.valueInfos]) {
      const tensor = value.type?.tensor;
      if (tensor?.elementType !== elementTypes.float32) continue;
      if (this.stored.get(value.name ?? '') === 'half') tensor.elementType = this.halfType;
    }
  }

  /** The name under which a constant is known in half precision. */
  halfName(constant: string): string {
    const needs = this.needs.get(constant);
    return (needs?.has('float') && this.names.half.get(constant)) || constant;
  }

  private isFloat(value: string): boolean {
    return this.types.get(value) === elementTypes.float32;
  }

  private isHalfNode(node: NodeProto): boolean {
    return !this.regions.float.has(node);
  }

  private wish(node: NodeProto, slot: number): Kind | 'any' {
    const wish = slotWish(node, slot);
    return wish === 'half' && !this.isHalfNode(node) ? 'float' : wish;
  }

  /** Values that a node's sub-graphs take from outside; they stay in float32. */
  private captured(node: NodeProto): string[] {
    return [...capturedBy(node)].filter((value) => this.isFloat(value));
  }

  /** Fixes the type of each value under its own name. */
  private placeValues(): void {
    const { graph, options, regions } = this;
    const outputKind: Kind = options.keepIoFloat ? 'float' : 'half';
    for (const { name } of graph.inputs) {
      if (name && this.isFloat(name) && !regions.constants.has(name)) {
        this.stored.set(name, outputKind);
      }
    }
    for (const node of graph.nodes) {
      for (const output of node.outputs) {
        if (!this.isFloat(output) || regions.constants.has(output)) continue;
        this.stored.set(output, this.isHalfNode(node) ? 'half' : 'float');
      }
    }
    for (const sparse of graph.sparseInitializers) {
      if (sparse.values?.name) this.stored.set(sparse.values.name, 'float');
    }
    // Outputs keep their names: where the maker's type is the other one, its value is renamed.
    for (const { name } of graph.outputs) {
      if (!name || !this.isFloat(name) || !this.producers.has(name)) continue;
      const made = this.stored.get(name);
      if (made === undefined || made === outputKind) continue;
      const other = this.freshName(name, made);
      this.renamed.set(name, other);
      this.names[made].set(name, other);
      this.stored.set(name, outputKind);
    }
  }

  private countNeeds(): void {
    const { graph, options, regions } = this;
    const need = (value: string, kind: Kind): void => {
      if (!regions.constants.has(value) || !this.isFloat(value)) return;
      const kinds = this.needs.get(value) ?? new Set();
      this.needs.set(value, kinds.add(kind));
    };
    for (const node of graph.nodes) {
      node.inputs.forEach((input, slot) => {
        const wish = this.wish(node, slot);
        if (wish !== 'any') need(input, wish);
      });
      for (const value of this.captured(node)) need(value, 'float');
    }
    for (const { name } of graph.outputs) need(name ?? '', options.keepIoFloat ? 'float' : 'half');
    for (const [value, kinds] of this.needs) {
      if (!kinds.has('float')) this.stored.set(value, 'half');
      else {
        this.stored.set(value, 'float');
        if (kinds.has('half')) this.names.half.set(value, this.freshName(value, 'half'));
      }
    }
  }

  private rewriteNode(node: NodeProto): void {
    for (const value of this.captured(node)) {
      const name = this.named(value, 'float');
      if (name !== value) replaceInnerUses(node, value, name);
    }
    node.inputs = node.inputs.map((input, slot) => {
      if (input === '' || !this.isFloat(input)) return input;
      const wish = this.wish(node, slot);
      return wish === 'any' ? input : this.named(input, wish);
    });
    if (this.isHalfNode(node)) this.retype(node);
    const outputs = node.outputs;
    node.outputs = outputs.map((output) => this.renamed.get(output) ?? output);
    this.nodes.push(node);
    outputs.forEach((output, index) => {
      const made = node.outputs[index]!;
      if (made !== output) this.cast(made, output, this.stored.get(output)!);
    });
  }

  /** Attributes that name the type of the output. */
  private retype(node: NodeProto): void {
    const operator = operatorOf(node);
    const key = operator === 'Cast' ? 'to' : operator === 'DequantizeLinear' ? 'output_dtype' : '';
    if (key === '' || attributeInt(node, key, 0) !== elementTypes.float32) return;
    findAttribute(node, key)!.i = this.halfType;
  }

  /** The name of a value in a type; makes the cast at its first use. */
  private named(value: string, kind: Kind): string {
    const stored = this.stored.get(value) ?? 'float';
    if (stored === kind) return value;
    const known = this.names[kind].get(value);
    if (known !== undefined) return known;
    const source = kind === 'half' ? this.halfSource(value) : undefined;
    if (source !== undefined) {
      this.names[kind].set(value, source);
      return source;
    }
    const name = this.freshName(value, kind);
    this.names[kind].set(value, name);
    this.cast(value, name, kind);
    return name;
  }

  /** What a Cast to float32 was made from, if that has the wanted type already. */
  private halfSource(value: string): string | undefined {
    const producer = this.producers.get(value);
    if (producer === undefined || operatorOf(producer) !== 'Cast') return undefined;
    // The producer's input may be renamed by now; types are known by the old names only.
    const from = producer.inputs[0] ?? '';
    return this.types.get(from) === this.halfType ? from : undefined;
  }

  private cast(from: string, to: string, kind: Kind): void {
    const name = this.freshName(`${from}/Cast`, kind);
    const type = kind === 'half' ? this.halfType : elementTypes.float32;
    this.nodes.push(makeNode('Cast', [from], [to], { name, attributes: { to: { i: type } } }));
    this.castsInserted++;
  }

  private freshName(value: string, kind: Kind): string {
    const wish = `${value}_${kind === 'half' ? this.options.type : 'fp32'}`;
    let name = wish;
    for (let number = 1; this.taken.has(name); number++) name = `${wish}_${number}`;
    this.taken.add(name);
    return name;
  }
}
