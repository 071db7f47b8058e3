import { access, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { lastLines } from '../../core/console-text.js';
import type { DriverMachine } from '../../core/driver.js';
import { CONSOLE_FILE, removePatiently, writePrivately } from './disk.js';

const TAIL_BYTES = 64 * 1024;

/** The last `lines` lines of a console's log that have something on them, fit for a terminal; empty when there is no log. */
export async function readConsoleTail(path: string, lines: number): Promise<string> {
  return lastLines(await readConsoleSince(path, 0), lines);
}

/** What was written to the log after its first `offset` bytes (of that the end, when it is much); empty when there is no log. */
export async function readConsoleSince(path: string, offset: number): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined); // no log, nothing on it
  if (file === undefined) return '';
  try {
    const { size } = await file.stat();
    const begin = Math.max(offset, size - TAIL_BYTES);
    if (begin >= size) return '';
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - begin), 0, size - begin, begin);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** In bytes; 0 when there is no log. */
export async function sizeOfConsole(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0, // no log, nothing on it
  );
}

/** The console's file is made before VirtualBox does: private, whatever the caller's umask is. Throws StoreError. */
export async function preparePrivateConsole(
  machine: DriverMachine,
  ports: Parameters<typeof writePrivately>[2],
): Promise<void> {
  const path = join(machine.directory, CONSOLE_FILE);
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (isThere) await removePatiently(path);
  await writePrivately(path, '', ports);
}
