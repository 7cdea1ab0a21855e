import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine, Tensor } from '../../src/index';
import { requireCompiledWorker } from '../helpers/build-process';
import { convModel } from '../helpers/onnx-writer';
import { deviceHere } from './device';

// Nothing in this file has run on a device yet: what it expects is NVIDIA's documentation.

let folder = '';
beforeAll(() => {
  requireCompiledWorker();
  folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-gpu-'));
  writeFileSync(path.join(folder, 'model.onnx'), convModel({ channels: 32, size: 32 }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('engines on a device', async () => {
  const { hasDevice, flavors } = await deviceHere();

  describe.skipIf(!hasDevice).each(flavors)('%s', (flavor) => {
    const file = (name: string) => path.join(folder, `${flavor}-${name}`);
    const build = (name: string, options: object) =>
      Engine.build(path.join(folder, 'model.onnx'), {
        flavor,
        output: file(name),
        ...options,
      });

    it('are inspected: tensors, memory, layers', async () => {
      const engine = await build('plain.engine', { profilingVerbosity: 'detailed' });
      const details = await engine.inspectOnDevice();
      expect(details.tensors.map(({ name, mode, dtype }) => [name, mode, dtype])).toEqual([
        ['x', 'input', 'float32'],
        ['y', 'output', 'float32'],
      ]);
      expect(details).toMatchObject({
        profiles: 1,
        isRefittable: false,
        layers: { detail: 'detailed' },
      });
      expect(details.layerCount).toBeGreaterThan(0);
      expect(details.deviceMemoryBytes).toBeGreaterThanOrEqual(0);
      await expect(engine.weights()).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    });

    it('that were stripped get their weights back', async () => {
      const whole = await build('whole.engine', { refittable: true });
      const stripped = await build('stripped.engine', { stripWeights: true });
      const { weights, missing } = await stripped.weights();
      expect(missing.length).toBeGreaterThan(0);
      expect(weights.length).toBeGreaterThanOrEqual(missing.length);
      const back = await stripped.refit(path.join(folder, 'model.onnx'), {
        output: file('back.engine'),
      });
      expect(back.byteLength).toBeGreaterThan(stripped.byteLength);
      expect(statSync(file('back.engine')).size).toBe(back.byteLength);
      expect(back.inspect().options).toMatchObject({ stripWeights: false });
      expect((await whole.weights()).missing).toEqual([]);
    });

    it('take named weights, and say which more they need', async () => {
      const engine = await build('refit.engine', { refittable: true });
      const { weights } = await engine.weights();
      const all = Object.fromEntries(
        weights.map(({ name, dtype, count }) => [
          name,
          new Tensor(dtype as 'float32', new Float32Array(count).fill(0.5)),
        ]),
      );
      const refitted = await engine.refit(all);
      expect(refitted.inspect().planSha256).not.toBe(engine.inspect().planSha256);
      await expect(engine.refit({ nobody: Tensor.from([1]) })).rejects.toMatchObject({
        code: 'ERR_INVALID_ARGUMENT',
        message: expect.stringContaining('nobody'),
      });
      const [first] = weights;
      await expect(
        engine.refit({ [first!.name]: new Tensor('float32', new Float32Array(first!.count + 1)) }),
      ).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
    });

    it('that are damaged give an error and no crash', async () => {
      const engine = await build('good.engine', {});
      const bytes = await engine.toBuffer();
      const length = 4 + bytes.readUInt32LE(0);
      // A plain plan, since ours would be refused by its digest.
      const plan = Buffer.from(bytes.subarray(length));
      plan.fill(0xff, plan.length / 2, plan.length / 2 + 4096);
      const damaged = await Engine.load(plan);
      await expect(damaged.inspectOnDevice({ flavor })).rejects.toMatchObject({
        code: expect.stringMatching(/^ERR_(ENGINE_DESERIALIZE|BUILD_CRASHED)$/),
      });
    });
  });
});
