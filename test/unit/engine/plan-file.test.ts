import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Engine } from '../../../src/engine/engine';
import {
  type EngineFacts,
  encodePlanPrefix,
  parsePlanHeader,
  readPlanHeader,
} from '../../../src/engine/plan-file';

const plan = Buffer.concat([Buffer.from('ftrt'), Buffer.alloc(60, 7)]);

const facts: EngineFacts = {
  format: 1,
  packageVersion: '0.1.0',
  createdAt: '2026-11-24T00:00:00.000Z',
  flavor: 'trt11',
  tensorrtVersion: '11.4.0.106',
  computeCapabilities: ['8.9'],
  profiles: [[{ input: 'x', min: [1], opt: [2], max: [4] }]],
  options: { tf32: false },
  onnxSha256: 'ab'.repeat(32),
  planSha256: createHash('sha256').update(plan).digest('hex'),
  inputs: [{ name: 'x', dtype: 'float32', shape: [-1] }],
  outputs: [{ name: 'y', dtype: 'float8e8m0', shape: [] }],
};

function withLength(json: string | Buffer, rest: Buffer = plan, length?: number): Buffer {
  const body = Buffer.from(json as string);
  const head = Buffer.alloc(4);
  head.writeUInt32LE(length ?? body.length);
  return Buffer.concat([head, body, rest]);
}

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function fileOf(bytes: Uint8Array): string {
  const file = path.join(folder, 'a.engine');
  writeFileSync(file, bytes);
  return file;
}

describe('plan files', () => {
  it('of this package give back facts and further metadata, from bytes and from files', async () => {
    const bytes = Buffer.concat([
      encodePlanPrefix({ task: 'detect', names: { 0: 'Dose – groß' } }, facts),
      plan,
    ]);
    const header = parsePlanHeader(bytes, 'it');
    expect(header.format).toBe('tensorrt-node');
    expect(header.facts).toEqual(facts);
    expect(header.metadata).toMatchObject({ task: 'detect', names: { 0: 'Dose – groß' } });
    expect(bytes.subarray(header.planOffset).equals(plan)).toBe(true);
    expect(await readPlanHeader(fileOf(bytes))).toEqual({ ...header, byteLength: bytes.length });
  });

  it("of Ultralytics are read with their metadata, and our metadata cannot be taken for theirs' plan", async () => {
    const bytes = withLength(JSON.stringify({ stride: 32, task: 'detect', names: { 0: 'can' } }));
    const engine = await Engine.load(fileOf(bytes));
    expect(engine.inspect()).toMatchObject({
      format: 'ultralytics',
      flavor: undefined,
      metadata: { stride: 32, task: 'detect', names: { 0: 'can' } },
    });
  });

  it.each(['ftrt', 'vtrt'])('without metadata are plans that start with %s', async (word) => {
    const bytes = Buffer.concat([Buffer.from(word), Buffer.alloc(100)]);
    expect(parsePlanHeader(bytes, 'it')).toMatchObject({ format: 'plain', planOffset: 0 });
    expect((await Engine.load(fileOf(bytes))).inspect()).toMatchObject({
      format: 'plain',
      byteLength: 104,
    });
  });

  it('with facts of an unknown shape keep their metadata and lose the facts', () => {
    for (const tensorrtNode of [1, {}, { ...facts, format: 2 }, { ...facts, inputs: [null] }]) {
      const header = parsePlanHeader(withLength(JSON.stringify({ tensorrtNode })), 'it');
      expect(header).toMatchObject({ format: 'ultralytics', facts: undefined });
    }
  });

  it.each([
    ['nothing at all', Buffer.alloc(0), /is empty/],
    ['a few bytes', Buffer.from('ftr'), /has only 3 bytes/],
    ['an ONNX file', Buffer.from('\x08\x08\x12\x07pytorch'), /neither a TensorRT plan/],
    [
      'a length beyond the file',
      withLength('{"a":1}', plan, 5000),
      /cut short inside its metadata/,
    ],
    ['a length of 4 GiB', withLength('{"a":1}', plan, 0xffffffff), /neither a TensorRT plan/],
    ['a length of 0', withLength('{"a":1}', plan, 0), /neither a TensorRT plan/],
    ['metadata and no plan', withLength('{"a":1}', Buffer.alloc(0)), /no plan/],
    ['broken JSON', withLength('{"a":1,}'), /not JSON/],
    ['JSON in no encoding', withLength(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])), /not JSON/],
  ])(
    'that hold %s are refused in one sentence, as bytes and as files',
    async (_, bytes, message) => {
      const wanted = expect.objectContaining({
        code: 'ERR_ENGINE_DESERIALIZE',
        message: expect.stringMatching(message),
      });
      expect(() => parsePlanHeader(bytes, 'the test')).toThrow(wanted);
      await expect(Engine.load(fileOf(bytes))).rejects.toThrow(wanted);
    },
  );

  it('that are missing, folders or named pipes give ERR_IO', async () => {
    const wanted = expect.objectContaining({ code: 'ERR_IO' });
    const pipe = path.join(folder, 'pipe.engine');
    execFileSync('mkfifo', [pipe]);
    // A pipe without a writer: opening it would never end.
    await expect(Engine.load(pipe)).rejects.toThrow(wanted);
    await expect(Engine.load(path.join(folder, 'none.engine'))).rejects.toThrow(wanted);
    await expect(Engine.load(folder)).rejects.toThrow(wanted);
    await expect(Engine.load(3 as never)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
  });

  it('that were changed or cut behind the metadata do not load', async () => {
    const bytes = Buffer.concat([encodePlanPrefix({}, facts), plan]);
    const changed = Buffer.from(bytes);
    changed[bytes.length - 1]! ^= 1;
    for (const bad of [changed, bytes.subarray(0, -1)]) {
      for (const source of [fileOf(bad), bad]) {
        await expect(Engine.load(source)).rejects.toMatchObject({
          code: 'ERR_ENGINE_DESERIALIZE',
          message: expect.stringContaining('digest'),
        });
      }
    }
    expect((await Engine.load(bytes)).inspect().planSha256).toBe(facts.planSha256);
  });

  it('never make the reader fail otherwise, whatever byte is changed', () => {
    const bytes = Buffer.concat([encodePlanPrefix({ names: ['a'] }, facts), plan]);
    for (let at = 0; at < bytes.length - plan.length + 4; at++) {
      for (const value of [0x00, 0x22, 0x7b, 0xff]) {
        const mutated = Buffer.from(bytes);
        mutated[at] = value;
        try {
          parsePlanHeader(mutated, 'it');
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_ENGINE_DESERIALIZE' });
        }
      }
    }
  });

  it('refuse metadata that no reader should have to take', () => {
    const huge = { text: 'x'.repeat(17 * 2 ** 20) };
    expect(() => encodePlanPrefix(huge, facts)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }),
    );
  });

  it('are copied in: a caller may change its bytes after load', async () => {
    const bytes = Buffer.concat([encodePlanPrefix({}, facts), plan]);
    const engine = await Engine.load(bytes);
    bytes.fill(0);
    expect((await engine.toBuffer()).subarray(-plan.length).equals(plan)).toBe(true);
  });
});
