import { afterEach, beforeEach, expect, test } from '@jest/globals';
import * as ip from '../../src/commands/ip.js';
import * as url from '../../src/commands/url.js';
import { type TestApp, testApp } from '../support/test-app.js';
import { runIn } from './command-run.js';
import { addMachine } from './machines.js';

let world: TestApp;
beforeEach(async () => {
  world = await testApp();
  for (const [name, host] of [
    ['a', '10.0.0.1'],
    ['b', '10.0.0.2'],
    ['c', '10.0.0.3'],
  ]) {
    await addMachine(world, name ?? '', { url: `tcp://${host}:2376` });
  }
});
afterEach(() => world.remove());

test('ip prints the addresses in the order of the names, each name once', async () => {
  const { stdout, status } = await runIn(world, ip, ['c', 'a', 'b', 'a']);
  expect({ stdout, status }).toEqual({ stdout: '10.0.0.3\n10.0.0.1\n10.0.0.2\n', status: 0 });
});

test('ip of a machine without a guest is the address without the port; url has both', async () => {
  expect((await runIn(world, ip, ['a'])).stdout).toBe('10.0.0.1\n');
  expect((await runIn(world, url, ['a'])).stdout).toBe('tcp://10.0.0.1:2376\n');
});

test('one unknown name: no address of any, and the error names it', async () => {
  const { stdout, stderr, status } = await runIn(world, ip, ['a', 'nope']);
  expect({ stdout, status }).toEqual({ stdout: '', status: 1 });
  expect(stderr).toMatch(/^Docker machine "nope" does not exist\./);
});

test('without a name it is "default", and without a default machine an error', async () => {
  expect((await runIn(world, ip, [])).stderr).toMatch(
    /^Error: No machine name\(s\) specified and no "default" machine exists\n/,
  );
  await addMachine(world, 'default', { url: 'tcp://10.0.0.9:2376' });
  expect((await runIn(world, ip, [])).stdout).toBe('10.0.0.9\n');
});
