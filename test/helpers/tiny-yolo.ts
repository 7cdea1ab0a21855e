import { onnxModel } from './onnx-writer';

/**
 * A detector of a few hundred bytes in YOLOv8's layout: one convolution over 32 x 32 pixels gives 16 anchors
 * of two classes. Its boxes mean nothing; it is for tests of everything around it.
 */
export function tinyYolo(options: { batch?: number | string } = {}): Uint8Array {
  const { batch = 1 } = options;
  const weights = Float32Array.from({ length: 6 * 3 * 8 * 8 }, (_, i) => ((i * 37) % 101) / 5000);
  return onnxModel({
    nodes: [
      {
        op: 'Conv',
        inputs: ['images', 'w', 'b'],
        outputs: ['map'],
        attributes: { kernel_shape: { ints: [8, 8] }, strides: { ints: [8, 8] } },
      },
      { op: 'Reshape', inputs: ['map', 'shape'], outputs: ['output0'] },
    ],
    initializers: [
      { name: 'w', dtype: 'float32', dims: [6, 3, 8, 8], data: weights },
      { name: 'b', dtype: 'float32', dims: [6], data: [9, 9, 6, 6, 0.1, 0.2] },
      { name: 'shape', dtype: 'int64', dims: [3], data: [0n, 6n, 16n] },
    ],
    inputs: [{ name: 'images', dtype: 'float32', dims: [batch, 3, 32, 32] }],
    outputs: [{ name: 'output0', dtype: 'float32', dims: [batch, 6, 16] }],
    metadata: { names: "{0: 'a', 1: 'b'}", task: 'detect', stride: '8', imgsz: '[32, 32]' },
  });
}
