import { UsageError } from '../core/errors.js';

export interface CommandLineErrorDetails {
  readonly message: string;
  /** `incorrect-usage`: "Incorrect Usage." and the help go to stdout; `plain`: the help alone, as for a missing name. */
  readonly help: 'incorrect-usage' | 'plain';
  /** The command whose help is shown; undefined for the program's own. */
  readonly command: string | undefined;
  readonly nextSteps?: readonly string[];
}

/** A wrong command line that is answered with the help on stdout and the contract's own sentence on stderr. Exit 2. */
export class CommandLineError extends UsageError {
  readonly help: 'incorrect-usage' | 'plain';
  readonly command: string | undefined;

  constructor(details: CommandLineErrorDetails) {
    super({ message: details.message, verbatim: true, nextSteps: details.nextSteps ?? [] });
    this.help = details.help;
    this.command = details.command;
  }
}

/** `flag provided but not defined: -x` (one dash, whatever was typed). */
export function undefinedFlag(name: string, command: string | undefined): CommandLineError {
  return new CommandLineError({
    message: `flag provided but not defined: -${name}`,
    help: 'incorrect-usage',
    command,
  });
}

/** `flag needs an argument: -x`. */
export function missingFlagValue(name: string, command: string | undefined): CommandLineError {
  return new CommandLineError({
    message: `flag needs an argument: -${name}`,
    help: 'incorrect-usage',
    command,
  });
}
