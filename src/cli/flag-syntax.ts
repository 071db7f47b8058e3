/**
 * How docker-machine reads the text of a value: Go's `strconv`. The same rules hold for flags and for environment
 * variables.
 */

const TRUE_WORDS: ReadonlySet<string> = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE_WORDS: ReadonlySet<string> = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

/** Go's ParseBool; undefined for any other word. */
export function parseBool(text: string): boolean | undefined {
  if (TRUE_WORDS.has(text)) return true;
  return FALSE_WORDS.has(text) ? false : undefined;
}

const INTEGER = /^[+-]?(?:0[xX](?:_?[0-9a-fA-F])+|0[bB](?:_?[01])+|0[oO]?(?:_?[0-7])+|0|[1-9](?:_?[0-9])*)$/;

/** Go's ParseInt with base 0: decimal, 0x, 0o, 0b, a leading 0 for octal, `_` between digits. Or why it is none. */
export function parseInteger(text: string): number | 'parse error' | 'value out of range' {
  if (!INTEGER.test(text)) return 'parse error';
  const negative = text.startsWith('-');
  const digits = text.replace(/^[+-]/, '').replaceAll('_', '');
  const value = Number(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
  if (!Number.isSafeInteger(value)) return 'value out of range';
  return negative && value !== 0 ? -value : value;
}

/**
 * oclif takes the value of `--name=-x` for a flag when a flag `-x` exists. A NUL before the dash prevents that: no
 * command line of an operating system can hold one, so it cannot be mistaken for the user's own.
 */
const SHIELD = '\0';

/** The canonical word `--name=value` that oclif reads as exactly this value. */
export function flagWord(name: string, value: string): string {
  return `--${name}=${value.startsWith('-') ? SHIELD : ''}${value}`;
}

/** Takes off what `flagWord` may have put before a value. */
export function unshielded(value: string): string {
  return value.startsWith(SHIELD) ? value.slice(SHIELD.length) : value;
}
