import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createVirtualBoxDriver } from '../../src/drivers/virtualbox/driver.js';
import { FakeVirtualBox } from '../support/fake-virtualbox.js';
import { testPorts } from '../support/virtualbox-ports.js';
import { driverContract } from './driver-contract.js';

const BAD_FLAGS = [
  { 'virtualbox-memory': 16 },
  { 'virtualbox-hostonly-cidr': '192.168.99.0/24' },
  { 'virtualbox-network': 'bridged' },
];

async function smallDisk(machine: { readonly directory: string }) {
  const imagePath = join(machine.directory, 'boot2docker.iso');
  await writeFile(imagePath, new Uint8Array(1024 * 1024), { mode: 0o600 });
  return { imagePath, head: new TextEncoder().encode('boot2docker, please format-me') };
}

for (const network of ['hostonly', 'nat']) {
  driverContract(
    `virtualbox (${network}, a stand-in)`,
    async (room) => {
      const processes = new FakeVirtualBox();
      return {
        driver: createVirtualBoxDriver(testPorts({ processes, room })),
        flags: { 'virtualbox-network': network },
        badFlags: BAD_FLAGS,
        disk: smallDisk,
        deleteBehindOurBack: async () => {
          await processes.run('/usr/bin/VBoxManage', ['unregistervm', 'dev', '--delete']);
        },
        close: async () => {},
      };
    },
    { powerControl: true },
  );
}
