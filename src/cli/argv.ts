import { TmachineError } from '../core/errors.js';
import { goQuote } from '../core/go-quote.js';
import { CommandLineError, UnknownCommandError } from './command-line-error.js';
import {
  type CommandSpec,
  type CommandTable,
  type Environment,
  type FlagSpec,
  flagsOf,
  GLOBAL_FLAGS,
} from './flag-spec.js';
import { flagWord, parseBool, parseInteger } from './flag-syntax.js';

const HELP_FLAG: FlagSpec = { name: 'help', short: 'h', type: 'bool', help: 'show help' };
const VERSION_FLAG: FlagSpec = { name: 'version', short: 'v', type: 'bool', help: 'print the version' };

/** The flags before the command, in the order of the program's help. */
export const PROGRAM_FLAGS: readonly FlagSpec[] = [...GLOBAL_FLAGS, HELP_FLAG, VERSION_FLAG];

/**
 * Turns a command line of docker-machine (Go's flag syntax) into the one form that oclif reads without doubt:
 * `[command, --flag=value..., --, argument...]`, the command by its own name, flags by their long names.
 *
 * - `-x`, `--x`, `-x v`, `--x=v` are equal; a bool takes a value only after `=`; `--` ends the flags.
 * - Flags of the program stand before the command or after it; flags of the command may follow its arguments
 *   (docker-machine stops at the first argument). Not so for a command with raw arguments: its words stay as they are.
 * - The last one of a repeated flag wins; a slice keeps them all, one value each.
 * - A bool that was switched off is `--no-x`, so that it still overrides its environment variable.
 * - `--debug` is there only when debug is on: MACHINE_DEBUG has the last word.
 * - `CMD --help` and `help CMD` become `help -- CMD [words]`, no command `help --`, `--version` `version --`.
 *
 * Throws CommandLineError for a flag error (exit 2), UnknownCommandError for the first word that is no command, and
 * TmachineError for a MACHINE_DEBUG that is no bool (exit 1).
 */
export function normalizeArgv(argv: readonly string[], table: CommandTable, env: Environment): string[] {
  const given = new GivenFlags();
  const words = new Words(argv);
  while (words.atFlag()) readFlag(words, [PROGRAM_FLAGS], given, undefined);
  words.skipTerminator();

  const word = words.next();
  const showsHelp = given.isOn(HELP_FLAG.name) || word === undefined;
  const showsVersion = given.isOn(VERSION_FLAG.name);
  given.drop(HELP_FLAG.name);
  given.drop(VERSION_FLAG.name);
  if (showsHelp && !showsVersion) return commandLine('help', given, [], env);
  if (showsVersion || word === undefined) return commandLine('version', given, [], env);

  const command = table.get(word);
  if (command === undefined) throw new UnknownCommandError(word);
  const rest = words.rest();
  if (command.rawArguments === true) {
    const asksHelp = rest[0] !== undefined && /^(-h|--?help)$/.test(rest[0]);
    return asksHelp
      ? commandLine('help', given, [command.name], env)
      : commandLine(command.name, given, rest, env);
  }
  const args = readCommand(command, new Words(rest), given, env);
  if (given.isOn(HELP_FLAG.name)) return commandLine('help', given.program(), [command.name, ...rest], env);
  given.drop(HELP_FLAG.name);
  return commandLine(command.name, given, args, env);
}

/** The arguments of a line that `normalizeArgv` made, in their order. (oclif's own `argv` is re-sorted when words repeat.) */
export function argumentsOf(normalized: readonly string[]): string[] {
  const end = normalized.indexOf('--');
  return end < 0 ? [] : normalized.slice(end + 1);
}

function readCommand(command: CommandSpec, words: Words, given: GivenFlags, env: Environment): string[] {
  const args: string[] = [];
  const flags = [flagsOf(command, words.rest(), env), [...GLOBAL_FLAGS, HELP_FLAG]];
  for (;;) {
    if (words.atFlag()) {
      readFlag(words, flags, given, command.name);
      continue;
    }
    if (words.skipTerminator()) {
      return [...args, ...(command.takesCommand === true ? ['--'] : []), ...words.rest()];
    }
    const word = words.next();
    if (word === undefined) return args;
    args.push(word);
  }
}

/** Reads one flag with its value. `scopes` are looked through in order: a command's own flag hides the program's. */
function readFlag(
  words: Words,
  scopes: readonly (readonly FlagSpec[])[],
  given: GivenFlags,
  command: string | undefined,
): void {
  const word = words.next() ?? '';
  const fail = (message: string) => new CommandLineError({ message, help: 'incorrect-usage', command });
  const body = word.slice(word.startsWith('--') ? 2 : 1);
  if (/^[-=]/.test(body)) throw fail(`bad flag syntax: ${word}`);
  const equals = body.indexOf('=');
  const typed = equals < 0 ? body : body.slice(0, equals);
  const inline = equals < 0 ? undefined : body.slice(equals + 1);
  const flag = scopes.flat().find((spec) => spec.name === typed || spec.short === typed);
  if (flag === undefined) throw fail(`flag provided but not defined: -${typed}`);

  if (flag.type === 'bool') {
    const on = inline === undefined ? true : parseBool(inline);
    if (on === undefined) {
      throw fail(`invalid boolean value ${goQuote(inline ?? '')} for -${typed}: parse error`);
    }
    given.set(flag, on);
    return;
  }
  const value = inline ?? words.next();
  if (value === undefined) throw fail(`flag needs an argument: -${typed}`);
  if (flag.type === 'int') {
    const parsed = parseInteger(value);
    if (typeof parsed === 'string')
      throw fail(`invalid value ${goQuote(value)} for flag -${typed}: ${parsed}`);
  }
  given.set(flag, value);
}

function commandLine(
  command: string,
  given: GivenFlags,
  args: readonly string[],
  env: Environment,
): string[] {
  const debug = debugFromEnvironment(env) ?? given.isOn('debug');
  given.drop('debug');
  return [command, ...(debug ? ['--debug'] : []), ...given.words(), '--', ...args];
}

/** MACHINE_DEBUG overrides the flag in both directions; empty is unset. */
function debugFromEnvironment(env: Environment): boolean | undefined {
  const text = env.MACHINE_DEBUG ?? '';
  if (text === '') return undefined;
  const on = parseBool(text);
  if (on !== undefined) return on;
  throw new TmachineError({
    code: 'MACHINE_DEBUG_INVALID',
    verbatim: true,
    message: `Error parsing boolean value from MACHINE_DEBUG: strconv.ParseBool: parsing ${goQuote(text)}: invalid syntax`,
    nextSteps: ['set MACHINE_DEBUG to 1 or 0, or unset it'],
  });
}

/** The words of a command line, taken one by one. */
class Words {
  readonly #words: readonly string[];
  #at = 0;

  constructor(words: readonly string[]) {
    this.#words = words;
  }

  /** True before a flag: a dash with something behind it, but not `--`. */
  atFlag(): boolean {
    const word = this.#words[this.#at];
    return word?.startsWith('-') === true && word !== '-' && word !== '--';
  }

  next(): string | undefined {
    const word = this.#words[this.#at];
    if (word !== undefined) this.#at += 1;
    return word;
  }

  /** Takes `--` off; false when there was none. */
  skipTerminator(): boolean {
    if (this.#words[this.#at] !== '--') return false;
    this.#at += 1;
    return true;
  }

  rest(): readonly string[] {
    return this.#words.slice(this.#at);
  }
}

/** Flags with the values they have at the end of the line. */
class GivenFlags {
  readonly #values = new Map<string, { readonly flag: FlagSpec; readonly values: (string | boolean)[] }>();

  set(flag: FlagSpec, value: string | boolean): void {
    const earlier = flag.type === 'slice' ? (this.#values.get(flag.name)?.values ?? []) : [];
    this.#values.set(flag.name, { flag, values: [...earlier, value] });
  }

  isOn(name: string): boolean {
    return this.#values.get(name)?.values.at(-1) === true;
  }

  drop(name: string): void {
    this.#values.delete(name);
  }

  /** Those of the program alone: what `help` understands. */
  program(): GivenFlags {
    const kept = new GivenFlags();
    for (const [name, entry] of this.#values) {
      if (GLOBAL_FLAGS.includes(entry.flag)) kept.#values.set(name, entry);
    }
    return kept;
  }

  words(): string[] {
    return [...this.#values.values()].flatMap(({ flag, values }) =>
      values.map((value) =>
        typeof value === 'string' ? flagWord(flag.name, value) : `--${value ? '' : 'no-'}${flag.name}`,
      ),
    );
  }
}
