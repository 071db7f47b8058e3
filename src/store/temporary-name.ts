import type { Clock, ProcessTable, Random } from '../core/ports.js';

/** The names that files and directories have before they are renamed into place: beside the target, hidden, with their maker's number. */
const PATTERN = /^\.(.+)\.tmachine-(\d+)-[0-9a-f]{16}$/;
/** A leftover younger than this may belong to a process of another computer that shares the store. */
const LEFTOVER_AFTER_MS = 3_600_000;

export interface Naming {
  readonly processTable: ProcessTable;
  readonly random: Random;
}

/** A name that nobody else uses, for something that will be called `name`. */
export async function temporaryName(name: string, { processTable, random }: Naming): Promise<string> {
  const { pid } = await processTable.self();
  return `.${name}.tmachine-${pid}-${Buffer.from(random.bytes(8)).toString('hex')}`;
}

/**
 * True for a temporary name whose maker is gone and which has lain there for an hour: a kill in the middle of writing left it. What was to be
 * called `own` need not have lain there: it is the caller's to write, under a lock that other computers see, too.
 */
export async function isLeftover(
  entry: { readonly name: string; readonly modifiedAtMs: number },
  { processTable, clock }: { readonly processTable: ProcessTable; readonly clock: Clock },
  own?: string,
): Promise<boolean> {
  const [, name, pid] = PATTERN.exec(entry.name) ?? [];
  if (pid === undefined) return false;
  if (name !== own && clock.now() - entry.modifiedAtMs < LEFTOVER_AFTER_MS) return false;
  return (await processTable.identify(Number(pid))) === undefined;
}

/** True for every name that `temporaryName` makes. */
export function isTemporaryName(name: string): boolean {
  return PATTERN.test(name);
}
