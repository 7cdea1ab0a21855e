/**
 * What the .node file exports: the only description of it. Internal; the public classes live above.
 *
 * Each method names its mode: [sync] runs on the JS thread in well under a millisecond, [async] does its
 * work on a native thread of ours and settles a Promise. Errors carry `code` (see errors.ts) and `details`.
 */

import type { CpuContract } from './cpu-contract';
import type { CudaContract } from './cuda-contract';
import type { TrtContract } from './trt-contract';
import type { TrtToolContract } from './trt-tool-contract';
import type { VisionContract } from './vision-contract';

/** Bytes of a typed array or Buffer, read or copied during the call that receives it. */
export type Bytes = NodeJS.TypedArray | DataView | Buffer;

declare const bufferTag: unique symbol;
/**
 * Host memory owned natively (64-byte aligned, pooled), as an opaque handle. It lets stages pass data
 * without copies through V8; contents cross to JS by copy only. A task that uses the buffer keeps its
 * memory alive, so releasing the handle meanwhile is safe.
 */
export type BufferHandle = { readonly [bufferTag]: never };

export interface CoreContract {
  /** [sync] Throws ERR_OUT_OF_MEMORY. Contents are undefined. */
  bufferAllocate(byteLength: number): BufferHandle;
  /** [sync] Throws ERR_DISPOSED after release, as the next two do. */
  bufferByteLength(buffer: BufferHandle): number;
  /** [sync] Copies `source` in. Throws ERR_INVALID_ARGUMENT when it does not fit. */
  bufferWrite(buffer: BufferHandle, source: Bytes, byteOffset?: number): void;
  /** [sync] Copies bytes out into a new ArrayBuffer. Default: the whole buffer. */
  bufferRead(buffer: BufferHandle, byteOffset?: number, byteLength?: number): ArrayBuffer;
  /** [sync] Gives the memory back once no running task uses it. Safe to call twice. */
  bufferRelease(buffer: BufferHandle): void;
  /** [sync] Facts about this binary and this machine. */
  buildInfo(): BuildInfo;
  /** [sync] Cancels all tasks of this thread and waits for them; for the process's `exit` event alone. */
  endTasks(): void;
  /** [async] Resolves with `value` after `delayMs` on a pool thread; rejects with ERR_INTERNAL when `fail`. For tests of the task runner. */
  testTask(delayMs: number, value: number, fail: boolean): Promise<number>;
}

declare const lockTag: unique symbol;
export type LockHandle = { readonly [lockTag]: never };

export interface FileLockContract {
  /**
   * [sync] Takes an exclusive lock on `path` (flock), creating the file when missing; null when another
   * process, thread or caller holds it. The kernel releases it when the process ends. Throws ERR_IO.
   */
  fileTryLock(path: string): LockHandle | null;
  /** [sync] Unlocks, after deleting the lock file when `remove`. Safe to call twice. */
  fileUnlock(lock: LockHandle, remove: boolean): void;
}

export interface BuildInfo {
  napiVersion: number;
  compiler: string;
  /** Threads of the shared pool for image work: cores − 1, at least 1. */
  poolThreads: number;
  /** Instruction sets that this CPU has, of those that the native code can use. */
  cpuFeatures: string[];
}

export interface NativeAddon
  extends CoreContract,
    FileLockContract,
    CpuContract,
    CudaContract,
    TrtContract,
    TrtToolContract,
    VisionContract {}
