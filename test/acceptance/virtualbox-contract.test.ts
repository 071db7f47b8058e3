import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, jest } from '@jest/globals';
import type { ProcessRunner } from '../../src/core/ports.js';
import { createVirtualBoxDriver } from '../../src/drivers/virtualbox/driver.js';
import { SystemClock } from '../../src/host/clock.js';
import { driverContract } from '../contract/driver-contract.js';
import { describeHere } from '../support/describe-here.js';
import { tinyGuestImage } from '../support/tiny-guest.js';
import { noVirtualBoxLab, VirtualBoxLab } from '../support/virtualbox-lab.js';
import { testPorts } from '../support/virtualbox-ports.js';

jest.setTimeout(120_000);

/** VBoxManage of the lab, as the driver sees programs. */
function programsOf(lab: () => VirtualBoxLab): ProcessRunner {
  return {
    find: async (program) => (program === 'VBoxManage' ? program : undefined),
    run: async (file, args, options = {}) => {
      options.signal?.throwIfAborted();
      const { status, stdout, stderr } = await lab().run(file, args, {
        timeoutMs: options.timeoutMs ?? 60_000,
      });
      return { status: status ?? undefined, stdout, stderr };
    },
    attach: async () => 1,
    launch: async () => ({ pid: 0, startedAt: '' }),
  };
}

describeHere('the real VirtualBox', noVirtualBoxLab(), () => {
  let lab: VirtualBoxLab;
  beforeAll(async () => {
    lab = await VirtualBoxLab.open();
  });
  afterAll(() => lab.close());

  for (const network of ['hostonly', 'nat']) {
    driverContract(
      `virtualbox (${network}, the real one)`,
      async (room) => {
        const ports = { ...testPorts({ processes: programsOf(() => lab), room }), clock: new SystemClock() };
        return {
          driver: createVirtualBoxDriver(ports),
          flags: {
            'virtualbox-network': network,
            'virtualbox-no-vtx-check': true,
            'virtualbox-no-share': true,
          },
          badFlags: [{ 'virtualbox-memory': 16 }],
          disk: async (machine) => {
            const imagePath = join(machine.directory, 'boot2docker.iso');
            await writeFile(imagePath, tinyGuestImage({ volumeId: 'tiny' }), { mode: 0o600 });
            return { imagePath, head: new TextEncoder().encode('boot2docker, please format-me') };
          },
          deleteBehindOurBack: async () => {
            await lab.vboxmanage('unregistervm', 'dev', '--delete');
          },
          close: async () => {
            await lab.run('VBoxManage', ['controlvm', 'dev', 'poweroff']);
            await lab.run('VBoxManage', ['unregistervm', 'dev', '--delete']);
          },
        };
      },
      { powerControl: true },
    );
  }
});
