// Letterbox of pictures to a 640 x 640 network input, against OpenCV on one thread.
//   node bench/letterbox.mjs [--rounds 15] [--out FILE.json]
// Needs `npm run build`, and TENSORRT_NODE_BENCH_PYTHON: an interpreter with opencv-python, numpy and torch.
// Twelve noise pictures in turn, so that none is in the cache. Rounds alternate between the two processes.
import { createHash, randomFillSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { startPeer } from './lib/peer.mjs';
import { circumstances, compare, median, report } from './lib/statistics.mjs';

const require = createRequire(import.meta.url);
const { native } = require('../lib/native/binding.js');
const { planLetterbox } = require('../lib/vision/letterbox.js');
const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '15' }, out: { type: 'string' } },
});

const size = 640;
const pictureCount = 12;
const callsPerRound = 48;
const sizes = [
  [1920, 1080],
  [1280, 720],
  [3840, 2160],
  [800, 600],
  [480, 360],
];
const formats = { 'u8-nhwc': 1, 'f32-nchw': 4 };
const addon = native();

function makePictures(width, height) {
  return Array.from({ length: pictureCount }, () =>
    randomFillSync(Buffer.allocUnsafeSlow(width * height * 3)),
  );
}

function sha256(buffer, length) {
  return createHash('sha256')
    .update(new Uint8Array(addon.bufferRead(buffer, 0, length)))
    .digest('hex');
}

async function compareSize(width, height, format, pictures, peer) {
  const plan = planLetterbox({ width, height }, { width: size, height: size });
  const bytes = size * size * 3 * formats[format];
  const target = addon.bufferAllocate(bytes * pictureCount);
  const canvas = { width: size, height: size, format };
  const item = (index) => ({
    ...plan,
    data: pictures[index % pictureCount],
    lent: true,
    width,
    height,
  });
  const single = (index) => addon.letterbox(target, canvas, [item(index)]);
  const batchItems = pictures.map((_, i) => ({ ...item(i), targetOffset: i * bytes }));

  await single(0);
  const reference = await peer.ask({ action: 'digest', format });
  if (sha256(target, bytes) !== reference.sha256)
    throw new Error(`Not the bytes of OpenCV: ${format}`);

  const ours = [];
  const batch = [];
  const other = [];
  for (let round = 0; round <= Number(options.rounds); round++) {
    const times = [];
    for (let i = 0; i < callsPerRound; i++) {
      const start = performance.now();
      await single(i);
      times.push(performance.now() - start);
    }
    const start = performance.now();
    await addon.letterbox(target, canvas, batchItems);
    const batchMs = (performance.now() - start) / pictureCount;
    const { ms } = await peer.ask({ action: 'time', format, calls: callsPerRound });
    // The first round warms both up.
    if (round === 0) continue;
    ours.push(median(times));
    batch.push(batchMs);
    other.push(ms);
  }
  addon.bufferRelease(target);
  return {
    picture: `${width}x${height}`,
    format,
    sameBytes: true,
    oneAtATime: compare(ours, other),
    inBatchesOf12: compare(batch, other),
    opencv: reference.opencv,
  };
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'letterbox-'));
const results = [];
try {
  for (const [width, height] of sizes) {
    const pictures = makePictures(width, height);
    const file = path.join(folder, 'pictures.raw');
    writeFileSync(file, Buffer.concat(pictures));
    const peer = startPeer(
      'letterbox_opencv.py',
      [file, pictureCount, width, height, size].map(String),
    );
    if (!peer)
      throw new Error('Set TENSORRT_NODE_BENCH_PYTHON to a Python that has OpenCV and torch');
    for (const format of Object.keys(formats)) {
      results.push(await compareSize(width, height, format, pictures, peer));
      console.error(JSON.stringify(results.at(-1)));
    }
    peer.end();
  }
} finally {
  rmSync(folder, { recursive: true });
}
report(
  {
    benchmark: 'letterbox to 640 x 640, OpenCV on one thread; ours timed from JavaScript',
    ...circumstances(addon.buildInfo()),
    rounds: Number(options.rounds),
    callsPerRound,
    results,
  },
  options.out,
);
