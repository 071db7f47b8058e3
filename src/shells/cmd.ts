import { commented, type Dialect, type HomeDirectory } from './dialect.js';

/**
 * cmd.exe, whose output is run line by line by `FOR /f ... DO @%i`. The text of %i is not searched for `&`, `|`, `<`, `>`,
 * `^` and `%` again, but a batch file or a pasted line is: quotes around the whole assignment keep it in one piece in
 * either case. `%` cannot be written so that both read it right; it is written for FOR.
 */
export const cmd: Dialect = {
  set: (name, value, home) => {
    const rest = belowForeignHome(value, home);
    if (rest !== undefined) return `CALL SET "${name}=%${home?.variable}%${rest}"`;
    return isPlain(value) ? `SET ${name}=${value}` : `SET "${name}=${value}"`;
  },
  unset: (name) => `SET ${name}=`,
  hint: (commandLine) => commented('REM', `\t@FOR /f "tokens=*" %i IN ('${commandLine}') DO @%i`),
  // `EXIT /B` would close an interactive cmd.
  failure: 'CMD /C EXIT 1',
};

function isPlain(value: string): boolean {
  return !/[&|<>^"]|^\s|\s$/.test(value);
}

/**
 * The part of a path below the user's directory when that has letters outside ASCII: cmd reads our output in the console's
 * code page, so that `Käyttäjä` would become another name (P11). Its variable holds the true one; CALL expands it where FOR does not.
 * CALL also doubles `^` and reads `%`, so paths with those are left as they are.
 */
function belowForeignHome(value: string, home: HomeDirectory | undefined): string | undefined {
  if (home === undefined || !value.startsWith(`${home.path}\\`)) return undefined;
  const rest = value.slice(home.path.length);
  if (/^[ -~]*$/.test(home.path) || !/^[ -~]*$/.test(rest) || /["%^!]/.test(value)) return undefined;
  return rest;
}
