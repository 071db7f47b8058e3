import { afterEach, beforeEach, expect, test } from '@jest/globals';
import * as proxy from '../../src/commands/proxy.js';
import type { Hop } from '../../src/core/ports.js';
import { type TestApp, testApp } from '../support/test-app.js';
import { runIn } from './command-run.js';

let world: TestApp;
beforeEach(async () => {
  world = await testApp();
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
