import { rename, stat, unlink } from 'node:fs/promises';
import { messageOf, StoreError, throwIfInterrupted } from '../core/errors.js';
import type { Clock, FileSwaps, HostFacts, Random } from '../core/ports.js';
import { systemErrorCode } from '../core/system-error.js';

const REPLACE_WITHIN_MS = 60_000;
const DISCARD_WITHIN_MS = 2_000;
/** From here on the user is told what is being waited for. */
const TELL_AFTER_MS = 2_000;
const USUAL_HOLDERS = 'commonly a virus scanner, a backup, or a virtual machine that runs from it';
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 100;

/** What of `node:fs` is used: a test hands in calls that fail as Windows does. */
export interface SwapCalls {
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  stat(path: string): Promise<{ isDirectory(): boolean; readonly mode: number }>;
}

export interface FileSwapsParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly platform: HostFacts['platform'];
  readonly calls?: SwapCalls;
}

/**
 * Replaces and deletes files that a virus scanner, an indexer or another process may hold for a moment. The schedule is the one that
 * Node's ecosystem settled on: https://github.com/isaacs/node-graceful-fs/pull/97, with the fast failures that
 * https://github.com/isaacs/node-graceful-fs/issues/98 asks for.
 */
export class SystemFileSwaps implements FileSwaps {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #platform: HostFacts['platform'];
  readonly #calls: SwapCalls;

  constructor({ clock, random, platform, calls = { rename, unlink, stat } }: FileSwapsParts) {
    this.#clock = clock;
    this.#random = random;
    this.#platform = platform;
    this.#calls = calls;
  }

  async replace(
    temporary: string,
    target: string,
    options: { readonly signal?: AbortSignal; readonly onHeld?: (line: string) => void } = {},
  ): Promise<void> {
    const begunAt = this.#clock.monotonic();
    let told = false;
    for (const pause of this.#pauses()) {
      const error = await attempt(() => this.#calls.rename(temporary, target));
      if (error === undefined) return;
      const forbidden = await this.#whyForbidden(error, target);
      if (forbidden !== undefined) throw cannotReplace(target, forbidden, error);
      const waitedMs = this.#clock.monotonic() - begunAt;
      if (waitedMs >= REPLACE_WITHIN_MS) {
        throw cannotReplace(
          target,
          `another program has held the file for ${seconds(waitedMs)}, ${USUAL_HOLDERS}`,
          error,
        );
      }
      if (!told && waitedMs >= TELL_AFTER_MS) {
        told = true;
        options.onHeld?.(
          `"${target}" has been held by another program for ${seconds(waitedMs)}; waiting up to ${seconds(REPLACE_WITHIN_MS)} (${USUAL_HOLDERS})`,
        );
      }
      await this.#pause(pause, options.signal);
    }
  }

  async discard(path: string): Promise<boolean> {
    const begunAt = this.#clock.monotonic();
    for (const pause of this.#pauses()) {
      const error = await attempt(() => this.#calls.unlink(path));
      if (error === undefined || systemErrorCode(error) === 'ENOENT') return true;
      if (!this.#isPassing(error) || this.#clock.monotonic() - begunAt >= DISCARD_WITHIN_MS) return false;
      await this.#clock.sleep(pause);
    }
    return false;
  }

  /** Growing pauses with up to a tenth of jitter, so that two waiters do not stay in step. */
  *#pauses(): Generator<number> {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause + FIRST_PAUSE_MS, LONGEST_PAUSE_MS)) {
      yield pause + (pause * (this.#random.bytes(1)[0] ?? 0)) / 2550;
    }
  }

  async #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#clock.sleep(ms, signal);
    } catch (error) {
      if (signal !== undefined) throwIfInterrupted(signal);
      throw error;
    }
  }

  /** Only Windows says EPERM or EACCES for a file that is in use; elsewhere the words mean what they say. */
  #isPassing(error: unknown): boolean {
    const code = systemErrorCode(error);
    return code === 'EBUSY' || (this.#platform === 'win32' && (code === 'EPERM' || code === 'EACCES'));
  }

  /** Why waiting would not help, or undefined. */
  async #whyForbidden(error: unknown, target: string): Promise<string | undefined> {
    if (!this.#isPassing(error))
      return systemErrorCode(error) === 'EISDIR' ? 'it is a directory' : messageOf(error);
    const found = await this.#calls.stat(target).catch(() => undefined);
    if (found?.isDirectory()) return 'it is a directory';
    if (this.#platform === 'win32' && found !== undefined && (found.mode & 0o200) === 0) {
      return 'its read-only attribute is set';
    }
    return undefined;
  }
}

/** The error of a call, or undefined when it went well. */
async function attempt(call: () => Promise<void>): Promise<unknown> {
  try {
    await call();
    return undefined;
  } catch (error) {
    return error ?? new Error('unknown error');
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

function cannotReplace(target: string, reason: string, cause: unknown): StoreError {
  return new StoreError({
    code: 'FILE_NOT_REPLACED',
    message: `Could not replace "${target}"`,
    reason,
    nextSteps: [
      'the old file is still in place: close the program that uses it, or move what is in the way, and run the command again',
    ],
    cause,
  });
}
