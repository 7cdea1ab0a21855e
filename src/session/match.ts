import { TensorRTNodeError } from '../errors';
import { Tensor } from '../tensor/tensor';
import { invalidArgument } from '../validate';
import type { BackendRun, TensorInfo } from './backend';

/** Fetched outputs in order, each with the tensor that receives it, or null for a new one. */
export type Targets = Map<string, Tensor | null>;

/**
 * The feeds in the order of the model's inputs.
 * @throws ERR_INVALID_ARGUMENT for a missing or unknown name, ERR_SHAPE_MISMATCH for dtype and dims
 */
export function matchFeeds(inputs: readonly TensorInfo[], feeds: unknown): BackendRun['feeds'] {
  if (typeof feeds !== 'object' || feeds === null || Array.isArray(feeds)) {
    throw invalidArgument('feeds', 'an object of tensors by input name', feeds);
  }
  const given = feeds as Record<string, unknown>;
  for (const name of Object.keys(given)) requireKnown('feed', name, inputs);
  return inputs.map((info) => {
    const value = Object.hasOwn(given, info.name) ? given[info.name] : undefined;
    if (value === undefined) {
      throw new TensorRTNodeError(
        'ERR_INVALID_ARGUMENT',
        `Expected a tensor for input "${info.name}" but received none`,
      );
    }
    const tensor = Tensor.of(`feeds["${info.name}"]`, value);
    requireFit(`input "${info.name}"`, info, tensor);
    return { name: info.name, tensor };
  });
}

/** @throws ERR_INVALID_ARGUMENT for an unknown name or a target that is no tensor */
export function matchFetches(outputs: readonly TensorInfo[], fetches: unknown): Targets {
  if (fetches === undefined) return new Map(outputs.map(({ name }) => [name, null]));
  const entries: [string, unknown][] = Array.isArray(fetches)
    ? fetches.map((name) => [name, null])
    : Object.entries(fetches as object);
  if (entries.length === 0) throw invalidArgument('fetches', 'at least one output', fetches);
  const targets: Targets = new Map();
  for (const [name, target] of entries) {
    const info = requireKnown('fetch', name, outputs);
    if (target !== null && !(target instanceof Tensor)) {
      throw invalidArgument(`fetches["${name}"]`, 'a Tensor or null', target);
    }
    if (target !== null) requireFit(`output "${name}"`, info, target);
    targets.set(name, target);
  }
  return targets;
}

/** The results by name; those with a target are copied into its array. */
export function storeInto(targets: Targets, results: readonly Tensor[]): Record<string, Tensor> {
  const entries = [...targets].map(([name, target], index): [string, Tensor] => {
    const result = results[index]!;
    return [name, target === null ? result : copyInto(name, target, result)];
  });
  return Object.fromEntries(entries);
}

function copyInto(name: string, target: Tensor, result: Tensor): Tensor {
  if (target.dtype !== result.dtype || String(target.dims) !== String(result.dims)) {
    throw mismatch(`output "${name}"`, describeTensor(result), describeTensor(target));
  }
  const to = target.data;
  if (!Array.isArray(to)) (to as Uint8Array).set(result.data as Uint8Array);
  else for (const [i, text] of (result.data as string[]).entries()) to[i] = text;
  return target;
}

function requireKnown(role: string, name: unknown, known: readonly TensorInfo[]): TensorInfo {
  const info = known.find((candidate) => candidate.name === name);
  if (info !== undefined) return info;
  const names = known.map((candidate) => `"${candidate.name}"`).join(', ');
  throw invalidArgument(`the name of a ${role}`, `one of ${names}`, name);
}

/** An empty list of dims stands for a scalar and for an unknown rank alike, so the backend judges it. */
function requireFit(label: string, info: TensorInfo, tensor: Tensor): void {
  const { dims } = info;
  const fits =
    dims.length === 0 ||
    (dims.length === tensor.dims.length &&
      dims.every((dim, i) => typeof dim === 'string' || dim === tensor.dims[i]));
  if (!fits || info.dtype !== tensor.dtype) {
    throw mismatch(label, `${info.dtype} [${dims.join(', ')}]`, describeTensor(tensor));
  }
}

function describeTensor(tensor: Tensor): string {
  return `${tensor.dtype} [${tensor.dims.join(', ')}]`;
}

function mismatch(label: string, expected: string, received: string): TensorRTNodeError {
  return new TensorRTNodeError(
    'ERR_SHAPE_MISMATCH',
    `Expected ${expected} for ${label} but received ${received}`,
  );
}
