import { throwIfInterrupted } from '../core/errors.js';
import type { Clock, Random } from '../core/ports.js';
import type { Reporter } from '../core/reporter.js';
import { TransferFault } from './transfer-fault.js';

export interface RetryTools {
  readonly clock: Clock;
  readonly random: Random;
}

export interface RetryOptions {
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
  /** Bytes gained so far. */
  readonly progress: () => number;
  /** Fewer tries than the fault allows. */
  readonly mostTries?: number;
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 16_000;
/** Each try may gain a few bytes and none the whole: this many and it is enough. */
const MOST_TRIES = 40;

/**
 * Does `attempt` until it succeeds or its fault allows no further try. Tries that `progressed` do not count against the fault's
 * own limit. Waits grow from one second to sixteen, shortened at random by up to a half so that many callers do not return
 * at once. Throws the DownloadError of the last fault, what else `attempt` throws, or the signal's reason.
 */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  options: RetryOptions,
  tools: RetryTools,
): Promise<T> {
  let fruitless = 0;
  for (let tries = 1; ; tries++) {
    const before = options.progress();
    try {
      return await attempt();
    } catch (error) {
      throwIfInterrupted(options.signal);
      if (!(error instanceof TransferFault)) throw error;
      fruitless = options.progress() > before ? 1 : fruitless + 1;
      if (fruitless >= error.retry.tries || tries >= (options.mostTries ?? MOST_TRIES)) throw error.failure;
      const waitMs = error.retry.afterMs ?? backoffMs(fruitless, tools.random);
      options.reporter.warn(`${error.failure.message}. Trying again in ${Math.ceil(waitMs / 1000)} s.`);
      await sleepOrInterrupt(waitMs, options.signal, tools.clock);
    }
  }
}

function backoffMs(fruitless: number, random: Random): number {
  const full = Math.min(FIRST_WAIT_MS * 2 ** (fruitless - 1), LONGEST_WAIT_MS);
  return Math.round(full * (1 - ((random.bytes(1)[0] ?? 0) / 256) * 0.5));
}

async function sleepOrInterrupt(waitMs: number, signal: AbortSignal, clock: Clock): Promise<void> {
  try {
    await clock.sleep(waitMs, signal);
  } catch (error) {
    throwIfInterrupted(signal);
    throw error;
  }
}
