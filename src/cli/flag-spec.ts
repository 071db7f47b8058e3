import type { DriverOption } from '../core/driver.js';
import { NETWORK_FLAGS } from './network-flags.js';

/**
 * A flag, declared once: it feeds the command line (argv.ts), oclif (oclif-flags.ts), the look-up of environment
 * variables (flag-values.ts) and the help text (help.ts). A driver's option is one without a short form.
 */
export interface FlagSpec extends DriverOption {
  /** One letter, without dash. */
  readonly short?: string;
}

/** A command as the command line and the help see it. */
export interface CommandSpec {
  readonly name: string;
  /** Other words for the same command (`h` for `help`). */
  readonly aliases?: readonly string[];
  /** The line of the command in the program's help. */
  readonly usage: string;
  /** The `Description:` paragraph; `$0` stands for the name by which the program was called. */
  readonly description?: string;
  readonly flags: readonly FlagSpec[];
  /** Flags that depend on the command line (`create`: those of the driver it names). Replaces `flags` when present. */
  flagsFor?(args: readonly string[], env: Environment): readonly FlagSpec[];
  /** The words of which the first argument is one; their names begin with the command's: `image ls`. */
  readonly subcommands?: readonly CommandSpec[];
  /** The words after the command are the user's own and are passed on untouched (`ssh`). */
  readonly rawArguments?: boolean;
  /** What follows `--` is a command of the user's: the `--` stays among the arguments, to tell it from the command's own (`quickstart`). */
  readonly takesCommand?: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Finds a command by its name or alias. A `Map` is one; so is a look-up that loads only the command asked for. */
export interface CommandTable {
  get(name: string): CommandSpec | undefined;
}

/** The flags that hold for every command. `--debug` has no `env` here: MACHINE_DEBUG has rules of its own (argv.ts). */
export const GLOBAL_FLAGS: readonly FlagSpec[] = [
  { name: 'debug', short: 'D', type: 'bool', help: 'Enable debug mode' },
  {
    name: 'storage-path',
    short: 's',
    type: 'string',
    env: 'MACHINE_STORAGE_PATH',
    help: 'Configures storage path',
  },
  {
    name: 'tls-ca-cert',
    type: 'string',
    env: 'MACHINE_TLS_CA_CERT',
    help: 'CA to verify remotes against',
  },
  {
    name: 'tls-ca-key',
    type: 'string',
    env: 'MACHINE_TLS_CA_KEY',
    help: 'Private key to generate certificates',
  },
  {
    name: 'tls-client-cert',
    type: 'string',
    env: 'MACHINE_TLS_CLIENT_CERT',
    help: 'Client cert to use for TLS',
  },
  {
    name: 'tls-client-key',
    type: 'string',
    env: 'MACHINE_TLS_CLIENT_KEY',
    help: 'Private key used in client TLS auth',
  },
  {
    name: 'github-api-token',
    type: 'string',
    env: 'MACHINE_GITHUB_API_TOKEN',
    help: 'Token to use for requests to the Github API',
  },
  {
    name: 'native-ssh',
    type: 'bool',
    env: 'MACHINE_NATIVE_SSH',
    help: 'Use the native (built-in) SSH implementation, which is always used here.',
  },
  {
    name: 'bugsnag-api-token',
    type: 'string',
    env: 'MACHINE_BUGSNAG_API_TOKEN',
    help: 'Accepted and ignored: nothing is ever reported',
  },
  ...NETWORK_FLAGS,
];

/** The flags of a command for this command line. Throws what the command's own look-up throws. */
export function flagsOf(
  command: CommandSpec,
  args: readonly string[],
  env: Environment,
): readonly FlagSpec[] {
  return command.flagsFor?.(args, env) ?? command.flags;
}
