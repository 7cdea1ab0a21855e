import { onnxModel, type TestNode } from './onnx-writer';

/** A chain of matrix products `[size, size]` from `x` to `y`: many operators, each of them slow. */
export function slowModel(products: number, size: number): Uint8Array {
  const nodes = Array.from(
    { length: products },
    (_, i): TestNode => ({
      op: 'MatMul',
      inputs: [i === 0 ? 'x' : `t${i}`, 'w'],
      outputs: [i === products - 1 ? 'y' : `t${i + 1}`],
      name: `product${i}`,
    }),
  );
  const dims = [size, size];
  const data = new Float32Array(size * size).fill(1 / size);
  return onnxModel({
    nodes,
    initializers: [{ name: 'w', dtype: 'float32', dims, data }],
    inputs: [{ name: 'x', dtype: 'float32', dims }],
    outputs: [{ name: 'y', dtype: 'float32', dims }],
  });
}
