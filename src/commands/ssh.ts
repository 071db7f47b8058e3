import { BaseCommand } from '../cli/base-command.js';
import type { CommandSpec } from '../cli/flag-spec.js';
import { runInMachine } from '../core/actions/ssh.js';

export const spec: CommandSpec = {
  name: 'ssh',
  usage: 'Log into or run a command on a machine with SSH.',
  description: 'Arguments are [machine-name] [command]',
  flags: [],
  rawArguments: true,
};

export default class Ssh extends BaseCommand {
  static override readonly spec = spec;

  protected async work(): Promise<void> {
    const [name = 'default', ...command] = this.words;
    this.world.exitWith(await runInMachine(this.app, name, command, this.call));
  }
}
