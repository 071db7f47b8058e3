import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { PROGRAM, tmachineIn } from '../support/cli.js';
import { inTerminal } from '../support/pseudo-terminal.js';

const QUESTION = 'Are you sure? (y/n): ';

let store: string;
let tmachine: ReturnType<typeof tmachineIn>;
const onTerminal = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  inTerminal(process.execPath, [PROGRAM, '-s', store, ...args], { HOME: store, ...env });

beforeEach(async () => {
  store = await mkdtemp(join(tmpdir(), 'tm-terminal-'));
  tmachine = tmachineIn(store);
  await tmachine(['create', '-d', 'none', '--url', 'tcp://127.0.0.1:1', 'dev']);
});
afterEach(() => rm(store, { recursive: true, force: true }));

test.each([
  ['Ctrl-D', '\x04', 0, 'dev\n'],
  ['Enter alone', '\r', 0, 'dev\n'],
  ['n', 'n\r', 0, 'dev\n'],
  ['Ctrl-C', '\x03', 130, 'dev\n'],
  ['y', 'y\r', 0, ''],
])('rm asks on a terminal: %s', async (_what, typed, status, left) => {
  const session = onTerminal(['rm', 'dev']);
  await session.expect(QUESTION);
  session.type(typed);
  expect(await session.ended()).toBe(status);
  // What follows, the prompt of the shell, begins on a line of its own.
  expect(session.shown()).toMatch(/\n$/);
  expect((await tmachine(['ls', '-q'])).stdout).toBe(left);
});

test.each([
  [['ls'], 0],
  [['inspect', 'dev'], 0],
  [['ls', '--nope'], 2],
  [['status', 'nope'], 1],
  [['rm', '-y', 'dev'], 0],
])('with NO_COLOR %j sends no control sequence to a terminal', async (args, status) => {
  const session = onTerminal(args, { NO_COLOR: '1' });
  expect(await session.ended()).toBe(status);
  expect(session.shown()).not.toContain('\x1b');
});
