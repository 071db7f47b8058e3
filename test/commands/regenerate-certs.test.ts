import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import * as regenerate from '../../src/commands/regenerate-certs.js';
import { createMachine } from '../../src/core/actions/create.js';
import { type TestApp, testApp } from '../support/test-app.js';
import { runIn } from './command-run.js';

let world: TestApp;
let before: string;
const served = () => readFile(world.app.store.layout.machine('dev').serverCert, 'utf8');
const QUESTION = 'Regenerate TLS machine certs?  Warning: this is irreversible. (y/n): ';

beforeEach(async () => {
  world = await testApp({ oneStep: false });
  await createMachine(world.app, world.request('dev'), world.newCall().call);
  before = await served();
});
afterEach(() => world.remove());

test('regenerate-certs asks the question of docker-machine; yes makes a new certificate', async () => {
  const { questions, lines, status } = await runIn(world, regenerate, ['dev'], { answer: 'yes' });
  expect({ questions, status }).toEqual({ questions: [QUESTION], status: 0 });
  expect(lines[0]).toBe('Regenerating TLS certificates');
  expect(await served()).not.toBe(before);
});

test('no ends it with success, nobody to answer with a failure, and both leave the certificate', async () => {
  expect(await runIn(world, regenerate, ['dev'], { answer: 'no' })).toMatchObject({ status: 0, lines: [] });
  const unanswered = await runIn(world, regenerate, ['dev'], { answer: 'end' });
  expect(unanswered).toMatchObject({ status: 1, stdout: '' });
  expect(unanswered.stderr).toMatch(/^EOF\n/);
  expect(await served()).toBe(before);
});

test('P19: --force asks nothing, and --client-certs makes the authority and the client certificate anew', async () => {
  const ca = (await world.app.store.load('dev')).hostOptions.AuthOptions.CaCertPath;
  const authority = await readFile(ca, 'utf8');
  await runIn(world, regenerate, ['-f', 'dev']);
  expect(await readFile(ca, 'utf8')).toBe(authority);
  const { questions, status } = await runIn(world, regenerate, ['--client-certs', '-f', 'dev']);
  expect({ questions, status }).toEqual({ questions: [], status: 0 });
  expect(await readFile(ca, 'utf8')).not.toBe(authority);
});
