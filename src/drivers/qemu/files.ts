import { join } from 'node:path';

/** The machine's disk. */
export const DISK_FILE = 'disk.qcow2';
/** The machine's own copy of the boot image; core puts it there. */
export const IMAGE_FILE = 'boot2docker.iso';
/** The console of the last QEMU that has ended. */
export const LAST_CONSOLE_FILE = 'console.log';

/**
 * What one start of QEMU leaves in the machine's directory, by name. The id is new for every start: an old QEMU that ends late cannot
 * touch what a later one uses.
 */
export interface RunFiles {
  /** Our record of the start (run.ts). */
  readonly record: string;
  /** QEMU's own process number; it deletes the file when it ends in peace. */
  readonly pid: string;
  readonly socket: string;
  /** What QEMU itself says: why it did not start. */
  readonly output: string;
  /** The guest's serial console. */
  readonly console: string;
  /** A directory with the key of the control connection, where that is not a Unix socket. */
  readonly keys: string;
}

/** File names only: QEMU runs in the machine's directory, so no path of the user ever becomes part of an option (P11). */
export function runFileNames(id: string): RunFiles {
  const name = (kind: string) => `qemu-${id}.${kind}`;
  return {
    record: name('json'),
    pid: name('pid'),
    socket: name('sock'),
    output: name('log'),
    console: name('console'),
    keys: name('keys'),
  };
}

/** The same with their directory. */
export function runFiles(directory: string, id: string): RunFiles {
  const names = runFileNames(id);
  return {
    record: join(directory, names.record),
    pid: join(directory, names.pid),
    socket: join(directory, names.socket),
    output: join(directory, names.output),
    console: join(directory, names.console),
    keys: join(directory, names.keys),
  };
}

/** The id in the name of any file of a run, or undefined. */
export function runIdOf(fileName: string): string | undefined {
  return /^qemu-([0-9a-f]{8})\.(?:json(?:\.new)?|pid|sock|log|console|keys)$/.exec(fileName)?.[1];
}
