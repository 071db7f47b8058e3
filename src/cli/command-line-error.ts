import { TmachineError, UsageError } from '../core/errors.js';

export interface CommandLineErrorDetails {
  readonly message: string;
  /** `incorrect-usage`: "Incorrect Usage." and the help go to stdout; `plain`: the help alone, as for a missing name. */
  readonly help: 'incorrect-usage' | 'plain';
  /** The command whose help is shown; undefined for the program's own. */
  readonly command: string | undefined;
  readonly nextSteps?: readonly string[];
}

/** A wrong command line: answered with help on stdout and the contract's own sentence on stderr. Exit 2. */
export class CommandLineError extends UsageError {
  readonly help: 'incorrect-usage' | 'plain';
  readonly command: string | undefined;

  constructor(details: CommandLineErrorDetails) {
    super({ message: details.message, verbatim: true, nextSteps: details.nextSteps ?? [] });
    this.help = details.help;
    this.command = details.command;
  }
}

/** A first word that is no command. Its text needs the program's name: presentError makes it. Exit 1. */
export class UnknownCommandError extends TmachineError {
  readonly word: string;

  constructor(word: string) {
    super({ code: 'UNKNOWN_COMMAND', message: `'${word}' is not a command` });
    this.word = word;
  }
}
