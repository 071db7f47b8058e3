import { BaseCommand } from '../cli/base-command.js';
import type { CommandSpec } from '../cli/flag-spec.js';
import { TIMEOUT_FLAG } from '../cli/shared-flags.js';
import { listMachines } from '../core/actions/list.js';
import { TmachineError, UsageError } from '../core/errors.js';
import { naturalOrder } from '../core/natural-order.js';

export const spec: CommandSpec = {
  name: 'active',
  usage: 'Print which machine is active',
  flags: [TIMEOUT_FLAG],
};

export default class Active extends BaseCommand {
  static override readonly spec = spec;

  protected async work(): Promise<void> {
    if (this.words.length > 0) {
      throw new UsageError({ message: 'Error: Too many arguments given', verbatim: true });
    }
    const rows = await listMachines(this.app, { timeoutMs: this.count('timeout') * 1000 }, this.call);
    const active = rows
      .filter((row) => row.active || row.activeSwarm)
      .sort((a, b) => naturalOrder(a.name, b.name))[0];
    if (active !== undefined) {
      this.print(active.name);
      return;
    }
    const timedOut = rows.some((row) => row.state === 'Timeout');
    throw new TmachineError({
      code: timedOut ? 'ACTIVE_UNKNOWN' : 'NO_ACTIVE_MACHINE',
      verbatim: true,
      message: timedOut ? 'Error getting active host: timeout' : 'No active host found',
      reason: 'a machine is active when it runs and DOCKER_HOST names its URL',
      nextSteps: ['point your shell at a machine: eval "$(tmachine env NAME)"'],
    });
  }
}
