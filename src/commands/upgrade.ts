import { BaseCommand } from '../cli/base-command.js';
import type { CommandSpec } from '../cli/flag-spec.js';
import { forEachMachine, namesOrDefault } from '../core/actions/bulk.js';
import { rollBackMachine, upgradeMachine } from '../core/actions/upgrade.js';
import { UsageError } from '../core/errors.js';

export const spec: CommandSpec = {
  name: 'upgrade',
  usage: 'Upgrade a machine to the latest version of Docker',
  description:
    'Argument(s) are one or more machine names. The boot image is replaced, the disk stays; the image before is kept to go back to.',
  flags: [
    { name: 'image', type: 'string', help: 'URL or file of the boot image; default: the newest one' },
    { name: 'force', short: 'f', type: 'bool', help: 'Also to an image with an older engine' },
    { name: 'rollback', type: 'bool', help: 'Go back to the image before the last upgrade' },
    {
      name: 'disk',
      type: 'bool',
      help: 'With --rollback: the disk too, as it was before the upgrade (drivers that take snapshots); what was made since is lost',
    },
    { name: 'y', type: 'bool', help: 'Assumes automatic yes to proceed' },
  ],
};

export default class Upgrade extends BaseCommand {
  static override readonly spec = spec;
  protected override readonly talksOn = 'stdout';

  protected async work(): Promise<void> {
    if (this.isOn('disk') && !this.isOn('rollback')) {
      throw new UsageError({ message: 'Error: --disk goes with --rollback' });
    }
    const names = await namesOrDefault(this.app, this.words);
    if (this.isOn('rollback')) {
      if (this.isOn('disk') && !(await this.mayLose(names))) return;
      const request = { disk: this.isOn('disk') };
      await forEachMachine(this.app, names, ({ name }) =>
        rollBackMachine(this.app, name, request, this.call),
      );
      return;
    }
    const request = { image: this.text('image'), force: this.isOn('force') };
    await forEachMachine(this.app, names, ({ name }) => upgradeMachine(this.app, name, request, this.call));
  }

  private async mayLose(names: readonly string[]): Promise<boolean> {
    if (this.isOn('y')) return true;
    this.call.reporter.step(`Everything made since the upgrade of ${names.join(', ')} will be lost.`);
    return (await this.world.ask('Are you sure? (y/n): ')) === 'yes';
  }
}
