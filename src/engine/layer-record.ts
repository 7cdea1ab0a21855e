import { isObject } from './engine-facts';
import { parseLayerLog } from './layer-log';
import { asShape, type EngineLayers } from './layers';

/** Far above any real engine; more would make plan files hard to read for nothing. */
const maxRecordedBytes = 4 * 2 ** 20;

/** What goes into a plan file's metadata: undefined where the library told nothing or far too much. */
export function recordedLayers(text: string | undefined): EngineLayers | undefined {
  if (text === undefined || text.length > 8 * maxRecordedBytes) return undefined;
  try {
    const parsed = parseLayerLog(text);
    if (parsed.detail === 'none') return undefined;
    return JSON.stringify(parsed).length > maxRecordedBytes ? undefined : parsed;
  } catch {
    // Names of a hostile model can nest without end: no reason to lose the engine that was just built.
    return undefined;
  }
}

const isAbsentOr = (value: unknown, type: 'string' | 'number' | 'boolean'): boolean =>
  value === undefined || typeof value === type;
const isShape = (value: unknown): boolean => value === undefined || asShape(value) !== undefined;

function isTensor(value: unknown): boolean {
  return (
    isObject(value) &&
    typeof value.name === 'string' &&
    isAbsentOr(value.dtype, 'string') &&
    isAbsentOr(value.format, 'string') &&
    isShape(value.shape)
  );
}

function isLayer(value: unknown): boolean {
  if (!isObject(value) || typeof value.name !== 'string') return false;
  const lists = [value.inputs, value.outputs, value.constants];
  return (
    ['type', 'precision', 'tactic'].every((key) => isAbsentOr(value[key], 'string')) &&
    isAbsentOr(value.stream, 'number') &&
    lists.every((list) => Array.isArray(list) && list.every(isTensor)) &&
    Array.isArray(value.onnxNodes) &&
    value.onnxNodes.every((name) => typeof name === 'string')
  );
}

function isIO(value: unknown): boolean {
  return (
    isTensor(value) &&
    isObject(value) &&
    (value.mode === undefined || value.mode === 'input' || value.mode === 'output') &&
    isAbsentOr(value.location, 'string') &&
    isAbsentOr(value.isShapeTensor, 'boolean') &&
    Array.isArray(value.profiles) &&
    value.profiles.every(
      (profile) =>
        isObject(profile) &&
        [profile.min, profile.opt, profile.max].every(isShape) &&
        isAbsentOr(profile.format, 'string'),
    )
  );
}

/** Layers from a file's metadata, which anybody may have written: undefined unless they have the shape. */
export function checkRecordedLayers(value: unknown): EngineLayers | undefined {
  if (!isObject(value)) return undefined;
  const isSound =
    ['names', 'tensors', 'detailed'].includes(String(value.detail)) &&
    Array.isArray(value.layers) &&
    value.layers.every(isLayer) &&
    Array.isArray(value.io) &&
    value.io.every(isIO);
  return isSound ? (value as unknown as EngineLayers) : undefined;
}
