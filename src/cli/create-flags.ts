import type { DriverOption } from '../core/driver.js';
import type { FlagSpec } from './flag-spec.js';
import { SHARED_CREATE_FLAGS } from './shared-create-flags.js';

/**
 * First phase: the driver that a `create` line names, before anything knows the driver's flags. `args` are the words
 * after `create`. The last one wins, as it will when the line is read in full; undefined when it names none.
 */
export function findDriverName(args: readonly string[]): string | undefined {
  let found: string | undefined;
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at] ?? '';
    if (word === '--') break;
    const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(word);
    const flag = SHARED_CREATE_FLAGS.find(
      ({ name, short }) => match !== null && (match[1] === name || match[1] === short),
    );
    if (flag === undefined || flag.type === 'bool') continue;
    const inline = match?.[2];
    if (inline === undefined) at += 1;
    if (flag.name === 'driver') found = inline ?? args[at] ?? found;
  }
  return found === '' ? undefined : found;
}

/**
 * Second phase: all flags of a `create` line. `drivers` are the options of the driver that the line names, or of all
 * that may be chosen when it names none; of two flags with one name the first counts.
 */
export function createFlags(...drivers: readonly (readonly DriverOption[])[]): readonly FlagSpec[] {
  const flags = new Map<string, FlagSpec>();
  for (const flag of [...SHARED_CREATE_FLAGS, ...drivers.flat()]) {
    if (!flags.has(flag.name)) flags.set(flag.name, flag);
  }
  return [...flags.values()];
}
