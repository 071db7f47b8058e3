import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, StoreError } from '../../core/errors.js';
import { newUuid } from './identifiers.js';
import type { VirtualBoxPorts } from './ports.js';
import { makeVmdk } from './vmdk.js';

/** docker-machine's name for it. */
export const DISK_FILE = 'disk.vmdk';
/** What the guest writes on its serial console. */
export const CONSOLE_FILE = 'console.log';

/** Makes the machine's disk appear at once, whole and with mode 0600: it carries the machine's keys. Returns its UUID. Throws StoreError. */
export async function makeDisk(
  directory: string,
  disk: { readonly sizeMb: number; readonly head: Uint8Array },
  ports: Pick<VirtualBoxPorts, 'random' | 'files'>,
): Promise<string> {
  const uuid = newUuid(ports.random);
  const content = makeVmdk({
    sizeBytes: disk.sizeMb * 1024 * 1024,
    head: disk.head,
    uuid,
    modificationUuid: newUuid(ports.random),
    fileName: DISK_FILE,
  });
  await writePrivately(join(directory, DISK_FILE), content, ports);
  return uuid;
}

/** Atomic, mode 0600, its directory 0700. Throws StoreError. */
export async function writePrivately(
  target: string,
  content: Uint8Array | string,
  { random, files }: Pick<VirtualBoxPorts, 'random' | 'files'>,
): Promise<void> {
  const temporary = `${target}.${newUuid(random)}`;
  try {
    await mkdir(join(target, '..'), { recursive: true, mode: 0o700 });
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await files.replace(temporary, target);
  } catch (error) {
    await files.discard(temporary);
    if (error instanceof StoreError) throw error;
    throw new StoreError({
      code: 'STORE_WRITE',
      message: `Could not write ${target}`,
      reason: messageOf(error),
      nextSteps: ["look at the free space and the owner of the machine's directory"],
      cause: error,
    });
  }
}

/** Deletes a file or a directory of the machine, waiting for a scanner that holds it (P08). Throws StoreError. */
export async function removePatiently(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  } catch (error) {
    throw new StoreError({
      code: 'STORE_REMOVE',
      message: `Could not delete ${path}`,
      reason: messageOf(error),
      nextSteps: ['end the program that holds it, then run the command again'],
      cause: error,
    });
  }
}
