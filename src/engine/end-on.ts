import { TensorRTNodeError } from '../errors';

/**
 * Calls `end` with the signal's reason when it fires or has fired, and with ERR_DEADLINE once the time is up.
 * Returns what puts an end to the watch.
 * @param message of ERR_DEADLINE
 */
export function endOn(
  end: (reason: unknown) => void,
  limits: { signal: AbortSignal | undefined; timeoutMs: number | undefined; message: string },
): () => void {
  const { signal, timeoutMs, message } = limits;
  const onAbort = (): void => end(signal!.reason);
  if (signal?.aborted) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => end(new TensorRTNodeError('ERR_DEADLINE', message)), timeoutMs);
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  };
}
