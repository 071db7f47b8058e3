import { BaseCommand } from '../cli/base-command.js';
import type { CommandSpec } from '../cli/flag-spec.js';
import { forEachMachine, namesOrDefault } from '../core/actions/bulk.js';
import { machineIp } from '../core/actions/connection.js';

export const spec: CommandSpec = {
  name: 'ip',
  usage: 'Get the IP address of a machine',
  description: 'Argument(s) are one or more machine names.',
  flags: [],
};

export default class Ip extends BaseCommand {
  static override readonly spec = spec;

  protected async work(): Promise<void> {
    const names = await namesOrDefault(this.app, this.words);
    const addresses = new Map<string, string>();
    try {
      await forEachMachine(this.app, names, async (record) => {
        addresses.set(record.name, await machineIp(this.app, record, this.call));
      });
    } finally {
      // In the order of the names, not of the answers: a script can tell which is whose.
      for (const name of names) {
        const address = addresses.get(name);
        if (address !== undefined) this.print(address);
      }
    }
  }
}
