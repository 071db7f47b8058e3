import { FakeDriver } from '../support/fake-driver.js';
import { driverContract } from './driver-contract.js';

driverContract(
  'the fake',
  async () => {
    const driver = new FakeDriver();
    return {
      driver,
      flags: {},
      badFlags: [{ 'fake-memory': 0 }],
      disk: async (machine) => ({
        imagePath: `${machine.directory}/boot2docker.iso`,
        head: new Uint8Array(4096),
      }),
      deleteBehindOurBack: async (machine) => driver.deleteVm(machine.directory),
      close: async () => {},
    };
  },
  { powerControl: true },
);
