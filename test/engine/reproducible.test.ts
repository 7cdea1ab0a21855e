import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Engine, EngineBuilder, setLogSink } from '../../src/index';
import { requireCompiledWorker } from '../helpers/build-process';
import { dataPath, describeWithData } from '../helpers/data';
import { addOneModel, convModel } from '../helpers/onnx-writer';
import { describeWithRtx, hasRtx } from '../helpers/trt';

let folder = '';
beforeAll(() => {
  if (hasRtx) requireCompiledWorker();
  folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-test-'));
  setLogSink(() => {});
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Digests of the plans of three builds: two in one process, one in another under another name. */
async function plansOf(file: string, copy: string): Promise<(string | undefined)[]> {
  const options = { flavor: 'rtx1', computeCapabilities: ['8.9'] } as const;
  await using builder = new EngineBuilder();
  const engines = [
    await builder.build(file, options),
    await builder.build(file, options),
    await Engine.build(copy, options),
  ];
  return engines.map((engine) => engine.inspect().planSha256);
}

describeWithRtx('builds of TensorRT-RTX', () => {
  it.each([
    ['an addition', addOneModel()],
    ['convolutions', convModel({ channels: 64, size: 32 })],
  ])('of %s give the same plan each time, in each process', async (name, model) => {
    const files = [path.join(folder, `${name}.onnx`), path.join(folder, `${name} again.onnx`)];
    for (const file of files) writeFileSync(file, model);
    const digests = await plansOf(files[0]!, files[1]!);
    expect(digests[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(digests).size).toBe(1);
  });

  it('give another plan for another compute capability', async () => {
    await using builder = new EngineBuilder();
    const model = convModel({ channels: 64, size: 32 });
    const digest = async (capability: string) =>
      (await builder.build(model, { computeCapabilities: [capability] })).inspect().planSha256;
    expect(await digest('8.9')).not.toBe(await digest('12.0'));
  });
});

describeWithData('builds of TensorRT-RTX of a detector', () => {
  it.skipIf(!hasRtx)('give the same plan each time, in each process', async () => {
    const model = dataPath('models/yolov8p-fp16.onnx');
    expect(new Set(await plansOf(model, model)).size).toBe(1);
  });
});
