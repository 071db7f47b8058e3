import { commented, type Dialect } from './dialect.js';

/**
 * Windows PowerShell and PowerShell. Characters outside ASCII are written as `$([char]0x..)`: Windows PowerShell reads a
 * program's output in the console's code page, so that they would arrive as other characters (P11). That also covers the
 * typographic quotes, which PowerShell takes for quotes.
 */
export const powershell: Dialect = {
  set: (name, value) => `$Env:${name} = ${quoted(value)}`,
  // docker-machine writes two backslashes.
  unset: (name) => `Remove-Item Env:\\${name}`,
  hint: (commandLine) => commented('#', `& ${commandLine} | Invoke-Expression`),
  failure: "throw 'no environment was printed'",
};

function quoted(value: string): string {
  const escaped = value
    .replace(/["$`]/g, '`$&')
    // By UTF-16 unit: [char] holds no more, and two in a row make the one character again.
    .replace(/[^ -~]/g, (unit) => `$([char]0x${hex(unit)})`);
  return `"${escaped}"`;
}

function hex(unit: string): string {
  return unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
}
