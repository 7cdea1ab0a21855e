/** Beginnings of files that people give in place of an ONNX model: offset, bytes, what the file is. */
const signatures: readonly (readonly [number, string, string])[] = [
  [0, 'PK\x03\x04', 'a ZIP archive, such as a PyTorch checkpoint (export it to ONNX first)'],
  [0, '\x1f\x8b', 'a gzip archive'],
  [0, 'ftrt', 'a TensorRT plan'],
  [0, 'ptrt', 'a TensorRT plan'],
  [0, 'GGUF', 'a GGUF model'],
  [0, '\x89HDF', 'an HDF5 file, such as a Keras model'],
  [4, 'ORTM', 'a model in the format of ONNX Runtime (.ort)'],
  [4, 'TFL3', 'a TensorFlow Lite model'],
  [0, '\x7fELF', 'a program or library'],
  [0, '\x89PNG', 'a PNG picture'],
  [0, '\xff\xd8\xff', 'a JPEG picture'],
  [0, '%PDF', 'a PDF document'],
  [0, 'version https://git-lfs', 'a Git LFS pointer and not the file itself (run: git lfs pull)'],
  [4, '{"', 'an engine file with metadata, as Ultralytics writes it'],
  [8, '{"', 'a safetensors file'],
];

/** What a file that is no ONNX model seems to be, from its first bytes; undefined where nothing is known. */
export function sniff(head: Uint8Array, size: number): string | undefined {
  if (size === 0) return 'an empty file';
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, 512)).toString(
    'latin1',
  );
  for (const [offset, signature, meaning] of signatures) {
    if (text.startsWith(signature, offset)) return meaning;
  }
  // Printable ASCII, and beyond it anything: but mostly ASCII, since noise is not.
  const printable = text.replace(/[^\t\n\r\x20-\x7e]/g, '').length;
  if (/[^\t\n\r\x20-\x7e\x80-\xff]/.test(text) || printable < 0.7 * text.length) return undefined;
  if (/^\s*</.test(text)) return 'an HTML or XML page';
  if (/^\s*[{[]/.test(text)) return 'a JSON text';
  if (/^\s*(ir_version\s*:|<\s*ir_version)/.test(text)) {
    return 'an ONNX model as text (convert it to the binary form)';
  }
  return 'a text file';
}
