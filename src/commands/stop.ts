import { bulkCommand } from '../cli/bulk-command.js';
import type { CommandSpec } from '../cli/flag-spec.js';
import { stopMachine } from '../core/actions/power.js';

export const spec: CommandSpec = {
  name: 'stop',
  usage: 'Stop a machine',
  description: 'Argument(s) are one or more machine names.',
  flags: [],
};

export default bulkCommand(spec, stopMachine);
