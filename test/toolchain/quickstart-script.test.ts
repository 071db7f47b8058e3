import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { isComplete } from '../../scripts/machine-record.mjs';
import { createMachine } from '../../src/core/actions/create.js';
import { type TestApp, testApp } from '../support/test-app.js';

let world: TestApp;
beforeEach(async () => {
  world = await testApp({ oneStep: false });
});
afterEach(() => world.remove());

const root = () => world.app.store.layout.root;

test('P28: after an interrupted create npm run quickstart goes on with create, not with start', async () => {
  expect(isComplete(root(), 'default')).toBe(false);
  world.driver.failNext('start', new Error('the power went'));
  await expect(createMachine(world.app, world.request('default'), world.call)).rejects.toThrow();
  expect((await world.app.store.load('default')).notes.journal).toEqual(['recorded', 'created']);
  expect(isComplete(root(), 'default')).toBe(false);
  await createMachine(world.app, world.request('default'), world.call);
  expect(isComplete(root(), 'default')).toBe(true);
});

test('a machine that docker-machine made, or that lost its notes, is started', async () => {
  await createMachine(world.app, world.request('default'), world.call);
  const { notes } = world.app.store.layout.machine('default');
  const { journal: _, ...others } = JSON.parse(await readFile(notes, 'utf8'));
  await writeFile(notes, JSON.stringify(others));
  expect(isComplete(root(), 'default')).toBe(true);
  await rm(join(notes));
  expect(isComplete(root(), 'default')).toBe(true);
});
