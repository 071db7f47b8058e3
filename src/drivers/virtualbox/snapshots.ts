import type { DriverContext, DriverMachine } from '../../core/driver.js';
import type { VirtualBoxSettings } from './settings.js';
import { settled } from './stop.js';
import type { Tools } from './virtual-machine.js';

/** Copying what changed back into one disk takes as long as that is big. */
const MERGE_MS = 3_600_000;

/** VirtualBox takes several snapshots of one name, and then means the first of them: whoever takes one names it anew. */
const NO_SUCH_SNAPSHOT = /Could not find a snapshot named|This machine does not have any snapshots/;

/** One step of a snapshot's life; one that is gone need not be deleted. Throws VM_MISSING, VBOX_GARBLED, VBoxManageError. */
export async function changeSnapshot(
  action: 'take' | 'restore' | 'delete',
  name: string,
  machine: DriverMachine,
  settings: VirtualBoxSettings,
  tools: Tools,
  context: DriverContext,
): Promise<void> {
  const { uuid } = await settled(machine, settings, tools, context);
  const args = ['snapshot', uuid, action, name];
  const answer = await tools.vbox.attempt({ args, purpose: PURPOSES[action], timeoutMs: MERGE_MS }, context);
  if (answer.ok || (action === 'delete' && NO_SUCH_SNAPSHOT.test(answer.error.output))) return;
  throw answer.error;
}

const PURPOSES = {
  take: 'taking a snapshot of the machine',
  restore: 'going back to a snapshot of the machine',
  delete: 'deleting a snapshot of the machine',
};
