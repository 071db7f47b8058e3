import { bulkCommand } from '../cli/bulk-command.js';
import type { CommandSpec } from '../cli/flag-spec.js';
import { provisionMachine } from '../core/actions/reprovision.js';

export const spec: CommandSpec = {
  name: 'provision',
  usage: 'Re-provision existing machines',
  flags: [],
};

export default bulkCommand(spec, provisionMachine);
