import type { DownloadError } from '../core/errors.js';

/** Whether one more try may help: how many tries in all, and how long the other side asks us to wait before the next. */
export interface Retry {
  readonly tries: number;
  readonly afterMs?: number | undefined;
}

export const NO_RETRY: Retry = { tries: 1 };

/** One try that failed: what the user is told when it was the last one, and whether there may be another. */
export class TransferFault extends Error {
  readonly failure: DownloadError;
  readonly retry: Retry;
  /** Nothing was exchanged with the other side: another proxy may be tried in its place. */
  readonly neverReached: boolean;

  constructor(failure: DownloadError, retry: Retry, neverReached = false) {
    super(failure.message, { cause: failure });
    this.name = 'TransferFault';
    this.failure = failure;
    this.retry = retry;
    this.neverReached = neverReached;
  }
}
