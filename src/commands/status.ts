import { BaseCommand } from '../cli/base-command.js';
import type { CommandSpec } from '../cli/flag-spec.js';
import { JSON_FLAG } from '../cli/shared-flags.js';
import { oneNameOrDefault } from '../core/actions/bulk.js';
import { machineState } from '../core/actions/connection.js';
import { stateWord } from '../core/machine.js';

export const spec: CommandSpec = {
  name: 'status',
  usage: 'Get the status of a machine',
  description: 'Argument is a machine name.',
  flags: [JSON_FLAG],
};

export default class Status extends BaseCommand {
  static override readonly spec = spec;

  protected async work(): Promise<void> {
    const name = oneNameOrDefault(this.words);
    const state = await machineState(this.app, await this.app.store.load(name), this.call);
    if (this.isOn('json')) this.printJson({ name, state: stateWord(state), detail: state });
    else this.print(stateWord(state));
  }
}
