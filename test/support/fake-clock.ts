import type { Clock } from '../../src/core/ports.js';

/** 2026-01-02 03:04:05 UTC: any time will do, but the same in every test. */
const BEGIN_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

/**
 * Time that passes only by sleeping, and then at once. After each sleep the event loop gets a turn, so that a loop which polls real
 * files or sockets does not starve them.
 */
export class FakeClock implements Clock {
  /** Every sleep asked for, in milliseconds. */
  readonly sleeps: number[] = [];
  #elapsedMs = 0;
  #jumpMs = 0;
  readonly #begunAtMs: number;

  constructor(begunAtMs = BEGIN_MS) {
    this.#begunAtMs = begunAtMs;
  }

  now(): number {
    return this.#begunAtMs + this.#elapsedMs + this.#jumpMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.sleeps.push(ms);
    this.#elapsedMs += ms;
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }

  /** Time passes without a sleep. */
  advance(ms: number): void {
    this.#elapsedMs += ms;
  }

  /** Somebody sets the wall clock, forth or back; `monotonic` does not notice. */
  jump(ms: number): void {
    this.#jumpMs += ms;
  }
}

interface Sleeper {
  readonly untilMs: number;
  wake(): void;
}

/** Time that passes only when the test says so: a sleep ends once `advance` has passed its end. For deadlines that must not come. */
export class HeldClock implements Clock {
  #elapsedMs = 0;
  readonly #begunAtMs: number;
  readonly #sleepers = new Set<Sleeper>();

  constructor(begunAtMs = BEGIN_MS) {
    this.#begunAtMs = begunAtMs;
  }

  now(): number {
    return this.#begunAtMs + this.#elapsedMs;
  }

  monotonic(): number {
    return this.#elapsedMs;
  }

  /** How many sleeps have not ended. */
  get sleeping(): number {
    return this.#sleepers.size;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const end = () => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener('abort', interrupt);
      };
      const interrupt = () => {
        end();
        reject(signal?.reason);
      };
      const sleeper: Sleeper = {
        untilMs: this.#elapsedMs + ms,
        wake: () => {
          end();
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', interrupt, { once: true });
    });
  }

  /** Lets time pass and wakes, in the order of their ends, the sleeps that are over; then the event loop gets a turn. */
  async advance(ms: number): Promise<void> {
    this.#elapsedMs += ms;
    const over = [...this.#sleepers].filter((sleeper) => sleeper.untilMs <= this.#elapsedMs);
    for (const sleeper of over.sort((a, b) => a.untilMs - b.untilMs)) sleeper.wake();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
