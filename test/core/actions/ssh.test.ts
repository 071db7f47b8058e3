import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createMachine } from '../../../src/core/actions/create.js';
import { killMachine } from '../../../src/core/actions/power.js';
import { runInMachine } from '../../../src/core/actions/ssh.js';
import { type TestApp, testApp } from '../../support/test-app.js';

let world: TestApp;

beforeEach(async () => {
  world = await testApp({ oneStep: false });
  await createMachine(world.app, world.request('dev'), world.call);
});

afterEach(() => world.remove());

test('the remote exit code is the answer', async () => {
  world.guest.session = async () => 42;
  expect(await runInMachine(world.app, 'dev', ['exit', '42'], world.call)).toBe(42);
});

test('P24: a host key that is not known is kept at the first contact and stated; another one is refused then', async () => {
  const record = await world.app.store.load('dev');
  await world.app.store.save({ ...record, notes: { ...record.notes, hostKey: undefined } });
  await runInMachine(world.app, 'dev', [], world.call);
  expect(world.warnings).toEqual([expect.stringContaining(world.guest.hostKey)]);
  expect((await world.app.store.load('dev')).notes.hostKey).toBe(world.guest.hostKey);
  await runInMachine(world.app, 'dev', [], world.call);
  expect(world.warnings).toHaveLength(1);
});

test('a machine that does not run is named, with the way to start it', async () => {
  await killMachine(world.app, 'dev', world.call);
  await expect(runInMachine(world.app, 'dev', [], world.call)).rejects.toMatchObject({
    message: 'Error: Cannot run SSH command: Host "dev" is not running',
    nextSteps: ['start it: tmachine start dev'],
  });
});
