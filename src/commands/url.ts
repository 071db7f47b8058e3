import { BaseCommand } from '../cli/base-command.js';
import type { CommandSpec } from '../cli/flag-spec.js';
import { oneNameOrDefault } from '../core/actions/bulk.js';
import { machineUrl } from '../core/actions/connection.js';

export const spec: CommandSpec = {
  name: 'url',
  usage: 'Get the URL of a machine',
  description: 'Argument is a machine name.',
  flags: [],
};

export default class Url extends BaseCommand {
  static override readonly spec = spec;

  protected async work(): Promise<void> {
    const record = await this.app.store.load(oneNameOrDefault(this.words));
    this.print(await machineUrl(this.app, record, this.call));
  }
}
