import { bulkCommand } from '../cli/bulk-command.js';
import type { CommandSpec } from '../cli/flag-spec.js';
import { restartMachine } from '../core/actions/power.js';

export const spec: CommandSpec = {
  name: 'restart',
  usage: 'Restart a machine',
  description: 'Argument(s) are one or more machine names.',
  flags: [],
};

export default bulkCommand(
  spec,
  restartMachine,
  'Restarted machines may have new IP addresses. You may need to re-run the `docker-machine env` command.',
);
