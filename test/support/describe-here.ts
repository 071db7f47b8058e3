import { describe, test } from '@jest/globals';

/** What a suite needs and this computer lacks. */
export interface Lack {
  readonly why: string;
  /** It could be had here: CI sees to that beforehand. */
  readonly isMendable: boolean;
}

/**
 * A suite of real programs. Where they are lacking it is skipped, with the reason in its name; in CI, where they could have been had, it fails:
 * what was never run is not shown.
 */
export function describeHere(claim: string, lack: Lack | undefined, suite: () => void): void {
  switch (verdictOn(lack, Boolean(process.env['CI']))) {
    case 'run':
      describe(claim, suite);
      break;
    case 'fail':
      describe(claim, () => {
        test('has what it needs', () => {
          throw new Error(lack?.why);
        });
      });
      break;
    case 'skip':
      describe.skip(`${claim} (skipped: ${lack?.why})`, suite);
  }
}

/** The rule of `describeHere`. */
export function verdictOn(lack: Lack | undefined, isCi: boolean): 'run' | 'fail' | 'skip' {
  if (lack === undefined) return 'run';
  return isCi && lack.isMendable ? 'fail' : 'skip';
}
