import type { CommandClass } from './oclif-config.js';

type LazyCommand = Promise<CommandClass>;

/**
 * Every command, by the name that is typed. A getter loads its file only when it is asked for, so that a run
 * evaluates one command and not thirty.
 */
export const COMMANDS = {
  get version(): LazyCommand {
    return import('../commands/version.js').then((file) => file.default);
  },
};

/** Runs the command line of this process. Sets the exit code; never exits by itself. */
export async function go(): Promise<void> {
  const [id, ...rest] = process.argv.slice(2);
  if (id !== 'version') throw new Error(`unknown command ${id}`);
  const { runCommand } = await import('./oclif-config.js');
  await runCommand(await COMMANDS[id], id, rest);
}
