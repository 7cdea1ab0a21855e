import { readFileSync } from 'node:fs';

export interface NpyArray {
  /** NumPy's type string, e.g. `<f4`. */
  descr: string;
  dims: number[];
  data: Float32Array | Uint16Array | BigInt64Array;
}

const arrays = { '<f4': Float32Array, '<f2': Uint16Array, '<i8': BigInt64Array } as const;

/** Reads a NumPy file of float32, float16 (as raw bits) or int64 in C order. */
export function readNpy(file: string): NpyArray {
  const bytes = readFileSync(file);
  const headerLength = bytes.readUInt16LE(8);
  const header = bytes.subarray(10, 10 + headerLength).toString('latin1');
  const descr = /'descr': '([^']+)'/.exec(header)![1]!;
  if (!(descr in arrays) || !header.includes("'fortran_order': False")) {
    throw new Error(`cannot read ${file}: ${header}`);
  }
  const dims = /'shape': \(([^)]*)\)/
    .exec(header)![1]!
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number);
  const body = new Uint8Array(bytes.subarray(10 + headerLength)).buffer;
  return { descr, dims, data: new arrays[descr as keyof typeof arrays](body) };
}
