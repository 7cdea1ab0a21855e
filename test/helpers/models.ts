import type { EngineBuildOptions } from '../../src/index';

export interface TestModel {
  /** File in the `models` folder of the shared test data. */
  name: string;
  /** What its dynamic inputs need to be built. */
  shapes?: NonNullable<EngineBuildOptions['shapes']>;
  dtype: 'float32' | 'float16';
  /** Numbers of a batch-1 output at 640 x 640 (224 x 224 for the classifier), free sizes as -1. */
  outputs: Readonly<Record<string, readonly number[]>>;
  /** As its metadata say. */
  task?: 'detect' | 'segment' | 'pose' | 'obb' | 'classify';
  /** Why TensorRT-RTX does not build the graph as it is. */
  refusal?: RegExp;
}

const freeSize = {
  images: { min: [1, 3, 320, 320], opt: [1, 3, 640, 640], max: [4, 3, 640, 640] },
};

/** Every model of the shared test data. */
export const testModels: readonly TestModel[] = [
  {
    name: 'FastSAM-s-random-fp16io.onnx',
    dtype: 'float16',
    outputs: { output0: [1, 37, 8400], output1: [1, 32, 160, 160] },
    task: 'segment',
  },
  {
    name: 'yolo11p-nc80.onnx',
    dtype: 'float32',
    outputs: { output0: [1, 84, 8400] },
    task: 'detect',
  },
  {
    name: 'yolov5p-anchor.onnx',
    dtype: 'float32',
    outputs: { output0: [1, 25200, 10] },
  },
  {
    name: 'yolov5pu.onnx',
    dtype: 'float32',
    outputs: { output0: [1, 9, 8400] },
    task: 'detect',
  },
  {
    name: 'yolov8n-seg.onnx',
    dtype: 'float32',
    outputs: { output0: [1, 41, 8400], output1: [1, 32, 160, 160] },
    task: 'segment',
  },
  {
    name: 'yolov8n.onnx',
    dtype: 'float32',
    outputs: { output0: [1, 9, 8400] },
    task: 'detect',
  },
  {
    name: 'yolov8p-cls.onnx',
    dtype: 'float32',
    outputs: { output0: [1, 10] },
    task: 'classify',
  },
  {
    name: 'yolov8p-dyn.onnx',
    dtype: 'float32',
    shapes: freeSize,
    outputs: { output0: [-1, 9, -1] },
    task: 'detect',
  },
  {
    name: 'yolov8p-fp16.onnx',
    dtype: 'float32',
    outputs: { output0: [1, 9, 8400] },
    task: 'detect',
  },
  {
    name: 'yolov8p-fp16io.onnx',
    dtype: 'float16',
    outputs: { output0: [1, 9, 8400] },
    task: 'detect',
  },
  {
    name: 'yolov8p-nms.onnx',
    dtype: 'float32',
    outputs: { output0: [1, 300, 6] },
    task: 'detect',
    refusal: /node \d+ "\/NonZero" \(NonZero\): .+UNSUPPORTED_NODE/,
  },
  {
    name: 'yolov8p-obb.onnx',
    dtype: 'float32',
    outputs: { output0: [1, 10, 8400] },
    task: 'obb',
  },
  {
    name: 'yolov8p-pose.onnx',
    dtype: 'float32',
    outputs: { output0: [1, 56, 8400] },
    task: 'pose',
  },
  {
    name: 'yolov8p-seg-dyn.onnx',
    dtype: 'float32',
    shapes: freeSize,
    outputs: { output0: [-1, 41, -1], output1: [-1, 32, -1, -1] },
    task: 'segment',
  },
];
