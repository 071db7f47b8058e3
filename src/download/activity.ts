import type { Clock } from '../core/ports.js';

/** Notices when the other side falls silent. A whole transfer may take hours; only silence is limited. */
export interface ActivityWatch {
  /** Raised when the caller gives up or the other side has been silent for too long. */
  readonly signal: AbortSignal;
  /** True after silence, as opposed to the caller's own signal. */
  stalled(): boolean;
  /** Something arrived. */
  seen(): void;
  /** True when something has arrived. */
  hasSeen(): boolean;
  end(): void;
}

/** Begins to watch: `idleMs` without `seen()` raise the signal. Call `end()` when done, or the wait keeps the process alive. */
export function watchActivity(clock: Clock, idleMs: number, outer: AbortSignal): ActivityWatch {
  const silence = new AbortController();
  const done = new AbortController();
  let lastSeen = clock.monotonic();
  let begun = false;

  const watch = async () => {
    for (;;) {
      const quietMs = clock.monotonic() - lastSeen;
      if (quietMs >= idleMs) return silence.abort();
      await clock.sleep(idleMs - quietMs, done.signal);
    }
  };
  // The sleep rejects when the watch is ended: there is nobody to tell.
  watch().catch(() => undefined);

  return {
    signal: AbortSignal.any([outer, silence.signal]),
    stalled: () => silence.signal.aborted && !outer.aborted,
    hasSeen: () => begun,
    seen: () => {
      begun = true;
      lastSeen = clock.monotonic();
    },
    end: () => done.abort(),
  };
}
