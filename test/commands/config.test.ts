import { afterEach, beforeEach, expect, test } from '@jest/globals';
import * as config from '../../src/commands/config.js';
import { storeLayout } from '../../src/store/layout.js';
import { type TestApp, testApp } from '../support/test-app.js';
import { runIn } from './command-run.js';
import { addMachine } from './machines.js';

let world: TestApp;
beforeEach(async () => {
  world = await testApp();
  await addMachine(world, 'dev');
});
afterEach(() => world.remove());

test('five lines of flags for docker, the paths quoted', async () => {
  const { stdout, status } = await runIn(world, config, ['dev']);
  const { directory } = world.app.store.layout.machine('dev');
  expect(status).toBe(0);
  expect(stdout.split('\n')).toEqual([
    '--tlsverify',
    `--tlscacert="${directory}/ca.pem"`,
    `--tlscert="${directory}/cert.pem"`,
    `--tlskey="${directory}/key.pem"`,
    '-H=tcp://127.0.0.1:2376',
    '',
  ]);
});

test('P11: backslashes and quotes in a path are doubled and escaped', async () => {
  const layout = storeLayout('C:\\Users\\O"Hara', 'win32');
  const { store } = world.app;
  const record = await store.load('dev');
  const elsewhere = Object.create(store, { layout: { value: layout }, load: { value: async () => record } });
  const { stdout } = await runIn(world, config, ['dev'], { parts: { store: elsewhere } });
  expect(stdout).toContain('--tlscacert="C:\\\\Users\\\\O\\"Hara\\\\machines\\\\dev\\\\ca.pem"\n');
});

test('P21: an engine that does not answer is an error, and stdout stays empty', async () => {
  world.guest.engineAnswers = [{ ok: false, fault: 'port-closed', detail: 'connection refused' }];
  const { stdout, stderr, status } = await runIn(world, config, ['dev']);
  expect({ stdout, status }).toEqual({ stdout: '', status: 1 });
  expect(stderr).toMatch(
    /^Error running connection boilerplate: Error checking and\/or regenerating the certs: There was an error validating certificates for host "127\.0\.0\.1:2376": connection refused\n/,
  );
});
