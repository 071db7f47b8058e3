import { mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, StoreError } from '../../core/errors.js';
import { DISK_FILE, LAST_CONSOLE_FILE } from './files.js';
import type { QemuPorts } from './ports.js';
import { makeQcow2 } from './qcow2.js';
import { removePatiently } from './run.js';
import { randomId } from './toolkit.js';

/**
 * Makes the machine's disk appear at once, whole and with mode 0600: it carries the machine's keys until the guest has taken them. An older
 * one is replaced. Throws StoreError.
 */
export async function makeDisk(
  directory: string,
  disk: { readonly sizeMb: number; readonly head: Uint8Array },
  ports: QemuPorts,
): Promise<void> {
  const target = join(directory, DISK_FILE);
  const temporary = `${target}.${randomId(ports.random)}`;
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await removeUnfinished(directory);
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(makeQcow2(disk.sizeMb * 1024 * 1024, disk.head));
      await file.sync();
    } finally {
      await file.close();
    }
    await ports.files.replace(temporary, target);
  } catch (error) {
    await ports.files.discard(temporary);
    if (error instanceof StoreError) throw error;
    throw new StoreError({
      code: 'STORE_WRITE',
      message: `Could not write the machine's disk ${target}`,
      reason: messageOf(error),
      nextSteps: ["look at the free space and the owner of the machine's directory"],
      cause: error,
    });
  }
}

/** Deletes the disk, unfinished ones and the last console. */
export async function removeDisk(directory: string): Promise<void> {
  await removeUnfinished(directory);
  await removePatiently(join(directory, DISK_FILE));
  await removePatiently(join(directory, LAST_CONSOLE_FILE));
}

/** What a `create` that was killed while it wrote left behind. */
async function removeUnfinished(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => []); // no directory, nothing in it
  for (const name of names) {
    if (name.startsWith(`${DISK_FILE}.`)) await removePatiently(join(directory, name));
  }
}
