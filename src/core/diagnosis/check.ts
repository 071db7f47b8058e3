import { TmachineError, throwIfInterrupted } from '../errors.js';

/** What a check is about, in the order of the report. */
export const AREAS = [
  'drivers',
  'boot image',
  'store',
  'certificates',
  'network',
  'clients',
  'machines',
] as const;

export type Area = (typeof AREAS)[number];

/** `note` is worth knowing, `problem` wants something done. */
export type Verdict = 'ok' | 'note' | 'problem';

/** A line of the report. */
export interface Check {
  readonly area: Area;
  readonly verdict: Verdict;
  /** Stable and searchable where it is not ok. */
  readonly code: string;
  readonly text: string;
  readonly reason?: string | undefined;
  readonly nextSteps: readonly string[];
  /** With this, `create` without flags cannot succeed. */
  readonly stopsCreate: boolean;
}

export interface Diagnosis {
  readonly checks: readonly Check[];
  /** The driver that `create` would take; undefined when this computer can run none. */
  readonly driverName: string | undefined;
  readonly createWorks: boolean;
}

/** A check with which nothing is wrong. */
export function ok(area: Area, text: string): Check {
  return { area, verdict: 'ok', code: '', text, nextSteps: [], stopsCreate: false };
}

interface Trouble {
  readonly code: string;
  readonly text: string;
  readonly reason?: string | undefined;
  readonly nextSteps?: readonly string[];
  readonly stopsCreate?: boolean;
}

export function note(area: Area, trouble: Trouble): Check {
  return { area, verdict: 'note', nextSteps: [], stopsCreate: false, ...trouble };
}

export function problem(area: Area, trouble: Trouble): Check {
  return { area, verdict: 'problem', nextSteps: [], stopsCreate: false, ...trouble };
}

/** An expected failure as a line of the report. */
export function fromError(area: Area, error: TmachineError, stopsCreate = false): Check {
  const { code, message, reason, nextSteps } = error;
  return problem(area, { code, text: message, reason, nextSteps, stopsCreate });
}

/**
 * The checks that `work` makes; when it fails in an expected way, that failure is the check: one part of a report never takes the others with
 * it. Throws the signal's reason.
 */
export async function attempted(
  area: Area,
  signal: AbortSignal,
  work: () => Promise<readonly Check[]>,
  options: { readonly stopsCreate?: boolean } = {},
): Promise<readonly Check[]> {
  try {
    return await work();
  } catch (error) {
    throwIfInterrupted(signal);
    if (!(error instanceof TmachineError)) throw error;
    return [fromError(area, error, options.stopsCreate ?? false)];
  }
}
