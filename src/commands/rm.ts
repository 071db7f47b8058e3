import { BaseCommand } from '../cli/base-command.js';
import { CommandLineError } from '../cli/command-line-error.js';
import type { CommandSpec } from '../cli/flag-spec.js';
import { joinErrors } from '../core/actions/bulk.js';
import { removeMachine } from '../core/actions/remove.js';
import { MachineNotFoundError, messageOf, throwIfInterrupted } from '../core/errors.js';

export const spec: CommandSpec = {
  name: 'rm',
  usage: 'Remove a machine',
  description: 'Argument(s) are one or more machine names.',
  flags: [
    {
      name: 'force',
      short: 'f',
      type: 'bool',
      help: 'Remove local configuration even if machine cannot be removed, also implies an automatic yes (`-y`)',
    },
    {
      name: 'y',
      type: 'bool',
      help: 'Assumes automatic yes to proceed with remove, without prompting further user confirmation',
    },
  ],
};

export default class Rm extends BaseCommand {
  static override readonly spec = spec;
  protected override readonly talksOn = 'stdout';

  protected async work(): Promise<void> {
    if (this.words.length === 0) {
      throw new CommandLineError({
        message: 'Error: Expected to get one or more machine names as arguments',
        help: 'plain',
        command: 'rm',
      });
    }
    const { reporter } = this.call;
    const force = this.isOn('force');
    reporter.step(`About to remove ${this.words.join(', ')}`);
    reporter.step('WARNING: This action will delete both local reference and remote instance.');
    if (!force && !this.isOn('y') && (await this.world.ask('Are you sure? (y/n): ')) !== 'yes') return;
    const errors: unknown[] = [];
    for (const name of this.words) {
      throwIfInterrupted(this.call.signal);
      try {
        await removeMachine(this.app, name, { force }, this.call);
        reporter.step(`Successfully removed ${name}`);
      } catch (error) {
        if (force && isGone(error)) {
          // Scripts clear the way with `rm -f` before they create.
          reporter.warn(`${messageOf(error)}\nCan't remove "${name}"`);
          continue;
        }
        errors.push(error);
      }
    }
    if (errors.length > 0) throw joinErrors(errors);
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof MachineNotFoundError;
}
