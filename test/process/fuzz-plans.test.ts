import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine, type EngineMachine, explainCompatibility } from '../../src';
import { checkBuildOptions } from '../../src/engine/build-options';
import { canonicalJson } from '../../src/engine/canonical-json';
import { Manifest } from '../../src/engine/manifest';
import { parsePlanHeader } from '../../src/engine/plan-file';
import { recordedOptions } from '../../src/engine/rebuild';
import { isErrorCode, TensorRTNodeError } from '../../src/errors';
import { openModel } from '../../src/session/model-input';
import { fuzzKeys, mutatePlan, type PlanSeed, planSeeds } from '../fuzz/plan-mutations';
import { Random } from '../fuzz/random';
import { plan } from '../helpers/plan-file';

const count = Number(process.env.TENSORRT_NODE_FUZZ_PLANS ?? 5000);
const seed = Number(process.env.TENSORRT_NODE_FUZZ_SEED ?? 1);

const machine: EngineMachine = {
  platform: 'linux-x64',
  libraries: [{ flavor: 'trt11', version: '11.4.0.106' }],
  devices: [{ name: 'NVIDIA L4', computeCapability: '8.9' }],
  cudaVersion: '12.4',
  plugins: ['EfficientNMS_TRT'],
};

let folder = '';
let seeds: PlanSeed[] = [];
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tn-fuzz-plans-'));
  seeds = await planSeeds();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const outcomes: Record<string, Record<string, number>> = {};

/** What became of it: `ok` or a code. Anything else is a fault and ends the test. */
async function outcomeOf(reader: string, index: number, read: () => unknown): Promise<string> {
  let outcome = 'ok';
  try {
    await read();
  } catch (error) {
    const isTyped = error instanceof TensorRTNodeError && isErrorCode(error.code);
    if (!isTyped || error.code === 'ERR_INTERNAL')
      throw new Error(`file ${index} of seed ${seed}: ${reader} threw ${error}`, { cause: error });
    outcome = error.code;
  }
  outcomes[reader] ??= {};
  outcomes[reader][outcome] = (outcomes[reader][outcome] ?? 0) + 1;
  return outcome;
}

/** The metadata that a signed seed says, without the signature. */
const contentOf = ({ tensorrtNodeSignature: _, ...rest }: Record<string, unknown>) =>
  canonicalJson(rest);

describe('mutated plan files and manifests', () => {
  it(`${count} of them give an engine or an error with a code`, { timeout: 120_000 }, async () => {
    const signedContents = new Set(
      seeds
        .map(({ json }) => json as Record<string, unknown> | undefined)
        .filter((json) => json !== undefined && 'tensorrtNodeSignature' in json)
        .map((json) => contentOf(json!)),
    );
    const startBytes = process.memoryUsage().rss;
    let peakBytes = startBytes;
    for (let index = 0; index < count; index++) {
      peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
      const { kind, bytes } = mutatePlan(new Random(seed * 1_000_003 + index), seeds);
      const file = path.join(folder, kind === 'plan' ? 'a.engine' : 'manifest.json');
      const asFile = kind === 'manifest' || index % 2 === 0;
      if (asFile) writeFileSync(file, bytes);
      const source = asFile ? file : bytes;
      // Looks at the first bytes alone: nearly everything that has an engine's name passes.
      const opened = await outcomeOf('openModel', index, () => openModel(source));
      expect(['ok', 'ERR_INVALID_MODEL']).toContain(opened);
      if (kind === 'manifest') {
        await outcomeOf('manifest', index, async () => {
          (await Manifest.read(file)).match(machine, index % 2 ? {} : { shapes: { x: [2, 4] } });
        });
      } else {
        await outcomeOf('load', index, async () => {
          const engine = await Engine.load(source);
          const description = engine.inspect();
          expect(explainCompatibility(description, machine).summary).toMatch(/\.$/);
          expect(() => recordedOptions(description)).not.toThrow();
        });
        await outcomeOf('recorded options', index, () => {
          const { facts, metadata } = parsePlanHeader(bytes, 'it');
          const { given = {} } = facts ?? {};
          checkBuildOptions({ ...(given as object), metadata });
        });
        const verified = await outcomeOf('verify', index, () =>
          Engine.load(source, { verifyKey: fuzzKeys.publicKey }),
        );
        if (verified === 'ok') {
          // Only what was signed passes, however it is written.
          const { metadata, planOffset } = parsePlanHeader(bytes, 'it');
          expect(signedContents).toContain(contentOf(metadata as Record<string, unknown>));
          expect(bytes.subarray(planOffset).equals(plan)).toBe(true);
        }
        if (index % 4 > 0) continue;
        await outcomeOf('sign', index, async () => {
          const engine = await Engine.load(bytes);
          await engine.sign(fuzzKeys.privateKey);
          await Engine.load(await engine.toBuffer(), { verifyKey: fuzzKeys.publicKey });
        });
      }
    }
    console.log('mutated plan files:', outcomes);
    delete outcomes.openModel;
    for (const [reader, counts] of Object.entries(outcomes)) {
      const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
      // Files that all fail, or all pass, would prove nothing.
      expect(counts.ok, reader).toBeGreaterThan(total / 50);
      expect(total - counts.ok!, reader).toBeGreaterThan(total / 50);
    }
    expect(outcomes.verify).toHaveProperty('ERR_ENGINE_SIGNATURE');
    expect((peakBytes - startBytes) / 2 ** 20).toBeLessThan(300);
  });

  it('that claim more than they hold cost no memory', async () => {
    const startBytes = process.memoryUsage().rss;
    const length = Buffer.alloc(4);
    length.writeUInt32LE(16 * 2 ** 20);
    const file = path.join(folder, 'claims.engine');
    writeFileSync(file, Buffer.concat([length, Buffer.from('{"a":1}'), plan]));
    for (let n = 0; n < 200; n++)
      await expect(Engine.load(file)).rejects.toMatchObject({ code: 'ERR_ENGINE_DESERIALIZE' });
    expect((process.memoryUsage().rss - startBytes) / 2 ** 20).toBeLessThan(100);
  });
});
