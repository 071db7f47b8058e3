import { InterruptedError, TmachineError, throwIfInterrupted } from './errors.js';
import type { Clock } from './ports.js';

export interface Deadline {
  readonly ms: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The error to throw when time is up. */
  readonly late: () => Error;
}

/**
 * Runs `work` with a limit for the whole of it. The signal given to `work` is raised when time is up or the caller's signal is;
 * the promise rejects at that moment, however long `work` takes to clean up after itself. Throws what `late` makes, the
 * caller's interruption, or what `work` throws.
 */
export async function withDeadline<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { ms, clock, signal, late }: Deadline,
): Promise<T> {
  throwIfInterrupted(signal);
  const timeUp = new AbortController();
  const timer = new AbortController();
  // No listener on the caller's signal: hundreds of waits may share it, and Node warns from eleven on.
  const ending = AbortSignal.any([signal, timeUp.signal]);
  const ended = new Promise<never>((_, reject) => {
    ending.addEventListener(
      'abort',
      () => reject(timeUp.signal.aborted ? timeUp.signal.reason : interruption(signal)),
      {
        once: true,
      },
    );
  });
  clock.sleep(ms, timer.signal).then(
    () => timeUp.abort(late()),
    () => undefined, // the work ended first and cancelled the sleep
  );
  try {
    return await Promise.race([work(ending), ended]);
  } finally {
    timer.abort();
  }
}

/** What to throw for a signal that was raised. */
function interruption(signal: AbortSignal): TmachineError {
  return signal.reason instanceof TmachineError ? signal.reason : new InterruptedError();
}
