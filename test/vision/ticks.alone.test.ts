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

// Ticks are counted against those of the same process when idle: a share of a count, not a time.
it.each(['latency', 'throughput'] as const)(
  'the event loop keeps at least 90 % of its idle ticks while predict runs for %s',
  async (optimizeFor) => {
    await using model = await VisionModel.load(
      path.join(projectRoot, 'examples', 'models', 'shelf.onnx'),
      { optimizeFor },
    );
    await model.predict(picture);
    const idle = await ticksDuring(new Promise((resolve) => setTimeout(resolve, 2000)));
    const end = performance.now() + 3000;
    const loop = async () => {
      while (performance.now() < end) await model.predict(picture);
    };
    const busy = await ticksDuring(Promise.all([loop(), loop(), loop()]));
    const share = busy.ticks / busy.ms / (idle.ticks / idle.ms);
    expect(
      share,
      `${busy.ticks} ticks in ${busy.ms} ms, idle ${idle.ticks} in ${idle.ms}`,
    ).toBeGreaterThanOrEqual(0.9);
  },
);
