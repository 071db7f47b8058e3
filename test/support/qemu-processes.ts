import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { sep } from 'node:path';

/** The QEMUs that run below a directory: a machine's QEMU has the machine's directory as its own. Linux only. */
export function qemuProcesses(directory: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        return (
          readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('qemu-system') &&
          `${readlinkSync(`/proc/${pid}/cwd`)}${sep}`.startsWith(`${directory}${sep}`)
        );
      } catch {
        return false; // ended a moment ago
      }
    })
    .map(Number);
}
