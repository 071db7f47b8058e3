import { afterEach, beforeEach, expect, test } from '@jest/globals';
import * as status from '../../src/commands/status.js';
import * as version from '../../src/commands/version.js';
import { createMachine } from '../../src/core/actions/create.js';
import { type TestApp, testApp } from '../support/test-app.js';
import { runIn } from './command-run.js';
import { addMachine } from './machines.js';

let world: TestApp;
beforeEach(async () => {
  world = await testApp({ oneStep: false });
  await addMachine(world, 'dev');
});
afterEach(() => world.remove());

test("version is the program's own, version NAME the engine's", async () => {
  expect((await runIn(world, version, [])).stdout).toMatch(/^tmachine version \d+\.\d+\.\d+, build \w+\n$/);
  expect((await runIn(world, version, ['dev'])).stdout).toBe('26.1.5\n');
  expect(JSON.parse((await runIn(world, version, ['--json', 'dev'])).stdout)).toEqual({
    name: 'dev',
    engine: '26.1.5',
  });
});

test('version of an engine that does not answer begins as in docker-machine', async () => {
  world.guest.engineAnswers = [{ ok: false, fault: 'port-closed', detail: 'connection refused' }];
  const { stdout, stderr, status: code } = await runIn(world, version, ['dev']);
  expect({ stdout, code }).toEqual({ stdout: '', code: 1 });
  expect(stderr).toMatch(/^Unable to query docker version: connection refused\n/);
});

test("status is one word; a machine whose VM is gone is an error in docker-machine's words", async () => {
  await createMachine(world.app, world.request('vm'), world.newCall().call);
  expect((await runIn(world, status, ['vm'])).stdout).toBe('Running\n');
  const { directory } = world.app.store.layout.machine('vm');
  world.driver.setState(directory, 'stopped');
  expect((await runIn(world, status, ['vm'])).stdout).toBe('Stopped\n');
  world.driver.deleteVm(directory);
  const gone = await runIn(world, status, ['vm']);
  expect(gone).toMatchObject({ stdout: '', status: 1 });
  expect(gone.stderr).toMatch(/^error getting state for host vm: machine does not exist\n/);
});
