import { commented, type Dialect } from './dialect.js';

/**
 * fish joins the lines of a command substitution with spaces before it evaluates them, hence the semicolons. Within double
 * quotes it expands variables and (since 3.4) command substitutions; within single quotes only `\\` and `\'` are special.
 */
export const fish: Dialect = {
  set: (name, value) => `set -gx ${name} ${isPlain(value) ? `"${value}"` : singleQuoted(value)};`,
  unset: (name) => `set -e ${name};`,
  hint: (commandLine) => commented('#', `eval (${commandLine})`),
  failure: 'false;',
};

function isPlain(value: string): boolean {
  return !/["$\n\r]|\\\\|\\$/.test(value);
}

function singleQuoted(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
