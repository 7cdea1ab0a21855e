import type { OnnxModelInfo } from '../onnx/model';
import { type PythonLiteral, parsePythonLiteral } from '../onnx/python-literal';

/** Keys whose text in an ONNX file is a Python literal; in an engine file Ultralytics has them as JSON values. */
const literalKeys = new Set([
  'stride',
  'batch',
  'imgsz',
  'names',
  'args',
  'channels',
  'end2end',
  'dynamic',
  'kpt_shape',
  'kpt_names',
]);

/**
 * An ONNX file's metadata in the form that an engine file holds it. Never throws: a file without any, or one
 * that cannot be read, gives an empty object (the parser will say why).
 */
export async function readModelMetadata(
  model: Promise<OnnxModelInfo>,
): Promise<Record<string, unknown>> {
  let metadata: Record<string, string>;
  try {
    metadata = (await model).metadata;
  } catch {
    return {};
  }
  return Object.fromEntries(
    Object.entries(metadata).map(([key, text]) => [
      key,
      literalKeys.has(key) ? literalOf(text) : text,
    ]),
  );
}

/** The value that a text spells as JSON can hold it; the text itself where it spells none. */
function literalOf(text: string): unknown {
  try {
    return toJson(parsePythonLiteral(text));
  } catch {
    return text;
  }
}

function toJson(value: PythonLiteral): unknown {
  if (Array.isArray(value)) return value.map(toJson);
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, item]) => [key, toJson(item)]));
  }
  return value;
}
