import type { FlagValues } from './driver.js';

/** A text flag; empty when it was not given. */
export function stringFlag(flags: FlagValues, name: string): string {
  const value = flags[name];
  return typeof value === 'string' ? value : '';
}

/** A whole-number flag; `fallback` when it was not given. The command line has refused anything else. */
export function integerFlag(flags: FlagValues, name: string, fallback: number): number {
  const value = flags[name];
  return typeof value === 'number' ? value : fallback;
}
