import type { App } from '../app.js';
import { ExitCode, messageOf, TmachineError, UsageError } from '../errors.js';
import type { MachineRecord } from '../machine.js';

const DEFAULT_NAME = 'default';

/** The machines a command means: the names given, else `default` when it exists. Throws TmachineError with the contract's E1, exit 1. */
export async function namesOrDefault(app: App, names: readonly string[]): Promise<readonly string[]> {
  if (names.length > 0) return [...new Set(names)];
  if (await app.store.exists(DEFAULT_NAME)) return [DEFAULT_NAME];
  throw new TmachineError({
    code: 'NO_MACHINE_NAMED',
    verbatim: true,
    message: 'Error: No machine name(s) specified and no "default" machine exists',
    nextSteps: ['see what there is with: tmachine ls', 'make one with:          tmachine create default'],
  });
}

/** The one machine a command means: the name given, else `default`. Throws UsageError E3 for more than one name. */
export function oneNameOrDefault(names: readonly string[]): string {
  if (names.length > 1) {
    throw new UsageError({
      code: 'ONE_NAME_EXPECTED',
      verbatim: true,
      message: 'Error: Expected one machine name as an argument',
    });
  }
  return names[0] ?? DEFAULT_NAME;
}

/**
 * Loads all machines first: when one cannot be loaded, nothing is done to any. Then works on all at once and reports the failures
 * together; what succeeded stays done. Throws the single error, or one that joins them.
 */
export async function forEachMachine(
  app: App,
  names: readonly string[],
  work: (record: MachineRecord) => Promise<void>,
): Promise<void> {
  const records = await settleAll(names.map((name) => app.store.load(name)));
  await settleAll(records.map(work));
}

async function settleAll<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const values: T[] = [];
  const errors: unknown[] = [];
  for (const outcome of await Promise.allSettled(promises)) {
    if (outcome.status === 'fulfilled') values.push(outcome.value);
    else errors.push(outcome.reason);
  }
  if (errors.length > 0) throw joinErrors(errors);
  return values;
}

/** One error for several, each on a line of its own as the contract has it; a bug among them stays a bug. */
export function joinErrors(errors: readonly unknown[]): unknown {
  const bug = errors.find((error) => !(error instanceof TmachineError));
  if (errors.length === 1 || bug !== undefined) return bug ?? errors[0];
  const known = errors.filter((error) => error instanceof TmachineError);
  return new TmachineError({
    code: 'SEVERAL_FAILED',
    verbatim: true,
    message: known.map(messageOf).join('\n'),
    reason: [...new Set(known.flatMap((error) => error.reason ?? []))].join('; ') || undefined,
    nextSteps: [...new Set(known.flatMap((error) => error.nextSteps))],
    exitCode: known.find((error) => error.exitCode !== ExitCode.failure)?.exitCode ?? ExitCode.failure,
  });
}
