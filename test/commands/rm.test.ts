import { afterEach, beforeEach, expect, test } from '@jest/globals';
import * as remove from '../../src/commands/rm.js';
import { createMachine } from '../../src/core/actions/create.js';
import { TmachineError } from '../../src/core/errors.js';
import { type TestApp, testApp } from '../support/test-app.js';
import { runIn } from './command-run.js';
import { addMachine } from './machines.js';

let world: TestApp;
const GONE =
  'Docker machine "nope" does not exist. Use "docker-machine ls" to list machines. Use "docker-machine create" to add a new one.';

beforeEach(async () => {
  world = await testApp({ oneStep: false });
  for (const name of ['a', 'b']) await addMachine(world, name);
});
afterEach(() => world.remove());

test('rm asks once for all names; no and no answer leave them all, with success', async () => {
  for (const answer of ['no', 'end'] as const) {
    const { questions, lines, status } = await runIn(world, remove, ['a', 'b'], { answer });
    expect({ questions, status }).toEqual({ questions: ['Are you sure? (y/n): '], status: 0 });
    expect(lines).toEqual([
      'About to remove a, b',
      'WARNING: This action will delete both local reference and remote instance.',
    ]);
  }
  expect(await world.app.store.list()).toEqual(['a', 'b']);
});

test('a name that fails does not stop the names behind it', async () => {
  const { lines, stderr, status } = await runIn(world, remove, ['-y', 'a', 'nope', 'b']);
  expect(lines.slice(2)).toEqual(['Successfully removed a', 'Successfully removed b']);
  expect({ stderr, status }).toEqual({ stderr: `Error removing host "nope": ${GONE}\n`, status: 1 });
  expect(await world.app.store.list()).toEqual([]);
});

test('P37: rm -f of what is gone already says so and succeeds', async () => {
  const { lines, stderr, status } = await runIn(world, remove, ['-f', 'nope', 'a']);
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  expect(lines.slice(2)).toEqual([
    `Error removing host "nope": ${GONE}\nCan't remove "nope"`,
    'Successfully removed a',
  ]);
});

test('rm of a machine that resists keeps it and says how to drop it; -f drops it', async () => {
  await createMachine(world.app, world.request('vm'), world.newCall().call);
  world.driver.failNext('remove', new TmachineError({ code: 'STUCK', message: 'it is stuck' }));
  const { stderr, status } = await runIn(world, remove, ['-y', 'vm']);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^Error removing host "vm": it is stuck\n.*tmachine rm -f vm\n$/s);
  expect(await world.app.store.list()).toContain('vm');
  world.driver.failNext('remove', new TmachineError({ code: 'STUCK', message: 'it is stuck' }));
  expect(await runIn(world, remove, ['-f', 'vm'])).toMatchObject({ status: 0, stderr: '' });
  expect(await world.app.store.list()).not.toContain('vm');
});

test('rm without a name is a wrong command line: the help, then the sentence', async () => {
  expect(await runIn(world, remove, [])).toMatchObject({
    stdout: 'HELP\n',
    stderr: 'Error: Expected to get one or more machine names as arguments\n',
    status: 2,
  });
});
