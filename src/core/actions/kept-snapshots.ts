import { type App, type Call, driverContext, driverMachine } from '../app.js';
import { type Driver, takesSnapshots } from '../driver.js';
import { messageOf, TmachineError, throwIfInterrupted } from '../errors.js';
import type { MachineRecord } from '../machine.js';

/**
 * Takes a snapshot of a stopped machine's disk, under a name of its own that is noted before: killed at any moment, none is left that nobody knows
 * of. Returns the record with the note, and the name; without one where the driver takes no snapshots. Throws what the driver throws.
 */
export async function keepDisk(
  app: App,
  record: MachineRecord,
  driver: Driver,
  call: Call,
): Promise<{ readonly record: MachineRecord; readonly snapshot?: string }> {
  if (!takesSnapshots(driver)) return { record };
  const context = driverContext(call, record.name);
  const noted = record.notes.snapshots ?? [];
  const snapshot = newName(noted, app.clock.now());
  const known = { ...record, notes: { ...record.notes, snapshots: [...noted, snapshot] } };
  await app.store.save(known);
  context.reporter.step('Keeping the disk as it is now, to go back to...');
  await driver.takeSnapshot(driverMachine(app, known), snapshot, context);
  return { record: known, snapshot };
}

/**
 * Deletes a stopped machine's snapshots of ours, all but the one that there is to go back to. One that cannot be deleted is told, and tried again
 * the next time. Returns the record without them.
 */
export async function dropSnapshots(
  app: App,
  record: MachineRecord,
  driver: Driver,
  call: Call,
): Promise<MachineRecord> {
  const { snapshots = [], beforeUpgrade } = record.notes;
  const kept = snapshots.filter((it) => it === beforeUpgrade?.snapshot);
  if (!takesSnapshots(driver) || kept.length === snapshots.length) return record;
  const context = driverContext(call, record.name);
  // From the newest on: VirtualBox deletes none that others branch from.
  for (const snapshot of snapshots.filter((it) => !kept.includes(it)).reverse()) {
    try {
      await driver.deleteSnapshot(driverMachine(app, record), snapshot, context);
    } catch (error) {
      throwIfInterrupted(call.signal);
      if (!(error instanceof TmachineError)) throw error;
      const why = error.reason ?? messageOf(error);
      context.reporter.warn(
        `The snapshot "${snapshot}" is not needed any more, and cannot be deleted: ${why}`,
      );
      kept.push(snapshot);
    }
  }
  const dropped = { ...record, notes: { ...record.notes, snapshots: kept } };
  await app.store.save(dropped);
  return dropped;
}

/** `before-upgrade-2026-11-21T09-05-30-123Z`. The clock may have jumped: not one that is noted already. */
function newName(noted: readonly string[], now: number): string {
  const name = `before-upgrade-${new Date(now).toISOString().replaceAll(/[:.]/g, '-')}`;
  return noted.includes(name) ? newName(noted, now + 1) : name;
}
