import { describe, expect, test } from '@jest/globals';
import { renderEnv } from '../../src/shells/render.js';
import { HOSTILE_VALUES } from './hostile-values.js';

const commandLine = ['tmachine', 'env'];

/** The lines of the output without the hint. */
function linesFor(shell: string, value: string, home?: { variable: string; path: string }): string {
  const output = renderEnv({ shell, changes: [{ name: 'V', value }], commandLine, home });
  return output.split('\n')[0] ?? '';
}

/**
 * An expandable string of PowerShell, read by its grammar (about_Quoting_Rules): it ends at any double quote, also a
 * typographic one; a backquote takes the next character as it is; `$` begins an expansion, of which only `$([char]0xHHHH)`
 * is allowed here. Throws for whatever would do more than give a text.
 */
function readPowerShell(line: string): string {
  const match = /^\$Env:V = "(.*)"$/s.exec(line);
  if (match?.[1] === undefined) throw new Error(`not an assignment: ${line}`);
  const body = match[1];
  let value = '';
  for (let at = 0; at < body.length; at += 1) {
    const character = body.charAt(at);
    if (/["\u201c\u201d\u201e]/.test(character)) throw new Error(`the string ends early: ${line}`);
    if (/[^ -~]/.test(character)) throw new Error(`depends on the code page: ${line}`);
    if (character === '`') {
      at += 1;
      if (!/["$`]/.test(body.charAt(at))) throw new Error(`an escape with a meaning of its own: ${line}`);
      value += body.charAt(at);
    } else if (character === '$') {
      const unit = /^\$\(\[char\]0x([0-9A-F]{4})\)/.exec(body.slice(at));
      if (unit?.[1] === undefined) throw new Error(`an expansion: ${line}`);
      value += String.fromCharCode(Number.parseInt(unit[1], 16));
      at += unit[0].length - 1;
    } else {
      value += character;
    }
  }
  return value;
}

/**
 * What `FOR /f "tokens=*" %i IN (...) DO @%i` makes of a line: blanks before it go, the rest is run as one simple command,
 * unread for `&|<>^%`; SET takes what stands between its first and its last quote, or all to the end of the line; CALL reads
 * the line once more, with variables.
 */
function runByFor(line: string, variables: Readonly<Record<string, string>>): string {
  const command = line.replace(/^\s+/, '');
  const called = /^CALL (SET .*)$/.exec(command);
  if (called?.[1] !== undefined) {
    if (/[\^&|<>]/.test(called[1].replace(/"[^"]*"/g, '')) || called[1].includes('^')) {
      throw new Error(`CALL would change it: ${line}`);
    }
    return set(called[1].replace(/%([^%]*)%/g, (_, name: string) => variables[name] ?? ''));
  }
  return set(command);
}

/** The same line in a batch file: percent signs and special characters outside quotes are read. */
function runInBatch(line: string, variables: Readonly<Record<string, string>>): string {
  const expanded = line.replace(/%([^%]*)%/g, (_, name: string) => variables[name] ?? '');
  if (/[&|<>^]/.test(expanded.replace(/"[^"]*("|$)/g, ''))) throw new Error(`taken apart: ${line}`);
  return runByFor(expanded, variables);
}

function set(command: string): string {
  const quoted = /^SET "V=(.*)"[^"]*$/.exec(command);
  const plain = /^SET V=(.*)$/.exec(command);
  const value = quoted?.[1] ?? plain?.[1];
  if (value === undefined) throw new Error(`not an assignment: ${command}`);
  return value;
}

describe('PowerShell', () => {
  test.each(HOSTILE_VALUES)('P11: reads %j back exactly, in any code page', (value) => {
    expect(readPowerShell(linesFor('powershell', value))).toBe(value);
  });
});

describe('cmd', () => {
  // No path on Windows holds these, and no line of cmd could.
  const possible = HOSTILE_VALUES.filter((value) => !/["\t]/.test(value));

  test.each(possible)('P11: FOR /f reads %j back exactly', (value) => {
    expect(runByFor(linesFor('cmd', value), {})).toBe(value);
  });

  test.each(possible.filter((value) => !value.includes('%')))(
    'a batch file reads %j back exactly',
    (value) => {
      expect(runInBatch(linesFor('cmd', value), {})).toBe(value);
    },
  );

  test("P11: a path below a user's directory with foreign letters is reached through its variable", () => {
    const home = { variable: 'USERPROFILE', path: "C:\\Users\\Käyttäjä O'Neil & X" };
    const value = `${home.path}\\.docker\\machine\\machines\\default`;
    const line = linesFor('cmd', value, home);
    expect(line).toBe('CALL SET "V=%USERPROFILE%\\.docker\\machine\\machines\\default"');
    expect(runByFor(line, { USERPROFILE: home.path })).toBe(value);
    expect(runInBatch(line, { USERPROFILE: home.path })).toBe(value);
  });

  test.each([
    ['an ASCII user name', 'C:\\Users\\Lenovo X250', 'C:\\Users\\Lenovo X250\\.docker'],
    ['a path elsewhere', 'C:\\Users\\Käyttäjä', 'D:\\Käyttäjä\\.docker'],
    ['a directory whose name only begins like the home', 'C:\\Users\\Kä', 'C:\\Users\\Käyttäjä\\.docker'],
    ['a percent sign, which CALL would read', 'C:\\Users\\Kä', 'C:\\Users\\Kä\\100%x%'],
    ['a caret, which CALL would double', 'C:\\Users\\Kä', 'C:\\Users\\Kä\\a^b'],
    ['foreign letters below the home too', 'C:\\Users\\Kä', 'C:\\Users\\Kä\\ü'],
  ])('the value is written as it is for %s', (_, path, value) => {
    expect(runByFor(linesFor('cmd', value, { variable: 'USERPROFILE', path }), {})).toBe(value);
  });
});
