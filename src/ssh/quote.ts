import { GuestError } from '../core/errors.js';

/** Words that every shell takes as they are. */
const PLAIN = /^[A-Za-z0-9_@%+:,./-]+$/;

/**
 * The one way a value becomes part of a command line in a guest: a single word for any POSIX shell, whatever is in it. Throws
 * GuestError for a NUL, which no argument of a program can hold.
 */
export function quote(word: string): string {
  if (word.includes('\0')) {
    throw new GuestError({
      code: 'GUEST_ARGUMENT_INVALID',
      message: 'A command for the guest has an argument with a NUL character in it',
      reason: 'no program can be given one',
    });
  }
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
