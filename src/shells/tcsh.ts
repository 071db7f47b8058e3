import { commented, type Dialect, octalCodes } from './dialect.js';

/**
 * tcsh evaluates this output twice. First the backquotes of the hint's command split it at blanks and expand file name
 * patterns, whatever the quotes; then `eval` joins the words with single spaces and reads the line. A value that would not
 * survive both is written in octal, which only `printf` turns into characters, inside a command substitution that keeps
 * blanks because it stands in double quotes.
 */
export const tcsh: Dialect = {
  set: (name, value) => `setenv ${name} ${isPlain(value) ? `"${value}"` : octal(value)};`,
  unset: (name) => `unsetenv ${name};`,
  hint: (commandLine) => {
    // `:` is a command and not a comment: its arguments are expanded, the backquotes are run.
    return /^[\w@%+=:,./ "-]*$/.test(commandLine) ? commented(':', `eval \`${commandLine}\``) : [];
  },
  failure: 'false;',
};

function isPlain(value: string): boolean {
  return /^[\w@%+=:,./'()-]*( [\w@%+=:,./'()-]+)*$/.test(value);
}

function octal(value: string): string {
  return `"\`printf '${octalCodes(value)}'\`"`;
}
