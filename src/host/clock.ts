import { performance } from 'node:perf_hooks';
import type { Clock } from '../core/ports.js';

/** The longest delay that Node's timers take; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The time of this computer. */
export class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  monotonic(): number {
    return performance.now();
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    for (let leftMs = ms; leftMs > LONGEST_TIMER_MS; leftMs -= LONGEST_TIMER_MS) {
      await delay(LONGEST_TIMER_MS, signal);
    }
    await delay(ms % LONGEST_TIMER_MS, signal);
  }
}

/** `node:timers/promises` would hide the signal's reason behind an error of its own. */
function delay(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const interrupt = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', interrupt);
      resolve();
    }, ms);
    signal?.addEventListener('abort', interrupt, { once: true });
  });
}
