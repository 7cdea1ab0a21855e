// Saves one entry into a timing cache file; the stand-in for TensorRT joins entries as lines.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { saveTimingCache } = require('../../lib/engine/timing-cache-file.js');
const [file, entry, count] = process.argv.slice(2);
const linesOf = (bytes) => bytes.toString().split('\n');
for (let i = 0; i < Number(count); i++) {
  const mine = Buffer.from(`${entry}-${i}`);
  await saveTimingCache(
    file,
    mine,
    { flavor: 'trt10', tensorrtVersion: '10.16.0.0' },
    ({ bytes }) =>
      Promise.resolve(Buffer.from([...new Set([...linesOf(mine), ...linesOf(bytes)])].join('\n'))),
  );
}
