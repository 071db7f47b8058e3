import { ExitCode, InterruptedError, messageOf, TmachineError } from '../core/errors.js';
import { plainText } from '../core/plain-text.js';
import { asCalled, shownName } from './as-called.js';
import { CommandLineError, UnknownCommandError } from './command-line-error.js';
import { nearestWord } from './nearest-word.js';
import { fromOclif } from './oclif-errors.js';

/** What an error makes the process print and answer. */
export interface Presentation {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

export interface PresentContext {
  /** The name by which the program was called, as the user may type it again. */
  readonly programName: string;
  /** Adds causes, and the stack of a bug. */
  readonly debug: boolean;
  /** The command that ran, for errors that do not say it themselves; undefined when none was found. */
  readonly command: string | undefined;
  readonly commandNames: readonly string[];
  /** Help of a command, or of the program for undefined, with its last line end; only asked for when it is shown. */
  helpFor(command: string | undefined): string;
}

/**
 * The one place where a failure becomes text. Never throws. The contract's own sentences (`verbatim`) are printed byte
 * for byte; `Why` and `Next` follow on lines of their own. Several failures (AggregateError) are printed one after the
 * other; their common exit code, else 1.
 */
export function presentError(error: unknown, context: PresentContext): Presentation {
  if (error instanceof AggregateError && error.errors.length > 0) {
    const parts = error.errors.map((part) => presentError(part, context));
    const codes = new Set(parts.map((part) => part.exitCode));
    return {
      stdout: parts.map((part) => part.stdout).join(''),
      stderr: parts.map((part) => part.stderr).join(''),
      exitCode: codes.size === 1 ? (parts[0]?.exitCode ?? ExitCode.failure) : ExitCode.failure,
    };
  }
  const known = recognise(error, context);
  if (known === undefined) return presentBug(error, context);
  if (typeof known === 'number') return { stdout: '', stderr: '', exitCode: known };
  return {
    stdout: known instanceof CommandLineError ? helpBefore(known, context) : '',
    stderr: describe(known, context) + (context.debug ? causesOf(known) : ''),
    exitCode: known.exitCode,
  };
}

/** An expected failure, or the exit code alone when everything has been said already; undefined for a bug. */
function recognise(error: unknown, context: PresentContext): TmachineError | number | undefined {
  if (error instanceof UnknownCommandError) return unknownCommand(error.word, context);
  if (error instanceof TmachineError) return error;
  if (typeof error !== 'object' || error === null) return undefined;
  // By name: an aborted call of the platform throws a DOMException, some libraries an Error of their own.
  if ('name' in error && error.name === 'AbortError') {
    const cause = 'cause' in error ? error.cause : undefined;
    return cause instanceof TmachineError ? cause : new InterruptedError();
  }
  if (!(error instanceof Error)) return undefined;
  const translated = fromOclif(error, context.command);
  return translated instanceof UnknownCommandError ? unknownCommand(translated.word, context) : translated;
}

function unknownCommand(word: string, context: PresentContext): TmachineError {
  const program = context.programName.split(/[\\/]/).at(-1) ?? context.programName;
  const nearest = nearestWord(word, context.commandNames);
  return new TmachineError({
    code: 'UNKNOWN_COMMAND',
    verbatim: true,
    message: `${program}: '${word}' is not a ${program} command. See '${context.programName} --help'.`,
    nextSteps: nearest === undefined ? [] : [`Did you mean "${nearest}"?`],
  });
}

function helpBefore(error: CommandLineError, context: PresentContext): string {
  const help = context.helpFor(error.command);
  return error.help === 'plain' ? help : `Incorrect Usage.\n\n${help}`;
}

const INDENT = ' '.repeat('  Next  '.length);

function describe(error: TmachineError, context: PresentContext): string {
  const { programName, commandNames } = context;
  const called = (text: string) => plainText(asCalled(text, programName, commandNames));
  const reason = called(error.reason ?? '');
  const next = called(error.nextSteps.join('\n'));
  return [
    `${error.verbatim ? '' : '✗ '}${called(error.message)}\n`,
    reason === '' ? '' : `  Why   ${indented(reason)}\n`,
    next === '' ? '' : `  Next  ${indented(next)}\n`,
  ].join('');
}

function indented(text: string): string {
  return text.trimEnd().replaceAll('\n', `\n${INDENT}`);
}

function presentBug(error: unknown, context: PresentContext): Presentation {
  const bug = new TmachineError({
    code: 'BUG',
    message: `${shownName(context.programName)} met a bug of its own: ${messageOf(error)}`,
    reason: `nobody foresaw this failure${error instanceof Error ? ` (${error.name})` : ''}; it is not your mistake`,
    nextSteps: context.debug
      ? [
          "please report the lines above and below in the project's issue tracker; no report is sent by itself",
        ]
      : [
          'run the same command again with --debug before the command, and please report what it prints',
          "in the project's issue tracker; no report is sent by itself",
        ],
    exitCode: ExitCode.bug,
  });
  const stack = context.debug && error instanceof Error ? `${plainText(error.stack ?? '')}\n` : '';
  return { stdout: '', stderr: describe(bug, context) + stack, exitCode: bug.exitCode };
}

/** The chain of causes, one line each, at most ten: what was wrapped on the way up. */
function causesOf(error: Error): string {
  const lines: string[] = [];
  let cause = error.cause;
  while (cause !== undefined && lines.length < 10) {
    lines.push(`caused by: ${plainText(messageOf(cause))}\n`);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return lines.join('');
}
