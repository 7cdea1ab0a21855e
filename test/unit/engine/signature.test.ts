import { createHash, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Engine } from '../../../src/engine/engine';
import { encodePlanPrefix, encodePrefix } from '../../../src/engine/plan-file';
import { plan, planFacts } from '../../helpers/plan-file';

const pem = (type: 'ed25519' | 'ed448' = 'ed25519') => {
  const { privateKey, publicKey } = generateKeyPairSync(type as 'ed25519');
  return {
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    publicKey: publicKey.export({ type: 'spki', format: 'pem' }) as string,
    keys: { privateKey, publicKey },
  };
};
const ours = pem();
const other = pem();

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

const bytesOf = () =>
  Buffer.concat([
    encodePlanPrefix({ names: { 0: 'Dose – groß' }, a: [1.5, null] }, planFacts()),
    plan,
  ]);
const fileOf = (bytes: Uint8Array, name = 'a.engine') => {
  const file = path.join(folder, name);
  writeFileSync(file, bytes);
  return file;
};
const refused = (message: RegExp, code = 'ERR_ENGINE_SIGNATURE') =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

async function signed(key = ours.privateKey): Promise<Buffer> {
  const engine = await Engine.load(bytesOf(), { verifyKey: false });
  await engine.sign(key);
  return engine.toBuffer();
}

describe('signed engines', () => {
  it('are saved as they were loaded, or not at all', async () => {
    const source = fileOf(await signed(), 'replaced.engine');
    const engine = await Engine.load(source, { verifyKey: ours.publicKey });
    const target = path.join(folder, 'saved.engine');
    await engine.save(target);
    expect(readFileSync(target).equals(readFileSync(source))).toBe(true);
    const before = readFileSync(target);
    const changed = Buffer.concat([plan, Buffer.from('more')]);
    writeFileSync(source, changed);
    await expect(engine.save(target)).rejects.toEqual(
      refused(/was replaced since/, 'ERR_ENGINE_DESERIALIZE'),
    );
    expect(readFileSync(target).equals(before)).toBe(true);
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('load with the key that signed them, from bytes and from a file', async () => {
    const bytes = await signed();
    for (const source of [bytes, fileOf(bytes)]) {
      for (const verifyKey of [
        ours.publicKey,
        ours.keys.publicKey,
        Buffer.from(ours.publicKey),
        [other.publicKey, ours.publicKey],
        other.publicKey + ours.publicKey,
      ]) {
        const engine = await Engine.load(source, { verifyKey });
        expect(engine.inspect()).toMatchObject({
          format: 'tensorrt-node',
          signedBy: expect.stringMatching(/^[0-9a-f]{64}$/),
          metadata: { a: [1.5, null] },
        });
        expect(engine.inspect().metadata).not.toHaveProperty('tensorrtNodeSignature');
        await engine.verify(verifyKey);
        await expect(engine.verify(other.publicKey)).rejects.toThrow(refused(/signed by key/));
      }
    }
  });

  it('are files signed in place, and memory is not needed for the plan', async () => {
    const file = fileOf(bytesOf(), 'place.engine');
    const engine = await Engine.load(file);
    await engine.sign(ours.keys.privateKey);
    expect(engine.byteLength).toBe(readFileSync(file).length);
    await Engine.load(file, { verifyKey: ours.publicKey });
    // Signing again replaces the signature.
    await engine.sign(other.privateKey);
    await Engine.load(file, { verifyKey: other.publicKey });
    await expect(Engine.load(file, { verifyKey: ours.publicKey })).rejects.toThrow(
      refused(/signed by key/),
    );
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('may be plain plans and files of Ultralytics', async () => {
    for (const bytes of [plan, Buffer.concat([encodePrefix({ task: 'detect' }), plan])]) {
      const engine = await Engine.load(bytes);
      await engine.sign(ours.privateKey);
      const again = await Engine.load(await engine.toBuffer(), { verifyKey: ours.publicKey });
      expect((await again.toBuffer()).subarray(-plan.length).equals(plan)).toBe(true);
      expect(again.inspect().tensorrtVersion).toBe('11.4.0.106');
    }
  });

  it('have the signature that the documentation defines', async () => {
    const bytes = await signed();
    const length = bytes.readUInt32LE(0);
    const json = JSON.parse(bytes.subarray(4, 4 + length).toString());
    const { tensorrtNodeSignature, ...rest } = json;
    const sorted = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(sorted)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .sort(([a], [b]) => (a < b ? -1 : 1))
                .map(([key, item]) => [key, sorted(item)]),
            )
          : value;
    const digest = createHash('sha256').update(plan).digest('hex');
    const message = `tensorrt-node engine signature 1\n${digest}\n${JSON.stringify(sorted(rest))}`;
    expect(tensorrtNodeSignature).toEqual({
      format: 1,
      algorithm: 'ed25519',
      keyId: createHash('sha256')
        .update(ours.keys.publicKey.export({ type: 'spki', format: 'der' }))
        .digest('hex'),
      value: signBytes(null, Buffer.from(message), ours.keys.privateKey).toString('base64'),
    });
  });

  it('do not load when plan, metadata or signature are of another one', async () => {
    const verifyKey = ours.publicKey;
    const bytes = await signed();
    const load = (source: Buffer) => Engine.load(source, { verifyKey });
    await expect(load(bytesOf())).rejects.toThrow(refused(/no signature/));
    await expect(load(await signed(other.privateKey))).rejects.toThrow(refused(/signed by key/));
    const replace = (from: string, to: string) =>
      Buffer.from(bytes.toString('latin1').replace(from, to), 'latin1');
    await expect(load(replace('"a":[1.5,null]', '"a":[1.6,null]'))).rejects.toThrow(
      refused(/was changed/),
    );
    // A new plan with its new digest in the metadata.
    const forged = Buffer.from(bytes);
    forged[forged.length - 1]! ^= 1;
    await expect(load(forged)).rejects.toThrow(refused(/digest/, 'ERR_ENGINE_DESERIALIZE'));
    const digest = (part: Buffer) => createHash('sha256').update(part).digest('hex');
    const honest = Buffer.from(
      forged.toString('latin1').replace(digest(plan), digest(forged.subarray(-plan.length))),
      'latin1',
    );
    await expect(load(honest)).rejects.toThrow(refused(/was changed/));
    await expect(load(replace('"format":1,"algorithm"', '"format":2,"algorithm"'))).rejects.toThrow(
      refused(/no signature/),
    );
    // Without a key none of this is asked.
    expect((await Engine.load(honest)).inspect().format).toBe('tensorrt-node');
  });

  it('are asked for everywhere when TENSORRT_NODE_VERIFY_KEY names keys', async () => {
    const file = path.join(folder, 'verify.pem');
    writeFileSync(file, other.publicKey + ours.publicKey);
    vi.stubEnv('TENSORRT_NODE_VERIFY_KEY', file);
    await Engine.load(await signed());
    await expect(Engine.load(bytesOf())).rejects.toThrow(refused(/no signature/));
    await expect(Engine.load(fileOf(plan))).rejects.toThrow(refused(/no signature/));
    // An option comes before the variable.
    await expect(Engine.load(await signed(), { verifyKey: other.publicKey })).rejects.toThrow(
      refused(/signed by key/),
    );
    vi.stubEnv('TENSORRT_NODE_VERIFY_KEY', path.join(folder, 'none.pem'));
    await expect(Engine.load(await signed())).rejects.toThrow(
      refused(/TENSORRT_NODE_VERIFY_KEY/, 'ERR_IO'),
    );
  });

  it('take Ed25519 keys alone, and never show a key in a message', async () => {
    const engine = await Engine.load(bytesOf());
    const wrong = (message: RegExp) => refused(message, 'ERR_INVALID_ARGUMENT');
    for (const key of [pem('ed448').privateKey, ours.publicKey, 'secret words', 5, undefined]) {
      const error = await engine.sign(key as string).catch((thrown) => thrown);
      expect(error).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' });
      expect(error.message).toMatch(/private Ed25519 key/);
      expect(error.message).not.toMatch(/secret words/);
    }
    for (const verifyKey of [
      ours.privateKey,
      ours.keys.privateKey,
      pem('ed448').publicKey,
      'x',
      [],
    ])
      await expect(Engine.load(bytesOf(), { verifyKey })).rejects.toThrow(
        wrong(/public Ed25519 keys/),
      );
    await expect(Engine.load(bytesOf(), { verifykey: 1 } as never)).rejects.toThrow(
      wrong(/verifykey/),
    );
  });

  it('are not used when the file was replaced after it was checked', async () => {
    const file = fileOf(await signed(), 'swap.engine');
    const engine = await Engine.load(file, { verifyKey: ours.publicKey });
    const evil = Buffer.from(plan);
    evil[40]! ^= 1;
    const facts = { ...planFacts(), planSha256: createHash('sha256').update(evil).digest('hex') };
    writeFileSync(file, Buffer.concat([encodePlanPrefix({}, facts), evil]));
    const replaced = refused(/replaced since/, 'ERR_ENGINE_DESERIALIZE');
    await expect(engine.toBuffer()).rejects.toThrow(replaced);
    await expect(engine.sign(ours.privateKey)).rejects.toThrow(replaced);
    await expect(engine.verify(ours.publicKey)).rejects.toThrow(replaced);
  });
});
