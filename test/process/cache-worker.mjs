// A process of the cache tests: node cache-worker.mjs LIB DIRECTORY KEY [BUILD_MS]
// Prints "hit" or "built"; the plan it writes holds its digest, so that a torn plan would show.
import { createHash, randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

const [lib, directory, name, buildMs = '50'] = process.argv.slice(2);
const { EngineCache } = createRequire(import.meta.url)(lib);
const cache = new EngineCache({ directory });
const key = { onnxSha256: name, flavor: 'rtx1', version: '1', target: ['8.9'], options: {} };
const { hit } = await cache.getOrBuild(key, async (file) => {
  const body = randomBytes(200_000);
  const digest = createHash('sha256').update(body).digest();
  const handle = await open(file, 'wx');
  // In pieces, so that a kill finds the file half written.
  for (let at = 0; at < body.length; at += 20_000) {
    await handle.write(body.subarray(at, at + 20_000));
    await sleep(Number(buildMs) / 10);
  }
  await handle.write(digest);
  await handle.close();
});
process.stdout.write(hit ? 'hit' : 'built');
