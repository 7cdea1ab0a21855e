import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { mutate } from './onnx-mutations';
import { onnxSeeds } from './onnx-seeds';
import { Random } from './random';

export type FuzzTarget = 'reader' | 'session' | 'build';

export interface FuzzOptions {
  count: number;
  /** File number `i` is the same for the same seed on every machine. */
  seed: number;
  targets: readonly FuzzTarget[];
  /** Work folder; emptied before. */
  folder: string;
  /** Processes side by side. */
  workers: number;
}

export interface FuzzResult {
  /** How often each outcome was met: `ok`, an error code, or a fault. */
  outcomes: Record<FuzzTarget, Record<string, number>>;
  /** Files on which the service itself ended. */
  serviceCrashes: { file: string; target: FuzzTarget; how: string }[];
  /** Files on which the build process ended, and the service went on. */
  buildCrashes: string[];
}

const workerPath = path.join(__dirname, 'onnx-worker.mjs');

/** A service process that is replaced when it dies. */
export class FuzzService {
  private child: ChildProcess | undefined;

  /** What became of a file: `ok`, an error code, a fault, or how the process ended. */
  async run(file: string, target: FuzzTarget): Promise<{ outcome: string; crashed: boolean }> {
    if (this.child?.connected !== true) {
      this.child = fork(workerPath, [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    }
    const { child } = this;
    return new Promise((resolve) => {
      const onExit = (code: number | null, signal: string | null): void => {
        child.off('message', onMessage);
        this.child = undefined;
        resolve({ outcome: `ended by ${signal ?? `exit code ${code}`}`, crashed: true });
      };
      const onMessage = (message: unknown): void => {
        child.off('exit', onExit);
        resolve({ outcome: (message as { outcome: string }).outcome, crashed: false });
      };
      child.once('message', onMessage);
      child.once('exit', onExit);
      // An error of sending means that the process is going; `exit` follows.
      child.send({ file, target }, () => {});
    });
  }

  async close(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.disconnect();
    await once(child, 'exit');
  }
}

/** The bytes of mutated file number `index`. */
export function mutatedModel(seed: number, index: number, seeds = onnxSeeds()): Uint8Array {
  return mutate(new Random(seed * 1_000_003 + index), seeds);
}

/** Runs mutated models through the targets. Offending files are left in the folder. */
export async function fuzzOnnx(options: FuzzOptions): Promise<FuzzResult> {
  const { count, seed, targets, folder } = options;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(path.join(folder, 'crashes'), { recursive: true });
  writeFileSync(path.join(folder, 'weights.bin'), new Uint8Array(16));
  const result: FuzzResult = {
    outcomes: { reader: {}, session: {}, build: {} },
    serviceCrashes: [],
    buildCrashes: [],
  };
  const seeds = onnxSeeds();
  let next = 0;
  const work = async (): Promise<void> => {
    const service = new FuzzService();
    for (let index = next++; index < count; index = next++) {
      const file = path.join(folder, `${seed}-${index}.onnx`);
      writeFileSync(file, mutatedModel(seed, index, seeds));
      for (const target of targets) {
        const { outcome, crashed } = await service.run(file, target);
        result.outcomes[target][outcome] = (result.outcomes[target][outcome] ?? 0) + 1;
        if (!crashed && outcome !== 'ERR_BUILD_CRASHED') continue;
        const kept = path.join(folder, 'crashes', path.basename(file));
        copyFileSync(file, kept);
        if (crashed) result.serviceCrashes.push({ file: kept, target, how: outcome });
        else result.buildCrashes.push(kept);
      }
      rmSync(file);
    }
    await service.close();
  };
  await Promise.all(Array.from({ length: options.workers }, work));
  return result;
}
