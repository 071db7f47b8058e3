import { mkdir } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { InterruptedError } from '../../../src/core/errors.js';
import { askMonitor, type MonitorCommand } from '../../../src/drivers/qemu/qmp.js';
import { HeldClock } from '../../support/fake-clock.js';
import { qemuFixture } from '../../support/qemu-fixture.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';

const SESSION = qemuFixture('qmp-session').split('\n');
const GREETING = `${SESSION[0]}\r\n`;
const HELLO = '{"return": {}, "id": "hello"}\r\n';
const EVENT = `${SESSION.find((line) => line.includes('"POWERDOWN"'))}\r\n`;

let room: Awaited<ReturnType<typeof temporaryDirectory>>;
let server: Server | undefined;
const clients: Socket[] = [];
let clock: HeldClock;

beforeEach(async () => {
  room = await temporaryDirectory('qmp');
  clock = new HeldClock();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  server = undefined;
  await room.remove();
});

/** Stands in for QEMU: greets, then answers each line it gets with what `answer` says. Returns what it was told. */
async function listen(greeting: string, answer: (line: string) => string): Promise<string[]> {
  const heard: string[] = [];
  server = createServer((client) => {
    clients.push(client);
    client.setEncoding('utf8');
    client.write(greeting);
    client.on('data', (text: string) => {
      for (const line of text.trim().split('\n')) {
        heard.push(line);
        client.write(answer(line));
      }
    });
    client.on('error', () => {});
  });
  await new Promise<void>((resolve) => server?.listen(join(room.path, 'm.sock'), resolve));
  return heard;
}

function ask(command: MonitorCommand, signal = new AbortController().signal) {
  const address = {
    kind: 'unix',
    directory: room.path,
    fileName: 'm.sock',
    temporaryDirectory: '/tmp',
  } as const;
  return askMonitor(address, command, { clock, signal, timeoutMs: 2_000 });
}

/** QEMU's own answers, by the command. */
function answers(line: string): string {
  if (line.includes('qmp_capabilities')) return HELLO;
  if (line.includes('query-status')) {
    return '{"return": {"status": "running", "singlestep": false, "running": true}, "id": "command"}\r\n';
  }
  return '{"return": {}, "id": "command"}\r\n';
}

test('the greeting is waited for, then the handshake, then the command', async () => {
  const heard = await listen(GREETING, answers);
  expect(await ask('query-status')).toEqual({ status: 'running', singlestep: false, running: true });
  expect(heard).toEqual([
    '{"execute":"qmp_capabilities","id":"hello"}',
    '{"execute":"query-status","id":"command"}',
  ]);
  expect(clock.sleeping).toBe(0);
});

test('events are skipped, also one that is glued to the answer', async () => {
  await listen(GREETING + EVENT, (line) => EVENT + answers(line) + EVENT);
  expect(await ask('system_powerdown')).toEqual({});
});

test('an answer may come in pieces', async () => {
  await listen(GREETING, (line) => {
    const text = answers(line);
    clients.at(-1)?.write(text.slice(0, 5));
    return text.slice(5);
  });
  expect(await ask('query-status')).toMatchObject({ status: 'running' });
});

test('a command that QEMU refuses is told in its words', async () => {
  const refusal = SESSION.find((line) => line.includes('CommandNotFound')) ?? '';
  await listen(GREETING, (line) => (line.includes('hello') ? HELLO : `${refusal}\r\n`));
  await expect(ask('cont')).rejects.toMatchObject({
    fault: 'refused',
    reason: '"cont": The command nosuch has not been found',
  });
});

test('nobody there is "absent": no socket, and a socket that nobody listens on', async () => {
  await expect(ask('quit')).rejects.toMatchObject({ fault: 'absent' });
  await listen('', () => '');
  await new Promise<void>((resolve) => server?.close(() => resolve()));
  server = undefined;
  await expect(ask('quit')).rejects.toMatchObject({ fault: 'absent' });
});

test('one who hangs up is "absent" too', async () => {
  await listen(GREETING, () => {
    clients.at(-1)?.end();
    return '';
  });
  await expect(ask('quit')).rejects.toMatchObject({ fault: 'absent', reason: 'the connection was closed' });
});

test('one who says nothing in time is "silent"', async () => {
  await listen('', () => '');
  const answer = expect(ask('query-status')).rejects.toMatchObject({
    fault: 'silent',
    reason: 'no answer within 2000 ms',
  });
  while (clock.sleeping === 0 || clients.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(2_000);
  await answer;
});

test('an interrupted question ends with the reason', async () => {
  await listen('', () => '');
  const interrupt = new AbortController();
  const answer = expect(ask('query-status', interrupt.signal)).rejects.toThrow('Ctrl-C');
  while (clients.length === 0) await new Promise((resolve) => setImmediate(resolve));
  interrupt.abort(new InterruptedError('Ctrl-C'));
  await answer;
  await expect(ask('query-status', interrupt.signal)).rejects.toThrow('Ctrl-C');
});

test('P11: a socket whose path is too long for a socket is reached, and no trace is left', async () => {
  await listen(GREETING, answers);
  const deep = join(room.path, 'd'.repeat(200));
  await mkdir(deep);
  const temporaryDirectory = join(room.path, 't');
  await mkdir(temporaryDirectory);
  const { symlink, readdir } = await import('node:fs/promises');
  await symlink(join(room.path, 'm.sock'), join(deep, 'm.sock'));
  const address = { kind: 'unix', directory: deep, fileName: 'm.sock', temporaryDirectory } as const;
  const signal = new AbortController().signal;
  expect(await askMonitor(address, 'query-status', { clock, signal, timeoutMs: 2_000 })).toMatchObject({
    status: 'running',
  });
  expect(await readdir(temporaryDirectory)).toEqual([]);
});
