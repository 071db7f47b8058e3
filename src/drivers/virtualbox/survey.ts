import type { DriverContext, HostFact } from '../../core/driver.js';
import { HostNotReadyError } from '../../core/errors.js';
import { lookAtHardware } from './hardware.js';
import { listHostOnlyInterfaces } from './network.js';
import type { VirtualBoxSettings } from './settings.js';
import { VBoxManageError } from './vboxmanage.js';
import type { Tools } from './virtual-machine.js';

const WORDS = {
  usable: 'usable',
  unknown: 'cannot be told',
  'firmware-off': 'switched off in the firmware',
  'hyper-v': 'in use by Hyper-V',
  nested: 'not passed on to this virtual machine',
  unsupported: 'not in this processor',
  'other-processor': 'of another kind: this is no x86-64 processor',
} as const;

/** What of VirtualBox is here. Changes nothing. */
export async function surveyHost(
  _settings: VirtualBoxSettings,
  tools: Tools,
  context: DriverContext,
): Promise<HostFact[]> {
  const seen = await lookAtHardware(tools.ports, context.signal);
  const hardware = { name: 'hardware virtualization', value: WORDS[seen] };
  try {
    const { path, dialect } = await tools.vbox.installation(context.signal);
    const program = [
      { name: 'program', value: path },
      { name: 'version', value: dialect.version.text },
      hardware,
    ];
    if (dialect.hostOnly === 'network') return program;
    const adapters = await listHostOnlyInterfaces(tools, context);
    const shown = adapters.map(({ name, address, netmask }) => `${name} ${address}/${netmask}`).join(', ');
    return [...program, { name: 'host-only adapters', value: shown || 'none' }];
  } catch (error) {
    if (!(error instanceof HostNotReadyError || error instanceof VBoxManageError)) throw error;
    return [hardware]; // what is missing is the precheck's to report
  }
}
