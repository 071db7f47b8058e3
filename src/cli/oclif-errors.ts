import { type TmachineError, UsageError } from '../core/errors.js';
import { CommandLineError, UnknownCommandError } from './command-line-error.js';

/**
 * oclif's own errors in the contract's words. They are met only where a command runs on a line that `normalizeArgv` has
 * not read. Told apart by their texts (oclif 4.14), because the bundler may rename their classes. An exit that the
 * command asked for is given as its code; undefined for anything that is not oclif's.
 */
export function fromOclif(error: Error, command: string | undefined): TmachineError | number | undefined {
  const usage = (message: string) => new CommandLineError({ message, help: 'incorrect-usage', command });
  const text = error.message.replace(/\nSee more help with --help$/, '');
  // What a flag's own parser threw, with oclif's words around it (and no mark that it is oclif's).
  const value = /^Parsing --\S+ \n\t(.*)/s.exec(text);
  if (value?.[1] !== undefined) return usage(value[1]);
  if (!('oclif' in error)) return undefined;
  if ('code' in error && error.code === 'EEXIT') return exitCodeOf(error.oclif);

  const unknown = /^command (\S+) not found/.exec(text);
  if (unknown?.[1] !== undefined) return new UnknownCommandError(unknown[1]);
  const undefinedFlag = /^Nonexistent flags?: --?([^\s,=]+)/.exec(text);
  if (undefinedFlag !== null) return usage(`flag provided but not defined: -${undefinedFlag[1]}`);
  const noValue = /^Flag --(\S+) expects a value/.exec(text);
  if (noValue !== null) return usage(`flag needs an argument: -${noValue[1]}`);
  const extra = /^Unexpected arguments?: (.*)/s.exec(text);
  if (extra?.[1] !== undefined) {
    return new UsageError({
      verbatim: true,
      message: `Invalid command line. Found extra arguments [${extra[1].replaceAll(', ', ' ')}]`,
    });
  }
  return usage(text);
}

function exitCodeOf(oclif: unknown): number {
  const exit = typeof oclif === 'object' && oclif !== null && 'exit' in oclif ? oclif.exit : undefined;
  return typeof exit === 'number' ? exit : 1;
}
