import { type LogRecord, log } from '../log';
import type { TrtBuildEvent } from '../native/trt-contract';

/** Where a build stands: TensorRT's phases nest, and several run at a time. */
export interface BuildProgress {
  phase: string;
  /** The phase that this one is part of. */
  parent?: string;
  /** Steps done so far. */
  step: number;
  steps: number;
  finished: boolean;
}

/**
 * What a build as a whole is doing, each stage told when it begins. How long a stage will take nobody knows:
 * TensorRT gives no estimate, and its phases (see {@link BuildProgress}) tell of a small part of `build` only.
 *
 * - `start`: the model is looked at, TensorRT is found, the build process is started
 * - `load`: TensorRT's libraries are loaded
 * - `parse`: TensorRT's ONNX parser reads the model
 * - `build`: TensorRT's builder works; nearly all of the time
 * - `write`: digests, and the plan file
 */
export type BuildStage = 'start' | 'load' | 'parse' | 'build' | 'write';

export interface BuildStageEvent {
  stage: BuildStage;
  /** Milliseconds since the build's turn came. */
  elapsedMs: number;
}

export interface BuildListeners {
  onLog?: (record: LogRecord) => void;
  onProgress?: (progress: BuildProgress) => void;
  onStage?: (event: BuildStageEvent) => void;
}

/** Turns the build process's events into log records and progress. What a listener throws is ignored. */
export class BuildEvents {
  readonly #open = new Map<string, { parent?: string; step: number; steps: number }>();
  readonly #startedAt = performance.now();

  constructor(readonly listeners: BuildListeners) {}

  readonly take = (events: readonly TrtBuildEvent[]): void => {
    for (const event of events) {
      try {
        this.#handle(event);
      } catch {
        // A listener must not end the build.
      }
    }
  };

  stage(stage: BuildStage): void {
    this.take([{ type: 'stage', stage }]);
  }

  #handle(event: TrtBuildEvent): void {
    switch (event.type) {
      case 'log': {
        const record = { level: event.level, source: 'tensorrt', message: event.message };
        log(record.level, record.source, record.message);
        this.listeners.onLog?.(record);
        break;
      }
      case 'stage':
        this.listeners.onStage?.({
          stage: event.stage,
          elapsedMs: performance.now() - this.#startedAt,
        });
        break;
      case 'phase-start': {
        const { phase, parent, steps } = event;
        this.#open.set(phase, { ...(parent === undefined ? {} : { parent }), step: 0, steps });
        this.#report(phase, false);
        break;
      }
      case 'step': {
        const state = this.#open.get(event.phase);
        // Steps count from 0 and arrive when they are done.
        if (state) state.step = Math.min(event.step + 1, state.steps);
        this.#report(event.phase, false);
        break;
      }
      case 'phase-finish':
        this.#report(event.phase, true);
        this.#open.delete(event.phase);
        break;
      case 'parser-error':
        // The error that ends the build names it.
        break;
    }
  }

  #report(phase: string, finished: boolean): void {
    const state = this.#open.get(phase);
    if (state) this.listeners.onProgress?.({ phase, ...state, finished });
  }
}
