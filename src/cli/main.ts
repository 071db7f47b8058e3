import { normalizeArgv } from './argv.js';
import { BaseCommand } from './base-command.js';
import { CommandLineError, UnknownCommandError } from './command-line-error.js';
import { compose } from './compose.js';
import { type CommandSpec, flagsOf } from './flag-spec.js';
import { commandHelp, programHelp } from './help.js';
import { watchOutput } from './lost-output.js';
import { runCommand } from './oclif-config.js';
import { presentError } from './present-error.js';
import { programName } from './program-name.js';
import { PROGRAM_BUILD, PROGRAM_VERSION } from './program-version.js';
import { subcommandOf } from './subcommands.js';

/**
 * Every command by the name that is typed, in the order of the help. A file is loaded when its command is asked for:
 * a run evaluates one command and not all of them.
 *
 * What a start costs (CPU of the whole process, medians, Node 20.20, `node -e 0` = 1; `npm run bench`): 2.0 for
 * `version`, 2.05 for `status`, `inspect`, `url`. Of what is above 1, half is oclif's command class and parser with what
 * they load, a quarter Node's own modules (streams, tty, fs, crypto), the rest our files. What helped, in the same unit:
 * - compiled code kept between runs (bin/run.cjs): 0.5 to 0.7
 * - `runCommand` instead of oclif's `execute`, which looks for package.json, the manifest, a theme and plugins: 0.15,
 *   and one PowerShell process at every start on Windows (oclif-config.ts)
 * - in rolldown.config.mjs: Node's slow modules loaded when used 0.3, all of ours but the commands in one file 0.2, ejs,
 *   minimatch and others left out 0.15
 * - got, proxy-agent, ssh2 and x509 behind `import()` in the functions that use them: 1 to 2.5 each
 * Leaving out more of oclif's files (plugin loader, help, tsconfig) gains 0.05 and was not worth its upkeep.
 */
export const COMMANDS = {
  active: () => import('../commands/active.js'),
  config: () => import('../commands/config.js'),
  create: () => import('../commands/create.js'),
  doctor: () => import('../commands/doctor.js'),
  env: () => import('../commands/env.js'),
  image: () => import('../commands/image.js'),
  inspect: () => import('../commands/inspect.js'),
  ip: () => import('../commands/ip.js'),
  kill: () => import('../commands/kill.js'),
  ls: () => import('../commands/ls.js'),
  provision: () => import('../commands/provision.js'),
  quickstart: () => import('../commands/quickstart.js'),
  proxy: () => import('../commands/proxy.js'),
  'regenerate-certs': () => import('../commands/regenerate-certs.js'),
  restart: () => import('../commands/restart.js'),
  rm: () => import('../commands/rm.js'),
  set: () => import('../commands/set.js'),
  ssh: () => import('../commands/ssh.js'),
  start: () => import('../commands/start.js'),
  status: () => import('../commands/status.js'),
  stop: () => import('../commands/stop.js'),
  upgrade: () => import('../commands/upgrade.js'),
  url: () => import('../commands/url.js'),
  version: () => import('../commands/version.js'),
};

type CommandName = keyof typeof COMMANDS;

/** What may follow the program's name. */
const COMMAND_NAMES: readonly string[] = [...Object.keys(COMMANDS), 'help'];

/** `help` is answered here, because it is about all commands; this is its own line in the list. */
const HELP: CommandSpec = {
  name: 'help',
  aliases: ['h'],
  usage: 'Shows a list of commands or help for one command',
  flags: [],
};

/** Runs the command line of this process: prints errors and sets the exit code, never throws and never exits. */
export async function go(): Promise<void> {
  const specs = new Map([
    [HELP.name, HELP],
    ['h', HELP],
  ]);
  let argv: readonly string[] = [];
  watchOutput(process.stdout, (error) => void present(error, argv, specs));
  try {
    argv = await readCommandLine(specs);
    const [name = HELP.name, ...rest] = argv;
    if (name === HELP.name) process.stdout.write(await helpText(rest.slice(rest.indexOf('--') + 1), specs));
    else await runNamed(name, rest);
  } catch (error) {
    await present(error, argv, specs);
  }
}

/**
 * The command line in the form that commands read, its first word the command. To read flags, the command's file must
 * be there: the reader names the command that it misses, and reads again.
 */
async function readCommandLine(specs: Map<string, CommandSpec>): Promise<string[]> {
  for (;;) {
    try {
      return normalizeArgv(process.argv.slice(2), specs, process.env);
    } catch (error) {
      if (!(error instanceof UnknownCommandError) || specs.has(error.word)) throw error;
      await addSpec(error.word, specs);
    }
  }
}

/** Throws UnknownCommandError when there is no such command. */
async function addSpec(name: string, specs: Map<string, CommandSpec>): Promise<CommandSpec> {
  const known = specs.get(name);
  if (known !== undefined) return known;
  if (!isCommand(name)) throw new UnknownCommandError(name);
  const { spec } = await COMMANDS[name]();
  specs.set(name, spec);
  return spec;
}

function isCommand(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}

async function runNamed(name: string, argv: string[]): Promise<void> {
  if (!isCommand(name)) throw new UnknownCommandError(name);
  const { default: Command } = await COMMANDS[name]();
  BaseCommand.compose = compose(COMMAND_NAMES);
  await runCommand(Command, name, argv);
}

/** The help of the command that the words begin with, for those words; of the program when there are none. */
async function helpText(words: readonly string[], specs: Map<string, CommandSpec>): Promise<string> {
  const [name, ...rest] = words;
  if (name === undefined) return programHelp(programFacts(), await allSpecs(specs));
  const command = await addSpec(name, specs);
  const spec = subcommandOf(command, rest) ?? command;
  return commandHelp(programFacts(), spec, flagsOrOwn(spec, rest));
}

async function allSpecs(specs: Map<string, CommandSpec>): Promise<readonly CommandSpec[]> {
  const all = await Promise.all(Object.keys(COMMANDS).map((name) => addSpec(name, specs)));
  return [...all, HELP];
}

async function present(
  error: unknown,
  argv: readonly string[],
  specs: Map<string, CommandSpec>,
): Promise<void> {
  const all = error instanceof CommandLineError ? await allSpecs(specs) : [];
  const [command, ...rest] = argv;
  const presentation = presentError(error, {
    programName: programFacts().programName,
    debug: rest.slice(0, rest.indexOf('--')).includes('--debug'),
    command,
    commandNames: COMMAND_NAMES,
    helpFor: (name) => {
      const found = name === undefined ? undefined : specs.get(name);
      if (found === undefined) return programHelp(programFacts(), all);
      const spec = subcommandOf(found, rest) ?? found;
      return commandHelp(programFacts(), spec, flagsOrOwn(spec, rest));
    },
  });
  process.stdout.write(presentation.stdout);
  process.stderr.write(presentation.stderr);
  process.exitCode = presentation.exitCode;
}

/** A driver that cannot be found must hide neither the help nor the error that it stands beside. */
function flagsOrOwn(spec: CommandSpec, args: readonly string[]): CommandSpec['flags'] {
  try {
    return flagsOf(spec, args, process.env);
  } catch {
    return spec.flags;
  }
}

function programFacts(): { programName: string; version: string; build: string } {
  return {
    programName: programName(process.argv0, process.argv[1], process.platform),
    version: PROGRAM_VERSION,
    build: PROGRAM_BUILD,
  };
}
