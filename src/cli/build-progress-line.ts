import type { BuildProgress, BuildStage, BuildStageEvent } from '../engine/build-progress';

const stageTexts: Record<BuildStage, string> = {
  start: 'starting the build process',
  load: 'loading TensorRT',
  parse: 'reading the model',
  build: 'building',
  write: 'writing the plan',
};

/** Where the line goes: `process.stderr`, or what stands in for it. */
export interface LineStream {
  write(text: string): unknown;
  columns?: number | undefined;
}

/**
 * One line on a terminal that is written over: the stage, the time since the build began, and what TensorRT
 * last said. No percentage and no estimate, since nobody knows: TensorRT is silent for most of a build.
 */
export class BuildProgressLine {
  readonly #timer: NodeJS.Timeout;
  #startedAt: number;
  #stage: BuildStage = 'start';
  #phase = '';
  #heardAt = 0;

  constructor(
    readonly stream: LineStream,
    readonly now: () => number = () => performance.now(),
  ) {
    this.#startedAt = now();
    this.#timer = setInterval(() => this.draw(), 200).unref();
  }

  readonly onStage = ({ stage }: BuildStageEvent): void => {
    this.#stage = stage;
    this.#phase = '';
    this.#heardAt = this.now();
  };

  readonly onProgress = ({ phase, step, steps, finished }: BuildProgress): void => {
    this.#phase = finished ? '' : `${phase} ${step}/${steps}`;
    this.#heardAt = this.now();
  };

  draw(): void {
    const seconds = (ms: number) => `${(ms / 1000).toFixed(0)} s`;
    const silentMs = this.now() - this.#heardAt;
    const parts = [`${stageTexts[this.#stage]}, ${seconds(this.now() - this.#startedAt)}`];
    if (this.#stage === 'build') {
      if (this.#phase !== '') parts.push(this.#phase);
      if (silentMs >= 2000) parts.push(`TensorRT has said nothing for ${seconds(silentMs)}`);
    }
    const text = parts.join(' · ').slice(0, Math.max(0, (this.stream.columns ?? 80) - 1));
    this.stream.write(`\r\x1b[K${text}`);
  }

  clear(): void {
    clearInterval(this.#timer);
    this.stream.write('\r\x1b[K');
  }
}
