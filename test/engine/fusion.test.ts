import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  EngineBuilder,
  type EngineBuildOptions,
  setLogSink,
  type TensorRTNodeError,
} from '../../src/index';
import { requireCompiledWorker } from '../helpers/build-process';
import { dataPath, describeWithData, projectRoot } from '../helpers/data';
import { testModels } from '../helpers/models';
import { tinyYolo } from '../helpers/tiny-yolo';
import { describeWithRtx } from '../helpers/trt';

let folder = '';
let builder: EngineBuilder;
beforeAll(() => {
  requireCompiledWorker();
  folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-fusion-'));
  builder = new EngineBuilder();
  // Refused models are told by their errors here.
  setLogSink(() => {});
});
afterAll(async () => {
  await builder.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const target = { flavor: 'rtx1', computeCapabilities: ['8.9'], cache: false } as const;
const fusion = { imageInput: true, topK: true } as const;
/** The free sizes of the test models with channels last. */
const pictures = {
  images: { min: [1, 320, 320, 3], opt: [1, 640, 640, 3], max: [4, 640, 640, 3] },
};
/** Why a model's head is none that can be decoded. */
const reasons: Record<string, RegExp> = {
  'yolov8p-cls.onnx': /\(task classify\)$/,
  'yolov8p-nms.onnx': /\(it selects its detections itself\)$/,
  'yolov8p-obb.onnx': /\(task obb\)$/,
  'yolov8p-pose.onnx': /\(task pose\)$/,
};

describeWithRtx('fusion with real TensorRT-RTX', () => {
  describeWithData('of the test models', () => {
    const table: string[] = [];
    afterAll(() =>
      console.log(['model: image input and top-K head, then fp16 besides', ...table].join('\n')),
    );

    const outcome = async (name: string, options: EngineBuildOptions) => {
      try {
        const engine = await builder.build(dataPath('models', name), { ...target, ...options });
        const facts = engine.inspect();
        await engine.dispose();
        return { facts, text: `built, ${(facts.byteLength / 2 ** 20).toFixed(1)} MiB` };
      } catch (thrown) {
        const error = thrown as TensorRTNodeError;
        return { error, text: `${error.code}: ${error.message}` };
      }
    };

    it.each(testModels.map((model) => [model.name, model] as const))(
      '%s',
      { timeout: 120_000 },
      async (name, { shapes, outputs }) => {
        const options = { ...fusion, ...(shapes ? { shapes: pictures } : {}) };
        const plain = await outcome(name, options);
        const both = [plain];
        // The others are in half precision already.
        if (!name.includes('fp16'))
          both.push(await outcome(name, { ...options, precision: 'fp16' }));
        table.push(`  ${name}: ${[...new Set(both.map(({ text }) => text))].join('; ')}`);
        const reason = reasons[name];
        if (reason !== undefined) {
          for (const { error } of both) {
            expect(error).toMatchObject({
              code: 'ERR_UNSUPPORTED_MODEL',
              message: expect.stringMatching(reason),
            });
          }
          return;
        }
        const batch = shapes ? -1 : 1;
        const size = shapes ? [-1, -1] : [640, 640];
        for (const { facts, text } of both) {
          expect(facts, text).toMatchObject({
            inputs: [{ name: 'images', dtype: 'uint8', shape: [batch, ...size, 3] }],
            options: { imageInput: {}, topK: true },
          });
          const found = Object.fromEntries(facts!.outputs!.map((one) => [one.name, one]));
          expect(found).toMatchObject({
            boxes: { dtype: 'float32', shape: [batch, 1000, 4] },
            scores: { dtype: 'float32', shape: [batch, 1000] },
            labels: { dtype: 'int32', shape: [batch, 1000] },
          });
          const masks = found.mask_coefficients?.shape;
          expect(masks).toEqual(outputs.output1 ? [batch, 1000, 32] : undefined);
        }
      },
    );

    it('heads that cannot be decoded take the image input alone', {
      timeout: 120_000,
    }, async () => {
      for (const name of ['yolov8p-cls.onnx', 'yolov8p-obb.onnx', 'yolov8p-pose.onnx']) {
        const { facts, text } = await outcome(name, { imageInput: true, simplify: true });
        expect(facts, text).toMatchObject({ inputs: [{ dtype: 'uint8' }] });
      }
    });

    it('a free batch at one size, and the largest K that TensorRT takes', async () => {
      const shapes = {
        images: { min: [1, 640, 640, 3], opt: [2, 640, 640, 3], max: [8, 640, 640, 3] },
      };
      const { facts, text } = await outcome('yolov8p-dyn.onnx', { ...fusion, topK: 3840, shapes });
      expect(facts, text).toMatchObject({
        profiles: [[{ max: [8, 640, 640, 3] }]],
      });
    });

    it.each(['fp16', 'bf16'] as const)('networks that are %s at both ends', async (type) => {
      const precision = { type, keepIoFloat: false };
      const shapes = { images: [2, 640, 640, 3] };
      const { facts, text } = await outcome('yolov8p-dyn.onnx', { ...fusion, precision, shapes });
      expect(facts, text).toMatchObject({
        inputs: [{ dtype: 'uint8' }],
        options: { precision: type, imageInput: {}, topK: true },
      });
      expect(facts!.outputs!.map(({ dtype }) => dtype)).toEqual(['float32', 'float32', 'int32']);
    });

    it('normalisation by mean and deviation, channels swapped', async () => {
      const imageInput = {
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
        channelOrder: 'bgr',
      } as const;
      const { facts, text } = await outcome('yolov8p-cls.onnx', { imageInput });
      expect(facts, text).toMatchObject({ options: { imageInput } });
    });
  });

  it('build and convert take it by flags', () => {
    const model = path.join(folder, 'tiny.onnx');
    writeFileSync(model, tinyYolo());
    const cli = (...args: string[]) =>
      execFileSync(process.execPath, [path.join(projectRoot, 'lib', 'cli', 'main.js'), ...args], {
        encoding: 'utf8',
        cwd: folder,
      });
    const flags = [
      '--image-input',
      '--image-mean',
      '0.5',
      '--image-std',
      '0.5,0.25,0.125',
      '--channel-order',
      'bgr',
      '--top-k',
      '9',
      '--simplify',
    ];
    const built = JSON.parse(
      cli(
        'build',
        model,
        '-o',
        'tiny.engine',
        '--flavor',
        'rtx1',
        '--compute-capability',
        '8.9',
        '--json',
        ...flags,
      ),
    );
    expect(built).toMatchObject({
      inputs: [{ dtype: 'uint8', shape: [1, 32, 32, 3] }],
      options: {
        simplify: true,
        imageInput: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.25, 0.125], channelOrder: 'bgr' },
        topK: 9,
      },
    });
    expect(cli('convert', model, '-o', 'fused.onnx', ...flags)).toMatch(
      /fused\.onnx: \d+ nodes, 2 before\n {2}image-input: Input "images" takes uint8 RGB \[1, 32, 32, 3\]\n {2}top-k: The 9 best anchors are decoded in the graph: outputs boxes, scores, labels\n$/,
    );
  });
});

it.each([
  [['--image-mean', '0'], 'Expected the flag with --image-mean for --image-input'],
  [['--image-input', '--image-scale', 'x'], 'Expected a number for --image-scale'],
  [
    ['--image-input', '--image-std', '1,2'],
    'Expected a number or three numbers for options.imageInput.std',
  ],
  [['--top-k', '4000'], 'Expected an integer from 1 to 3840 for options.topK'],
])('convert refuses %j', (flags, message) => {
  const model = path.join(folder, 'wrong.onnx');
  writeFileSync(model, tinyYolo());
  const { status, stderr } = spawnSync(
    process.execPath,
    [path.join(projectRoot, 'lib', 'cli', 'main.js'), 'convert', model, '-o', 'out.onnx', ...flags],
    { encoding: 'utf8', cwd: folder },
  );
  expect(status).toBe(2);
  expect(stderr).toContain(message);
});
