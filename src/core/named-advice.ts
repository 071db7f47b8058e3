import type { Finding } from './driver.js';
import { HostNotReadyError, TmachineError } from './errors.js';

/** Advice that can be pasted: it names the machine where a catalogue can only say NAME. */
export function named(steps: readonly string[], machineName: string): string[] {
  return steps.map((step) => step.replaceAll(/\bNAME\b/g, machineName));
}

/** The finding with such advice. */
export function namedFinding(finding: Finding, machineName: string): Finding {
  return { ...finding, nextSteps: named(finding.nextSteps, machineName) };
}

/** Runs `work`; an error that it throws gets such advice. Throws what `work` throws. */
export async function withNamedAdvice<T>(machineName: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TmachineError) || !error.nextSteps.some((step) => /\bNAME\b/.test(step)))
      throw error;
    const { code, message, reason, verbatim, exitCode } = error;
    const details = {
      code,
      message,
      reason,
      verbatim,
      nextSteps: named(error.nextSteps, machineName),
      cause: error,
    };
    throw error instanceof HostNotReadyError
      ? new HostNotReadyError(details)
      : new TmachineError({ ...details, exitCode });
  }
}
