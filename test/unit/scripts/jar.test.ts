import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Random } from '../../fuzz/random';

const content = Buffer.from(new Random(1).bytes(300_000));
const packed = zipEntry('lib/libfoo.so', content);
/** Bytes before and behind, as in a jar of several entries. */
const jar = Buffer.concat([Buffer.alloc(1000, 1), packed, Buffer.alloc(1000, 2)]);
const entry = {
  from: 'lib/libfoo.so',
  first: 1000,
  packedBytes: packed.length,
  bytes: content.length,
  sha256: createHash('sha256').update(content).digest('hex'),
};
const archive = {
  kind: 'jar',
  name: 'org.example:foo',
  version: '1.0',
  classifier: 'linux-x86_64',
  entries: [entry],
};

function zipEntry(name: string, data: Buffer): Buffer {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(8, 8);
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, Buffer.from(name), deflateRawSync(data)]);
}

type Answer = (range: [first: number, last: number], response: ServerResponse) => void;

const serve: Answer = ([first, last], response) => {
  response.writeHead(206);
  response.end(jar.subarray(first, last + 1));
};

let folder: string;
let asked: string[];
let answers: Answer[];
let close: () => void;
const outer = { ...process.env };
beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'tn-jar-'));
  asked = [];
  answers = [];
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.range}`);
    const range = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '')!;
    (answers.shift() ?? serve)([Number(range[1]), Number(range[2])], response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  process.env.TENSORRT_NODE_MAVEN_URL = `http://127.0.0.1:${port}/maven2`;
  delete process.env.TENSORRT_NODE_CACHE;
  close = () => server.close();
});
afterEach(() => {
  close();
  process.env = { ...outer };
  rmSync(folder, { recursive: true, force: true });
});

async function fetchInto(name: string, changes = {}): Promise<string> {
  const { fetchEntries } = await import('../../../scripts/lib/sdk/jar.mjs' as string);
  return fetchEntries({ ...archive, ...changes }, path.join(folder, name));
}
const url = '/maven2/org/example/foo/1.0/foo-1.0-linux-x86_64.jar';

describe('entries of a jar', () => {
  it('are fetched by their range alone', async () => {
    const root = await fetchInto('a');
    expect(readFileSync(path.join(root, entry.from)).equals(content)).toBe(true);
    expect(asked).toEqual([`${url} bytes=1000-${999 + packed.length}`]);
  });

  it('go on where a transfer broke off', async () => {
    answers.push(([first, last], response) => {
      response.writeHead(206, { 'content-length': last - first + 1 });
      response.write(jar.subarray(first, first + 50_000), () => response.destroy());
    });
    const root = await fetchInto('a');
    expect(readFileSync(path.join(root, entry.from)).equals(content)).toBe(true);
    expect(asked).toHaveLength(2);
    expect(Number(/bytes=(\d+)-/.exec(asked[1]!)![1])).toBeGreaterThan(1000);
  });

  it('are not taken from a server that sends the whole archive, nor from none', async () => {
    answers.push((_, response) => {
      response.writeHead(200);
      response.end(jar);
    });
    await expect(fetchInto('a')).rejects.toMatchObject({
      name: 'PartUnavailable',
      message: expect.stringMatching(/answered 200 to a range of bytes/),
    });
    expect(asked).toHaveLength(1);
    await expect(fetchInto('b', { entries: undefined })).rejects.toThrow(
      /There is no org\.example:foo 1\.0 for/,
    );
  });

  it.each([
    ['another entry', zipEntry('lib/libfoo.so', content.subarray(1))],
    ['no entry', Buffer.alloc(packed.length, 7)],
  ])('are refused where the range holds %s', async (_, bytes) => {
    const other = Buffer.alloc(packed.length);
    bytes.copy(other);
    answers.push((_range, response) => {
      response.writeHead(206);
      response.end(other);
    });
    await expect(fetchInto('a')).rejects.toMatchObject({
      name: 'ChecksumError',
      message: expect.stringContaining(`Expected SHA-256 ${entry.sha256} for libfoo.so`),
    });
  });

  it('stay in TENSORRT_NODE_CACHE, which is looked through before it is believed', async () => {
    const cache = path.join(folder, 'cache');
    process.env.TENSORRT_NODE_CACHE = cache;
    await fetchInto('a');
    expect(readdirSync(cache)).toHaveLength(1);
    await fetchInto('b');
    expect(asked).toHaveLength(1);
    const [kept] = readdirSync(cache);
    mkdirSync(cache, { recursive: true });
    writeFileSync(path.join(cache, kept!), packed.subarray(0, 100));
    const root = await fetchInto('c');
    expect(asked).toHaveLength(2);
    expect(existsSync(path.join(root, entry.from))).toBe(true);
    expect(readFileSync(path.join(cache, kept!)).equals(packed)).toBe(true);
  });
});
