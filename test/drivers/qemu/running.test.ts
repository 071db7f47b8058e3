import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { LAST_CONSOLE_FILE, runIdOf } from '../../../src/drivers/qemu/files.js';
import type { QemuPorts } from '../../../src/drivers/qemu/ports.js';
import { discardRun, listRuns, type Run, saveRun } from '../../../src/drivers/qemu/run.js';
import { findLiveRun, settledRun } from '../../../src/drivers/qemu/running.js';
import { FakeClock } from '../../support/fake-clock.js';
import { FakeProcessTable } from '../../support/fake-process-table.js';
import { realQemuPorts } from '../../support/qemu-ports.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';

const LAUNCHER = { pid: 500, startedAt: 'boot 500' };
const SIGNAL = new AbortController().signal;

let room: Awaited<ReturnType<typeof temporaryDirectory>>;
let clock: FakeClock;
let table: FakeProcessTable;
let ports: QemuPorts;

beforeEach(async () => {
  room = await temporaryDirectory('running');
  clock = new FakeClock();
  table = new FakeProcessTable([LAUNCHER]);
  ports = { ...realQemuPorts(room.path), clock, processTable: table };
});
afterEach(() => room.remove());

function intent(fields: Partial<Run> = {}): Run {
  return {
    id: '0a1b2c3d',
    sshPort: 1,
    enginePort: 2,
    monitorPort: 0,
    launcher: LAUNCHER,
    begunAt: clock.now(),
    ...fields,
  };
}

async function fate(): Promise<string | undefined> {
  return (await findLiveRun(room.path, ports, SIGNAL))?.kind;
}

describe('a start that is recorded and has no process yet', () => {
  test('is under way while its tmachine lives, however long it takes', async () => {
    await saveRun(room.path, intent(), ports);
    clock.advance(60_000);
    expect(await fate()).toBe('starting');
  });

  test('may still come shortly after its tmachine was killed', async () => {
    await saveRun(room.path, intent(), ports);
    table.end(LAUNCHER.pid);
    clock.advance(9_999);
    expect(await fate()).toBe('starting');
    clock.advance(1);
    expect(await fate()).toBeUndefined();
  });

  test('is over when the clock was set back since', async () => {
    await saveRun(room.path, intent(), ports);
    table.end(LAUNCHER.pid);
    clock.jump(-3_600_000);
    expect(await fate()).toBeUndefined();
  });

  test('is waited for by the next command, which then sees what became of it', async () => {
    await saveRun(room.path, intent(), ports);
    table.end(LAUNCHER.pid);
    expect(await settledRun(room.path, ports, SIGNAL)).toBeUndefined();
    expect(clock.monotonic()).toBeGreaterThanOrEqual(10_000);
  });

  test('is not waited for without end', async () => {
    await saveRun(room.path, intent(), ports);
    await expect(settledRun(room.path, ports, SIGNAL)).rejects.toMatchObject({
      code: 'TIMED_OUT',
      lastSeen: 'a start by process 500 is under way',
    });
  });
});

describe('a start whose process is recorded', () => {
  const qemu = { pid: 600, startedAt: 'boot 600' };

  test('is alive as long as exactly this process is', async () => {
    await saveRun(room.path, intent({ process: qemu }), ports);
    table.begin(qemu);
    expect(await fate()).toBe('alive');
    table.end(qemu.pid);
    expect(await fate()).toBeUndefined();
  });

  test('is over after a reboot, whoever has its number now', async () => {
    await saveRun(room.path, intent({ process: qemu }), ports);
    table.begin({ pid: qemu.pid, startedAt: 'another boot 600' });
    expect(await fate()).toBeUndefined();
  });
});

test('the record is private and whole, and a later one takes its place', async () => {
  await saveRun(room.path, intent(), ports);
  await saveRun(room.path, intent({ process: { pid: 7, startedAt: 'x' } }), ports);
  expect(await readdir(room.path)).toEqual(['qemu-0a1b2c3d.json']);
  expect(await listRuns(room.path)).toEqual([intent({ process: { pid: 7, startedAt: 'x' } })]);
});

test('a directory that is not there has no starts', async () => {
  expect(await listRuns(join(room.path, 'none'))).toEqual([]);
});

test('a record that cannot be written is told, and nothing is left', async () => {
  await expect(saveRun(join(room.path, 'none'), intent(), ports)).rejects.toMatchObject({
    code: 'STORE_WRITE',
  });
});

test('what an ended start left is deleted; its console stays as the last one', async () => {
  for (const kind of ['json', 'json.new', 'pid', 'sock', 'log']) {
    await writeFile(join(room.path, `qemu-0a1b2c3d.${kind}`), '');
  }
  await mkdir(join(room.path, 'qemu-0a1b2c3d.keys'));
  await writeFile(join(room.path, 'qemu-0a1b2c3d.keys', 'keys.psk'), 'secret');
  await writeFile(join(room.path, 'qemu-0a1b2c3d.console'), 'last words');
  await writeFile(join(room.path, 'qemu-notours.json'), '');
  await discardRun(room.path, '0a1b2c3d');
  expect((await readdir(room.path)).sort()).toEqual([LAST_CONSOLE_FILE, 'qemu-notours.json']);
  expect(await readFile(join(room.path, LAST_CONSOLE_FILE), 'utf8')).toBe('last words');
});

test('of a console that grew beyond 1 MiB the end is kept, private', async () => {
  await writeFile(join(room.path, 'qemu-0a1b2c3d.console'), `${'a line\n'.repeat(300_000)}last words\n`);
  await discardRun(room.path, '0a1b2c3d');
  expect(await readdir(room.path)).toEqual([LAST_CONSOLE_FILE]);
  const kept = join(room.path, LAST_CONSOLE_FILE);
  expect(await readFile(kept, 'utf8')).toMatch(/\nlast words\n$/);
  const { size, mode } = await stat(kept);
  expect(size).toBeLessThan(2 ** 20);
  expect(mode & 0o777).toBe(0o600);
});

test.each([
  ['qemu-0a1b2c3d.json', '0a1b2c3d'],
  ['qemu-0a1b2c3d.keys', '0a1b2c3d'],
  ['qemu-0A1b2c3d.json', undefined],
  ['qemu-0a1b2c3d.json.bak', undefined],
  ['my-qemu-0a1b2c3d.json', undefined],
])('%s belongs to %s', (name, id) => {
  expect(runIdOf(name)).toBe(id);
});
