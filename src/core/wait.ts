import { TimedOutError, throwIfInterrupted } from './errors.js';
import type { Clock } from './ports.js';

/** What one look at the world found: the value waited for, or what was seen instead. */
export type Observation<T> =
  | { readonly done: true; readonly value: T }
  | { readonly done: false; readonly seen: string };

export interface WaitLimits {
  readonly everyMs: number;
  /** A function where it depends on what has been seen. */
  readonly withinMs: number | (() => number);
  /** Gives up earlier when nothing new has been seen for so long: a slow guest gets its time, a dead one does not. */
  readonly quietMs?: number | (() => number);
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * The one polling loop: looks until `probe` is done. `description` completes "Timed out waiting for ...".
 * Throws TimedOutError with what was last seen, or the signal's reason.
 */
export async function waitUntil<T>(
  description: string,
  probe: () => Promise<Observation<T>>,
  limits: WaitLimits,
): Promise<T> {
  const { clock, signal, everyMs, withinMs, quietMs = withinMs } = limits;
  const begunAt = clock.monotonic();
  let newsAt = begunAt;
  let lastSeen = '';
  for (;;) {
    throwIfInterrupted(signal);
    const observation = await probe();
    if (observation.done) return observation.value;
    const now = clock.monotonic();
    if (observation.seen !== lastSeen) {
      lastSeen = observation.seen;
      newsAt = now;
    }
    const leftMs = Math.min(begunAt + limitOf(withinMs) - now, newsAt + limitOf(quietMs) - now);
    if (leftMs <= 0) {
      throw new TimedOutError({
        code: 'TIMED_OUT',
        message: `Timed out after ${Math.round((now - begunAt) / 1000)} s waiting for ${description}`,
        reason: `last seen: ${lastSeen}`,
        lastSeen,
      });
    }
    await clock.sleep(Math.min(everyMs, leftMs), signal);
  }
}

function limitOf(limit: number | (() => number)): number {
  return typeof limit === 'number' ? limit : limit();
}
