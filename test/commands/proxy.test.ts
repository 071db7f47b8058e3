import { afterEach, beforeEach, expect, test } from '@jest/globals';
import * as proxy from '../../src/commands/proxy.js';
import { createMachine } from '../../src/core/actions/create.js';
import { stopMachine } from '../../src/core/actions/power.js';
import type { Hop } from '../../src/core/ports.js';
import { type TestApp, testApp } from '../support/test-app.js';
import { runIn } from './command-run.js';
import { addMachine } from './machines.js';

let world: TestApp;
beforeEach(async () => {
  world = await testApp({ oneStep: false });
});
afterEach(() => world.remove());

const GOOD: Hop = { name: 'proxy', ok: true, text: 'direct', nextSteps: [] };
const BAD: Hop = {
  name: 'connection',
  ok: false,
  text: 'x refuses\u001b[2J',
  reason: 'why not',
  nextSteps: ['do this'],
};
const asked: string[] = [];
const found = (...hops: Hop[]) => ({
  parts: {
    routes: {
      check: async (url: string) => {
        asked.push(url);
        return hops;
      },
    },
  },
});

test('steps are a table; the one that fails says why and what next, and the exit code is 1', async () => {
  const { stdout, status } = await runIn(world, proxy, ['check', 'https://a.example'], found(GOOD, BAD));
  expect(stdout.split('\n')).toEqual([
    'WHERE   STEP         RESULT',
    'here    proxy        direct',
    'here    connection   failed: x refuses',
    '                       Why   why not',
    '                       Next  do this',
    '',
  ]);
  expect(status).toBe(1);
});

test('--json has every step; a good way ends with 0; a URL without a scheme is https', async () => {
  const { stdout, status } = await runIn(world, proxy, ['check', 'a.example/v2/', '--json'], found(GOOD));
  expect(JSON.parse(stdout)).toEqual({
    url: 'https://a.example/v2/',
    hops: [{ where: 'here', step: 'proxy', ok: true, text: 'direct', reason: null, nextSteps: [] }],
  });
  expect(status).toBe(0);
});

test('without a URL, the way to the boot images is looked at', async () => {
  await runIn(world, proxy, ['check'], found(GOOD));
  expect(asked.at(-1)).toMatch(/\/releases\/latest\/download\/boot2docker\.iso$/);
});

test('the way from here is shown although a machine cannot be looked at from inside, and why it cannot', async () => {
  await addMachine(world, 'remote');
  const { stdout, status } = await runIn(
    world,
    proxy,
    ['check', 'a.example', '--machine', 'remote'],
    found(GOOD),
  );
  expect(stdout.split('\n').slice(1)).toEqual([
    'here     proxy     direct',
    'remote   machine   failed: Machine "remote" cannot be reached by SSH',
    '                     Why   the driver "none" has no login',
    '',
  ]);
  expect(status).toBe(1);

  await createMachine(world.app, world.request('dev'), world.call);
  await stopMachine(world.app, 'dev', world.call);
  const stopped = await runIn(world, proxy, ['check', 'a.example', '--machine', 'dev'], found(GOOD));
  expect(stopped.stdout.split('\n').slice(1)).toEqual([
    'here    proxy     direct',
    'dev     machine   failed: Host is not running',
    '                    Why   "dev" is stopped',
    '                    Next  start it: tmachine start dev',
    '',
  ]);
  expect(stopped.status).toBe(1);
});

test.each([
  [[], 'Error: "proxy" needs a command', 2],
  [['check', 'ftp://a.example'], 'is no http or https URL', 2],
  [['check', 'a', 'b'], 'Error: Too many arguments', 2],
  [['check', 'a.example', '--machine', 'nope'], 'Docker machine "nope" does not exist', 1],
])('proxy %j is refused: %s', async (args, message, status) => {
  expect(await runIn(world, proxy, args, found(GOOD))).toMatchObject({
    status,
    stderr: expect.stringContaining(message),
  });
});
