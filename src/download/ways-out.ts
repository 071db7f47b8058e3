import { DownloadError } from '../core/errors.js';

/** The same error with more that can be done about it. */
export function withSteps(error: DownloadError, steps: readonly string[]): DownloadError {
  const { code, message, stage, reason, cause, exitCode } = error;
  return new DownloadError({
    ...{ code, message, stage, reason, cause, exitCode },
    nextSteps: [...error.nextSteps, ...steps],
  });
}

/** Failures of which nobody can tell from the error alone where on the way they happen. */
const UNCLEAR = new Set(['CONNECTION_CUT', 'STALLED', 'UNREACHABLE', 'NAME_NOT_FOUND', 'PROXY_REFUSED']);

/** How to see where the way to `url` ends, for a failure that does not say it. */
export function lookAtTheWay({ code }: DownloadError, url: string): readonly string[] {
  return UNCLEAR.has(code) ? [`see each step of the way: tmachine proxy check ${new URL(url).origin}`] : [];
}
