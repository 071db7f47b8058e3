import { alignColumns, HELP_LAYOUT } from '../ui/table.js';
import { PROGRAM_FLAGS } from './argv.js';
import type { CommandSpec, FlagSpec } from './flag-spec.js';

export interface ProgramFacts {
  /** The name by which the program was called; its last part is shown. */
  readonly programName: string;
  readonly version: string;
  readonly build: string;
}

/** The help of the program: every command with its line, in the order given. Ends with a line end. */
export function programHelp(facts: ProgramFacts, commands: readonly CommandSpec[]): string {
  const program = lastPart(facts.programName);
  const listed = commands.map(
    (command) => `  ${[command.name, ...(command.aliases ?? [])].join(', ')}\t${command.usage}`,
  );
  return aligned([
    `Usage: ${program} [OPTIONS] COMMAND [arg...]`,
    '',
    'Create and manage machines running Docker.',
    '',
    `Version: ${facts.version}, build ${facts.build}`,
    '',
    'Author:',
    '  The tmachine contributors',
    '',
    'Options:',
    ...PROGRAM_FLAGS.map((flag) => `  ${flagLine(flag)}`),
    '  ',
    'Commands:',
    ...listed,
    '  ',
    `Run '${program} COMMAND --help' for more information on a command.`,
  ]);
}

/**
 * The help of one command. `flags` are those of the command line at hand (`create` has its driver's too), which are sorted
 * for a command whose flags depend on it. Ends with a line end.
 */
export function commandHelp(
  facts: ProgramFacts,
  command: CommandSpec,
  flags: readonly FlagSpec[] = command.flags,
): string {
  if (command.subcommands !== undefined) return topicHelp(facts, command, command.subcommands);
  const lines = flags.map(flagLine);
  if (command.flagsFor !== undefined) lines.sort(byteOrder);
  const description = command.description?.replaceAll('$0', facts.programName);
  return aligned([
    `Usage: ${lastPart(facts.programName)} ${command.name}${lines.length > 0 ? ' [OPTIONS]' : ''} [arg...]`,
    '',
    command.usage,
    ...(description === undefined ? [] : ['', 'Description:', `   ${description}`]),
    ...(lines.length === 0 ? [] : ['', 'Options:', '   ', ...lines.map((line) => `   ${line}`)]),
  ]);
}

/** A command whose first argument is a command too. */
function topicHelp(facts: ProgramFacts, topic: CommandSpec, subcommands: readonly CommandSpec[]): string {
  const program = lastPart(facts.programName);
  return aligned([
    `Usage: ${program} ${topic.name} COMMAND [OPTIONS] [arg...]`,
    '',
    topic.usage,
    ...(topic.description === undefined ? [] : ['', 'Description:', `   ${topic.description}`]),
    '',
    'Commands:',
    ...subcommands.map(({ name, usage }) => `  ${name}\t${usage}`),
    '  ',
    `Run '${program} ${topic.name} COMMAND --help' for more information on a command.`,
  ]);
}

function aligned(lines: readonly string[]): string {
  return alignColumns(`${lines.join('\n')}\n`, HELP_LAYOUT);
}

/** `--name, -s "default"<TAB>help [$ENV]`, as docker-machine writes it. */
function flagLine(flag: FlagSpec): string {
  const names = [flag.name, ...(flag.short === undefined ? [] : [flag.short])].map(dashed).join(', ');
  const env = flag.env === undefined ? '' : ` [$${flag.env}]`;
  return `${names}${valueHint(flag)}\t${flag.help}${env}`;
}

function valueHint(flag: FlagSpec): string {
  switch (flag.type) {
    case 'bool':
      return '';
    case 'slice':
      return ` [${dashed(flag.name)} option ${dashed(flag.name)} option]`;
    case 'int':
      return ` "${Number(flag.default ?? 0)}"`;
    case 'string':
      // Without a default a space stays behind the name: it is there in docker-machine, and columns depend on it.
      return flag.default === undefined || flag.default === '' ? ' ' : ` "${String(flag.default)}"`;
  }
}

function dashed(name: string): string {
  return `${name.length === 1 ? '-' : '--'}${name}`;
}

function byteOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function lastPart(program: string): string {
  return program.split(/[\\/]/).at(-1) ?? program;
}
