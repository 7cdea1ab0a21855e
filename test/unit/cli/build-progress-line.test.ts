import { expect, it } from 'vitest';
import { BuildProgressLine } from '../../../src/cli/build-progress-line';

it('shows stage, time and what TensorRT last said, never a share of the whole', () => {
  let now = 0;
  const written: string[] = [];
  const line = new BuildProgressLine(
    { write: (text: string) => written.push(text), columns: 70 },
    () => now,
  );
  const drawn = () => {
    line.draw();
    return written.at(-1)!.replace('\r\x1b[K', '');
  };
  expect(drawn()).toBe('starting the build process, 0 s');
  line.onStage({ stage: 'parse', elapsedMs: 1000 });
  now = 1000;
  expect(drawn()).toBe('reading the model, 1 s');
  line.onStage({ stage: 'build', elapsedMs: 1000 });
  line.onProgress({ phase: 'Timing graph nodes', step: 1, steps: 3, finished: false });
  expect(drawn()).toBe('building, 1 s · Timing graph nodes 1/3');
  now = 31_000;
  expect(drawn()).toMatch(/^building, 31 s · Timing graph nodes 1\/3 · TensorRT has said nothi/);
  expect(drawn().length).toBeLessThan(70);
  line.onProgress({ phase: 'Timing graph nodes', step: 3, steps: 3, finished: true });
  expect(drawn()).toBe('building, 31 s');
  expect(written.join('')).not.toContain('%');
  line.clear();
  expect(written.at(-1)).toBe('\r\x1b[K');
});
