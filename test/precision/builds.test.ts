import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine, EngineBuilder, setLogSink } from '../../src/index';
import { requireCompiledWorker } from '../helpers/build-process';
import { dataPath, describeWithData } from '../helpers/data';
import { testModels } from '../helpers/models';
import { hasRtx } from '../helpers/trt';

describe.skipIf(!hasRtx)('the test models, cast and built by real TensorRT-RTX', () => {
  describeWithData('in a table', () => {
    let folder = '';
    let builder: EngineBuilder;
    const rows: string[] = [];
    beforeAll(() => {
      requireCompiledWorker();
      folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-precision-'));
      builder = new EngineBuilder();
      setLogSink(() => {});
    });
    afterAll(async () => {
      await builder.dispose();
      rmSync(folder, { recursive: true, force: true });
      console.log(rows.join('\n'));
    });

    const cases = testModels.flatMap((model) =>
      (['fp16', 'bf16'] as const)
        // A detector and a graph with a ConvTranspose are enough for bfloat16.
        .filter((type) => type === 'fp16' || /^yolov8n(-seg)?\./.test(model.name))
        .map((type) => [model.name, type, model] as const),
    );
    it.each(cases)('%s as %s', { timeout: 120_000 }, async (name, type, model) => {
      const options = {
        flavor: 'rtx1',
        computeCapabilities: ['8.9'],
        optimizationLevel: 0,
        ...(model.shapes === undefined ? {} : { shapes: model.shapes }),
      } as const;
      const output = path.join(folder, `${name}-${type}.engine`);
      const source = dataPath('models', name);
      const build = builder.build(source, { ...options, output, precision: type });
      if (model.refusal !== undefined) {
        const error = await build.catch((reason) => reason);
        expect(error).toMatchObject({
          code: 'ERR_ENGINE_BUILD',
          message: expect.stringMatching(model.refusal),
        });
        rows.push(`${name} ${type}: refused: ${error.message.slice(0, 120)}`);
        return;
      }
      const facts = (await build).inspect();
      expect(facts.outputs!.map((one) => [one.name, one.shape])).toEqual(
        Object.entries(model.outputs),
      );
      // Inputs and outputs stay what they were.
      expect([...facts.inputs!, ...facts.outputs!].every((one) => one.dtype === model.dtype)).toBe(
        true,
      );
      expect(facts.options).toMatchObject({ precision: type });
      const [pass] = (await Engine.load(output)).inspect().graphPasses!;
      expect(pass).toMatchObject({ name: 'precision', options: { type, keepIoFloat: true } });
      expect(facts.metadata).toMatchObject(
        model.task === undefined ? { stride: 32 } : { task: model.task },
      );
      const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
      rows.push(`${name} ${type}: built, ${mib(facts.byteLength)} MiB`);
      if (name !== 'yolov8n.onnx' || type !== 'fp16') return;
      const before = (await builder.build(source, options)).inspect();
      expect(facts.onnxSha256).toBe(before.onnxSha256);
      // The weights are the larger part of this plan, and they are half as large.
      expect(facts.byteLength).toBeLessThan(0.8 * before.byteLength);
      rows.push(`${name} float32: built, ${mib(before.byteLength)} MiB`);
    });
  });
});
