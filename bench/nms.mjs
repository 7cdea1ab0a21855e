// Decoding and non-maximum suppression of a [1, 84, 8400] output, against Ultralytics and plain JavaScript.
//   node bench/nms.mjs [--rounds 15] [--out FILE.json]
// Needs `npm run build`, and TENSORRT_NODE_BENCH_PYTHON: an interpreter with ultralytics, torch, torchvision.
// One thread each; rounds alternate. Ours is given twice: as JavaScript waits for it, with the way to the
// pool's thread and back, and the time on that thread alone. All three must keep the same anchors in the same order.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { decodeInJavaScript } from './lib/nms-javascript.mjs';
import { startPeer } from './lib/peer.mjs';
import { circumstances, compare, median, report } from './lib/statistics.mjs';

const require = createRequire(import.meta.url);
const { native } = require('../lib/native/binding.js');
const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '15' }, out: { type: 'string' } },
});

const classCount = 80;
const channels = 4 + classCount;
const anchors = 8400;
const callsPerRound = 40;
const settings = { confidence: 0.25, iou: 0.7, maxDetections: 300 };
const addon = native();

/** `objects` objects, each found by `anchorsPerObject` neighbouring anchors; the rest is background. */
function makeOutput(objects, anchorsPerObject) {
  let x = 12345;
  const random = () => {
    x = (Math.imul(1664525, x) + 1013904223) >>> 0;
    return x / 2 ** 32;
  };
  const data = new Float32Array(channels * anchors);
  const set = (anchor, cx, cy, width, height) => {
    data.set([cx], anchor);
    data.set([cy], anchors + anchor);
    data.set([width], 2 * anchors + anchor);
    data.set([height], 3 * anchors + anchor);
  };
  for (let a = 0; a < anchors; a++) {
    set(a, random() * 640, random() * 640, 10 + random() * 90, 10 + random() * 90);
  }
  for (let i = 4 * anchors; i < data.length; i++) data[i] = random() * 0.01;
  for (let object = 0; object < objects; object++) {
    const [cx, cy, size, kind] = [
      random() * 640,
      random() * 640,
      20 + random() * 60,
      random() * 80,
    ];
    for (let k = 0; k < anchorsPerObject; k++) {
      const anchor = object + k * objects;
      set(anchor, cx + random(), cy + random(), size + random(), size + random());
      data[(4 + Math.floor(kind)) * anchors + anchor] = 0.3 + random() * 0.65;
    }
  }
  return data;
}

const scenes = [
  { name: '300 objects, 2 anchors each', objects: 300, anchorsPerObject: 2 },
  { name: '300 objects, 7 anchors each', objects: 300, anchorsPerObject: 7 },
  { name: '20 objects, 5 anchors each', objects: 20, anchorsPerObject: 5 },
  { name: 'nothing above the confidence', objects: 0, anchorsPerObject: 0 },
];

async function compareScene({ name, objects, anchorsPerObject }, folder) {
  const data = makeOutput(objects, anchorsPerObject);
  const file = path.join(folder, 'output.raw');
  writeFileSync(file, data);
  const peer = startPeer('nms_ultralytics.py', [file, String(channels), String(anchors)]);
  if (!peer) throw new Error('Set TENSORRT_NODE_BENCH_PYTHON to a Python that has ultralytics');
  const buffer = addon.bufferAllocate(data.byteLength);
  addon.bufferWrite(buffer, data);
  const image = { padX: 0, padY: 0, gainX: 1, gainY: 1, width: 640, height: 640 };
  const request = { dtype: 'float32', channels, anchors, classCount, ...settings, images: [image] };
  const decode = () => addon.decodeYolov8(buffer, request);
  const inJavaScript = () => decodeInJavaScript(data, classCount, anchors, settings);

  const [found] = await decode();
  const { anchors: reference, versions } = await peer.ask({ action: 'kept' });
  const same = (kept) =>
    kept.length === reference.length && kept.every((a, i) => a === reference[i]);
  if (!same([...found.anchors])) throw new Error(`Ours differs from Ultralytics: ${name}`);
  if (!same(inJavaScript()))
    throw new Error(`The JavaScript one differs from Ultralytics: ${name}`);

  const ours = [];
  const nativeAlone = [];
  const ultralytics = [];
  const javascript = [];
  for (let round = 0; round <= Number(options.rounds); round++) {
    const times = { ours: [], native: [], javascript: [] };
    for (let i = 0; i < callsPerRound; i++) {
      const start = performance.now();
      const [{ nativeMs }] = await decode();
      times.ours.push(performance.now() - start);
      times.native.push(nativeMs);
    }
    for (let i = 0; i < callsPerRound; i++) {
      const start = performance.now();
      inJavaScript();
      times.javascript.push(performance.now() - start);
    }
    const { ms } = await peer.ask({ action: 'time', calls: callsPerRound });
    // The first round warms all up.
    if (round === 0) continue;
    ours.push(median(times.ours));
    nativeAlone.push(median(times.native));
    javascript.push(median(times.javascript));
    ultralytics.push(ms);
  }
  peer.end();
  addon.bufferRelease(buffer);
  return {
    scene: name,
    candidates: found.candidates,
    kept: found.scores.length,
    sameAnchors: true,
    fromJavaScript: {
      againstUltralytics: compare(ours, ultralytics),
      againstJavaScript: compare(ours, javascript),
    },
    onItsThread: {
      againstUltralytics: compare(nativeAlone, ultralytics),
      againstJavaScript: compare(nativeAlone, javascript),
    },
    versions,
  };
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'nms-'));
const results = [];
try {
  for (const scene of scenes) {
    results.push(await compareScene(scene, folder));
    console.error(JSON.stringify(results.at(-1)));
  }
} finally {
  rmSync(folder, { recursive: true });
}
report(
  {
    benchmark: 'decoding + NMS of [1, 84, 8400] float32, one thread each',
    ...circumstances(addon.buildInfo()),
    rounds: Number(options.rounds),
    callsPerRound,
    results,
  },
  options.out,
);
