import { CommandLineError } from './command-line-error.js';
import type { CommandSpec, FlagSpec } from './flag-spec.js';

/**
 * A command whose first argument says what to do: `image ls`. Its flags are those of the word on the line; all of them while there is none, so
 * that the missing word is what the user is told about.
 */
export function topic(
  spec: Pick<CommandSpec, 'name' | 'usage' | 'description'>,
  subcommands: readonly CommandSpec[],
): CommandSpec {
  const every = new Map(
    subcommands.flatMap(({ flags }) => flags).map((flag): [string, FlagSpec] => [flag.name, flag]),
  );
  const topicSpec: CommandSpec = {
    ...spec,
    flags: [...every.values()],
    subcommands,
    flagsFor: (args) => (subcommandOf(topicSpec, args) ?? topicSpec).flags,
  };
  return topicSpec;
}

/** The subcommand that these words, flags among them, begin with; undefined when there is none, or none of that name. */
export function subcommandOf(command: CommandSpec, words: readonly string[]): CommandSpec | undefined {
  const first = words.find((word) => !word.startsWith('-'));
  return command.subcommands?.find(({ name }) => name === `${command.name} ${first}`);
}

/** What to do, and the arguments behind it. Throws CommandLineError when nothing, or nothing known, is named. */
export function splitSubcommand(
  command: CommandSpec,
  words: readonly string[],
): { readonly subcommand: string; readonly args: readonly string[] } {
  const [first, ...args] = words;
  const found = subcommandOf(command, first === undefined ? [] : [first]);
  if (found !== undefined && first !== undefined) return { subcommand: first, args };
  throw new CommandLineError({
    message:
      first === undefined
        ? `Error: "${command.name}" needs a command`
        : `Error: "${first}" is not a command of "${command.name}"`,
    help: 'plain',
    command: command.name,
  });
}
