import type { VariableChange } from '../core/variable-change.js';
import { cmd } from './cmd.js';
import type { Dialect, HomeDirectory } from './dialect.js';
import { emacs } from './emacs.js';
import { fish } from './fish.js';
import { posix } from './posix.js';
import { powershell } from './powershell.js';
import { tcsh } from './tcsh.js';

export interface EnvRequest {
  /** As the user or `detectShell` names it; an unknown name gets the lines of a POSIX shell. */
  readonly shell: string;
  readonly changes: readonly VariableChange[];
  /** The whole command line as it was typed, the program first: what the hint repeats. */
  readonly commandLine: readonly string[];
  /** Lets cmd find a path below it whatever its code page is. */
  readonly home?: HomeDirectory | undefined;
}

const DIALECTS: ReadonlyMap<string, Dialect> = new Map([
  ['fish', fish],
  ['powershell', powershell],
  ['pwsh', powershell],
  ['cmd', cmd],
  ['tcsh', tcsh],
  ['csh', tcsh],
  ['emacs', emacs],
]);

/** The output of `env`: a line for each change in its order, then the hint. Ends with a line end; LF on every platform. */
export function renderEnv(request: EnvRequest): string {
  const dialect = dialectOf(request.shell);
  const lines = request.changes.map(({ name, value }, at) => {
    const line = value === undefined ? dialect.unset(name) : dialect.set(name, value, request.home);
    const next = request.changes[at + 1];
    const changesKind = next !== undefined && (next.value === undefined) !== (value === undefined);
    return line + (changesKind ? (dialect.separator ?? '') : '');
  });
  return joined([...lines, ...dialect.hint(typed(request.commandLine))]);
}

/** A statement that fails in this shell, for an `env` that has nothing to print. */
export function renderFailure(shell: string): string {
  return joined([dialectOf(shell).failure]);
}

function dialectOf(shell: string): Dialect {
  return DIALECTS.get(shell.toLowerCase().replace(/\.exe$/, '')) ?? posix;
}

/** The words joined by spaces, the program in double quotes when a shell would take it apart; never more than one line. */
function typed(commandLine: readonly string[]): string {
  const [program = '', ...words] = commandLine;
  const first = /[ \\]/.test(program) ? `"${program}"` : program;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a line end would turn a comment into a command
  return [first, ...words].join(' ').replace(/[\x00-\x1f\x7f\u2028\u2029]+/g, ' ');
}

function joined(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
