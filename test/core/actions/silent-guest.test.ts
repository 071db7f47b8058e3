import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { machineIp } from '../../../src/core/actions/connection.js';
import { listMachines } from '../../../src/core/actions/list.js';
import { type App, driverContext, driverMachine } from '../../../src/core/app.js';
import type { MachineRecord } from '../../../src/core/machine.js';
import { FakeDriver } from '../../support/fake-driver.js';
import { machineRecord } from '../../support/machine-record.js';
import { type TestApp, testApp } from '../../support/test-app.js';

/** A running machine whose address only its guest could tell, and whose guest is silent. */
let world: TestApp;
let app: App;
let record: MachineRecord;
let asked: number;

beforeEach(async () => {
  world = await testApp();
  const driver = new FakeDriver({ endpoint: { address: { kind: 'by-mac', mac: '08:00:27:00:00:01' } } });
  asked = 0;
  const banner = async () => {
    asked += 1;
    return undefined;
  };
  const ssh = Object.assign(Object.create(world.guest), { banner });
  app = { ...world.app, ssh, driver: () => driver };
  record = machineRecord({ name: 'dev', layout: app.store.layout, driver: { SSHPort: 40_022 } });
  await app.store.save(record);
  const machine = driverMachine(app, record);
  const context = driverContext(world.call, 'dev');
  await driver.create(machine, { imagePath: '', head: new Uint8Array() }, context);
  await driver.start(machine, context);
});
afterEach(() => world.remove());

test('P35: it is a Running row of ls with the reason, and nothing goes on asking for it', async () => {
  const rows = await listMachines(app, { timeoutMs: 10_000 }, world.call);
  expect(rows).toMatchObject([
    {
      name: 'dev',
      state: 'Running',
      url: '',
      dockerVersion: 'Unknown',
      error: 'the guest did not answer in time: it may still be starting',
    },
  ]);
  const before = asked;
  for (let turns = 0; turns < 50; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(asked - before).toBeLessThan(2);
});

test('P18: ip gives up after half a minute, and says what it waited for', async () => {
  await expect(machineIp(app, record, world.call)).rejects.toMatchObject({
    code: 'TIMED_OUT',
    message: expect.stringMatching(/^Timed out after 30 s waiting for SSH on 127\.0\.0\.1:40022$/),
    reason: 'last seen: no answer from sshd',
  });
});
