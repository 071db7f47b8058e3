import type { DriverContext, DriverMachine } from '../../core/driver.js';
import type { VirtualBoxSettings } from './settings.js';
import { settled } from './stop.js';
import type { Tools } from './virtual-machine.js';

/** Copying what changed back into one disk takes as long as that is big. */
const MERGE_MS = 3_600_000;

/** One step of a snapshot's life. Throws VM_MISSING, VBoxManageError. */
export async function changeSnapshot(
  action: 'take' | 'restore' | 'delete',
  name: string,
  machine: DriverMachine,
  settings: VirtualBoxSettings,
  tools: Tools,
  context: DriverContext,
): Promise<void> {
  const { uuid } = await settled(machine, settings, tools, context);
  await tools.vbox.run(
    {
      args: ['snapshot', uuid, action, name],
      purpose: PURPOSES[action],
      timeoutMs: MERGE_MS,
    },
    context,
  );
}

const PURPOSES = {
  take: 'taking a snapshot of the machine',
  restore: 'going back to a snapshot of the machine',
  delete: 'deleting a snapshot of the machine',
};
