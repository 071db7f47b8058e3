import { forEachMachine, namesOrDefault } from '../core/actions/bulk.js';
import type { App, Call } from '../core/app.js';
import { BaseCommand } from './base-command.js';
import type { CommandSpec } from './flag-spec.js';
import type { CommandClass } from './oclif-config.js';

type Action = (app: App, name: string, call: Call) => Promise<void>;

/** A command that does one action to several machines at once, or to `default`. `afterwards` is its last line. */
export function bulkCommand(spec: CommandSpec, action: Action, afterwards?: string): CommandClass {
  return class BulkCommand extends BaseCommand {
    static override readonly spec = spec;
    protected override readonly talksOn = 'stdout';

    protected async work(): Promise<void> {
      const names = await namesOrDefault(this.app, this.words);
      await forEachMachine(this.app, names, ({ name }) => action(this.app, name, this.call));
      if (afterwards !== undefined) this.call.reporter.step(afterwards);
    }
  };
}
