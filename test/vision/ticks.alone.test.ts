import path from 'node:path';
import { expect, it } from 'vitest';
import { VisionModel } from '../../src/vision/model';
import { projectRoot } from '../helpers/data';

const picture = path.join(projectRoot, 'examples', 'images', 'shelf-02.jpg');

async function ticksDuring(work: Promise<unknown>): Promise<{ ticks: number; ms: number }> {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 5);
  const start = performance.now();
  await work;
  clearInterval(timer);
  return { ticks, ms: performance.now() - start };
}

/** Ticks while `predict` runs without pause, as a share of those of the same process when idle. */
async function shareOfTicks(model: VisionModel, callers: number): Promise<number> {
  const idle = await ticksDuring(new Promise((resolve) => setTimeout(resolve, 1500)));
  const end = performance.now() + 2000;
  const loop = async () => {
    while (performance.now() < end) await model.predict(picture);
  };
  const busy = await ticksDuring(Promise.all(Array.from({ length: callers }, loop)));
  return busy.ticks / busy.ms / (idle.ticks / idle.ms);
}

it.each([
  ['latency', 3],
  ['throughput', 1],
] as const)(
  'the event loop keeps at least 90 % of its idle ticks while predict runs for %s (%i callers)',
  async (optimizeFor, callers) => {
    await using model = await VisionModel.load(
      path.join(projectRoot, 'examples', 'models', 'shelf.onnx'),
      { optimizeFor },
    );
    await model.predict(picture);
    // Ticks are counted, not timed; what else runs on the machine costs some, so the best of a few rounds counts.
    const shares: number[] = [];
    for (let round = 0; round < 8 && !shares.some((share) => share >= 0.9); round++) {
      shares.push(await shareOfTicks(model, callers));
    }
    expect(Math.max(...shares), `shares ${shares}`).toBeGreaterThanOrEqual(0.9);
  },
);
