import { commented, type Dialect, octalCodes } from './dialect.js';

/**
 * bash, zsh, sh and whatever else is like them. The hint's `eval $(...)` is not quoted: the shell splits our lines at
 * blanks, looks for file name patterns, and `eval` joins all of them with single spaces. Hence three ways to write a value:
 * in double quotes as docker-machine does when nothing inside means more than itself; in single quotes; in octal when it
 * has blanks in a row or could be a pattern. `!` is safe in what `eval` reads, but not in a line that is pasted.
 */
export const posix: Dialect = {
  set: (name, value) => `export ${name}=${written(value)}`,
  unset: (name) => `unset ${name}`,
  // Joined with spaces, `unset A export B="b"` would be one command.
  separator: ';',
  hint: (commandLine) => commented('#', `eval $(${commandLine})`),
  failure: 'false',
};

function written(value: string): string {
  if (/[*?[\]\n\r\t]|^ | $| {2}/.test(value)) return `"$(printf '${octalCodes(value)}')"`;
  // Between double quotes a backslash stands for itself unless one of $, a backquote, ", \ or the end follows.
  if (/["$`!]|\\\\|\\$/.test(value)) return `'${value.replaceAll("'", "'\\''")}'`;
  return `"${value}"`;
}
