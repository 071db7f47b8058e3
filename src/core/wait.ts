import { TimedOutError, throwIfInterrupted } from './errors.js';
import type { Clock } from './ports.js';

/** What one look at the world found: the value waited for, or what was seen instead. */
export type Observation<T> =
  | { readonly done: true; readonly value: T }
  | { readonly done: false; readonly seen: string };

export interface WaitLimits {
  readonly everyMs: number;
  readonly withinMs: number;
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
  const begun = limits.clock.monotonic();
  for (;;) {
    throwIfInterrupted(limits.signal);
    const observation = await probe();
    if (observation.done) return observation.value;
    const waitedMs = limits.clock.monotonic() - begun;
    if (waitedMs >= limits.withinMs) {
      throw new TimedOutError({
        code: 'TIMED_OUT',
        message: `Timed out after ${Math.round(waitedMs / 1000)} s waiting for ${description}`,
        reason: `last seen: ${observation.seen}`,
        lastSeen: observation.seen,
      });
    }
    await limits.clock.sleep(Math.min(limits.everyMs, limits.withinMs - waitedMs), limits.signal);
  }
}
