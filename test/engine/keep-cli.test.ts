import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { requireCompiledWorker } from '../helpers/build-process';
import { runCli } from '../helpers/cli';
import { addOneModel } from '../helpers/onnx-writer';
import { describeWithRtx, hasRtx } from '../helpers/trt';

let folder = '';
beforeAll(() => {
  if (hasRtx) requireCompiledWorker();
  folder = mkdtempSync(path.join(tmpdir(), 'tensorrt-node-test-'));
  writeFileSync(path.join(folder, 'model.onnx'), addOneModel());
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  writeFileSync(
    path.join(folder, 'signing.pem'),
    privateKey.export({ type: 'pkcs8', format: 'pem' }),
  );
  writeFileSync(path.join(folder, 'verify.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (...args: string[]) =>
  runCli(args, { cwd: folder, env: { TENSORRT_NODE_ENGINE_CACHE: path.join(folder, 'cache') } });

describeWithRtx('engines that are kept, signed and judged, by command', () => {
  it('build --cache takes the second engine from the cache', async () => {
    const build = () => run('build', 'model.onnx', '-o', 'a.engine', '--cache');
    const first = await build();
    expect(first).toMatchObject({ status: 0, stderr: '' });
    expect(first.stdout).toMatch(/a\.engine: .*, built in .* s by TensorRT 1\./);
    expect((await build()).stdout).toMatch(/a\.engine: .*, from the cache, built by TensorRT 1\./);
    expect((await run('cache', 'list')).stdout).toMatch(/rtx1 1\..* for default\n1 plans/);
    const json = await run('build', 'model.onnx', '-o', 'b.engine', '--cache', 'other', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ fromCache: false });
  });

  it('builds once when several processes ask at once', async () => {
    const answers = await Promise.all(
      ['p', 'q', 'r', 's'].map((name) =>
        run('build', 'model.onnx', '-o', `${name}.engine`, '--cache', 'shared', '--json'),
      ),
    );
    const built = answers.map(({ stdout }) => JSON.parse(stdout));
    expect(built.filter(({ fromCache }) => !fromCache)).toHaveLength(1);
    expect(new Set(built.map(({ planSha256 }) => planSha256)).size).toBe(1);
  });

  it('sign and verify, and inspect with a key', async () => {
    const unsigned = await run('verify', 'a.engine', '--key', 'verify.pem');
    expect(unsigned.status).toBe(1);
    expect(unsigned.stderr).toMatch(/^ERR_ENGINE_SIGNATURE: .*it has no signature\n$/);
    expect((await run('verify', 'a.engine')).stdout).toMatch(/digest good, signature none\n$/);
    const signed = await run('sign', 'a.engine', '--key', 'signing.pem', '-o', 'signed.engine');
    expect(signed).toMatchObject({ status: 0, stderr: '' });
    expect((await run('verify', 'signed.engine', '--key', 'verify.pem')).stdout).toMatch(
      /digest good, signature good \(key [0-9a-f]{64}\)/,
    );
    expect((await run('verify', 'signed.engine')).stdout).toMatch(/signature not checked/);
    const built = await run('build', 'model.onnx', '-o', 'c.engine', '--sign-key', 'signing.pem');
    expect(built.status).toBe(0);
    for (const file of ['signed.engine', 'c.engine']) {
      const { status } = await run('inspect', file, '--verify-key', 'verify.pem');
      expect(status).toBe(0);
    }
    const { status, stderr } = await run('inspect', 'a.engine', '--verify-key', 'verify.pem');
    expect(status).toBe(1);
    expect(stderr).toMatch(/^ERR_ENGINE_SIGNATURE/);
    expect((await run('sign', 'a.engine', '--key', 'none.pem')).stderr).toMatch(/^ERR_IO: .*none/);
    expect((await run('sign', 'a.engine', '--key', 'verify.pem')).status).toBe(2);
  });

  it('inspect says whether the engine runs here, and why not', async () => {
    const { stdout } = await run('inspect', 'a.engine', '--json');
    const { compatibility } = JSON.parse(stdout);
    const text = (await run('inspect', 'a.engine')).stdout;
    if (compatibility.runs === 'no') {
      expect(text).toMatch(
        /\nRuns here: no, because this machine has no CUDA device|Runs here: no, because it/,
      );
    } else {
      expect(text).toMatch(/\nRuns here: (yes|perhaps)/);
    }
    expect(text.split('\n').filter((line) => line.length > 100)).toEqual([]);
  });
});
