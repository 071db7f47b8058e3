import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createQemuDriver } from '../../src/drivers/qemu/driver.js';
import { listRuns } from '../../src/drivers/qemu/run.js';
import { realQemuPorts } from '../support/qemu-ports.js';
import { tinyGuest } from '../support/tiny-guest.js';
import { driverContract } from './driver-contract.js';

// A real QEMU with a guest of one sector that obeys the power button.
driverContract(
  'qemu',
  async (room) => {
    const ports = realQemuPorts(room);
    const directory = join(room, 'store', 'machines', 'dev');
    return {
      driver: createQemuDriver(ports),
      flags: { 'qemu-memory': 256, 'qemu-accelerator': 'tcg', 'qemu-disk-size': 1200 },
      badFlags: [{ 'qemu-memory': 16 }, { 'qemu-accelerator': 'warp' }, { 'qemu-ssh-port': -1 }],
      disk: async (machine) => {
        const imagePath = join(machine.directory, 'boot2docker.iso');
        await writeFile(imagePath, new Uint8Array(1024 * 1024), { mode: 0o600 });
        return { imagePath, head: tinyGuest() };
      },
      deleteBehindOurBack: (machine) => rm(join(machine.directory, 'disk.qcow2')),
      close: async () => {
        for (const { process } of await listRuns(directory)) {
          if (process !== undefined) await ports.processTable.signal(process, 'SIGKILL');
        }
      },
    };
  },
  { powerControl: true },
);
