import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine, EngineBuilder, setLogSink } from '../../src/index';
import { requireCompiledWorker } from '../helpers/build-process';
import { dataPath, describeWithData } from '../helpers/data';
import { testModels } from '../helpers/models';
import { hasRtx } from '../helpers/trt';

describe.skipIf(!hasRtx)('the test models with real TensorRT-RTX', () => {
  describeWithData('as they are', () => {
    let folder = '';
    let builder: EngineBuilder;
    const counts = { built: 0, refused: 0 };
    beforeAll(() => {
      requireCompiledWorker();
      folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-models-'));
      builder = new EngineBuilder();
      // Refused models are told by their errors here.
      setLogSink(() => {});
    });
    afterAll(async () => {
      await builder.dispose();
      rmSync(folder, { recursive: true, force: true });
      console.log(`${counts.built} models built, ${counts.refused} refused with TensorRT's reason`);
    });

    it('are all in the table', () => {
      const files = readdirSync(dataPath('models')).filter((name) => name.endsWith('.onnx'));
      expect(testModels.map(({ name }) => name).sort()).toEqual(files.sort());
    });

    it.each(testModels.map((model) => [model.name, model] as const))(
      '%s',
      { timeout: 120_000 },
      async (name, { shapes, dtype, outputs, task, refusal }) => {
        const output = path.join(folder, `${name}.engine`);
        const build = builder.build(dataPath('models', name), {
          flavor: 'rtx1',
          computeCapabilities: ['8.9'],
          output,
          ...(shapes === undefined ? {} : { shapes }),
        });
        if (refusal !== undefined) {
          await expect(build).rejects.toMatchObject({
            code: 'ERR_ENGINE_BUILD',
            message: expect.stringMatching(refusal),
          });
          counts.refused++;
          return;
        }
        const facts = (await build).inspect();
        expect(facts.inputs).toMatchObject([{ name: 'images', dtype }]);
        const found = facts.outputs!.map((one) => [one.name, one.shape] as const);
        expect(Object.fromEntries(found)).toEqual(outputs);
        expect(facts.outputs!.every((one) => one.dtype === dtype)).toBe(true);
        expect(facts.byteLength).toBeGreaterThan(1_000_000);
        expect(facts.metadata).toMatchObject(task === undefined ? { stride: 32 } : { task });
        expect(Object.keys(facts.metadata.names as object).length).toBeGreaterThan(0);
        expect((await Engine.load(output)).inspect().planSha256).toBe(facts.planSha256);
        rmSync(output);
        counts.built++;
      },
    );
  });
});
