import { BaseCommand } from '../cli/base-command.js';
import type { CommandSpec } from '../cli/flag-spec.js';
import { forEachMachine, namesOrDefault } from '../core/actions/bulk.js';
import { provisionMachine } from '../core/actions/reprovision.js';

export const spec: CommandSpec = {
  name: 'provision',
  usage: 'Re-provision existing machines',
  flags: [
    {
      name: 'accept-new-host-key',
      type: 'bool',
      help: 'Trust the SSH host key that the guest shows now, after it was made anew',
    },
  ],
};

export default class Provision extends BaseCommand {
  static override readonly spec = spec;
  protected override readonly talksOn = 'stdout';

  protected async work(): Promise<void> {
    const options = { acceptNewHostKey: this.isOn('accept-new-host-key') };
    const names = await namesOrDefault(this.app, this.words);
    await forEachMachine(this.app, names, ({ name }) => provisionMachine(this.app, name, this.call, options));
  }
}
