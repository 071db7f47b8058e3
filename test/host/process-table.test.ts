import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { ProcessIdentity } from '../../src/core/ports.js';
import { openHost } from '../../src/host/open-host.js';
import { SystemProcessTable } from '../../src/host/process-table.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakeProcesses } from '../support/fake-processes.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function sleeper(): ChildProcess {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  children.push(child);
  return child;
}

(process.platform === 'linux' ? describe : describe.skip)('on Linux', () => {
  const table = openHost().processTable;

  async function identified(child: ChildProcess): Promise<ProcessIdentity> {
    const found = await table.identify(child.pid ?? 0);
    if (found === undefined) throw new Error('no such process');
    return found;
  }

  test('this process knows itself, always by the same text', async () => {
    const self = await table.self();
    expect(self.pid).toBe(process.pid);
    expect(self).toEqual(await table.identify(process.pid));
    expect(self.startedAt).toMatch(/^[0-9a-f-]{36} \d+$/);
    expect(await table.isAlive(self)).toBe(true);
  });

  test('a process is alive until it has ended, also while it is stopped', async () => {
    const child = sleeper();
    const identity = await identified(child);
    child.kill('SIGSTOP');
    expect(await table.isAlive(identity)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await table.isAlive(identity)).toBe(false);
    expect(await table.identify(identity.pid)).toBeUndefined();
  });

  test('a zombie is not alive', async () => {
    // The child ends once `exec` has turned its parent, which would have asked for its end, into a program that does not.
    const child = 'while read name < /proc/$PPID/comm && [ "$name" != sleep ]; do :; done';
    const parent = spawn('sh', ['-c', `sh -c '${child}' & echo $!; exec sleep 60`], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.push(parent);
    const [output] = await once(parent.stdout, 'data');
    const pid = Number(String(output));
    while ((await table.identify(pid)) !== undefined) await new Promise((resolve) => setImmediate(resolve));
    process.kill(pid, 0); // still there for whoever only asks for the number
    expect(await table.identify(pid)).toBeUndefined();
  });

  test('a later process with the same number is another one', async () => {
    const identity = await identified(sleeper());
    const earlier = { ...identity, startedAt: identity.startedAt.replace(/\d+$/, '1') };
    const otherBoot = { ...identity, startedAt: identity.startedAt.replace(/^.{8}/, '00000000') };
    expect(await table.isAlive(earlier)).toBe(false);
    expect(await table.isAlive(otherBoot)).toBe(false);
  });

  test('a signal reaches exactly the process meant', async () => {
    const child = sleeper();
    const identity = await identified(child);
    await table.signal({ ...identity, startedAt: 'another' }, 'SIGKILL');
    await table.signal({ ...identity, startedAt: '' }, 'SIGKILL');
    expect(await table.isAlive(identity)).toBe(true);
    await table.signal(identity, 'SIGTERM');
    expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
    await table.signal(identity, 'SIGTERM');
  });

  test('numbers that mean groups of processes are nobody', async () => {
    for (const pid of [0, -1, 1.5, Number.NaN]) expect(await table.identify(pid)).toBeUndefined();
  });

  test('a process whose start is hidden counts as alive', async () => {
    const hidden = await temporaryDirectory('proc');
    try {
      const blind = new SystemProcessTable({
        facts: { platform: 'linux', bootId: 'boot', env: {} },
        processes: new FakeProcesses(),
        clock: new FakeClock(),
        procDirectory: hidden.path,
        existence: (pid) => (pid === 77 ? 'exists' : 'gone'),
      });
      expect(await blind.identify(77)).toEqual({ pid: 77, startedAt: '' });
      expect(await blind.isAlive({ pid: 77, startedAt: 'boot 5' })).toBe(true);
      expect(await blind.isAlive({ pid: 78, startedAt: 'boot 5' })).toBe(false);
      await mkdir(join(hidden.path, '77'));
      await writeFile(join(hidden.path, '77', 'stat'), `77 (x) S ${'1 '.repeat(18)}6 0`);
      expect(await blind.isAlive({ pid: 77, startedAt: 'boot 5' })).toBe(false);
      expect(await blind.isAlive({ pid: 77, startedAt: 'boot 6' })).toBe(true);
    } finally {
      await hidden.remove();
    }
  });
});

describe('on macOS', () => {
  const ps = (pid: number, stdout: string, status = 0) => ({
    file: '/bin/ps',
    args: ['-o', 'lstart=,stat=', '-p', String(pid)],
    result: { status, stdout },
  });
  const facts = { platform: 'darwin' as const, bootId: 'BOOT', env: {} };

  function macTable(calls: ReturnType<typeof ps>[]): { table: SystemProcessTable; processes: FakeProcesses } {
    const processes = new FakeProcesses(calls);
    const table = new SystemProcessTable({
      facts,
      processes,
      clock: new FakeClock(),
      existence: () => 'exists',
    });
    return { table, processes };
  }

  test('ps tells the start', async () => {
    const { table, processes } = macTable([ps(77, 'Mon May  5 15:14:23 2026     S+\n')]);
    expect(await table.identify(77)).toEqual({ pid: 77, startedAt: 'BOOT Mon May 5 15:14:23 2026' });
    expect(processes.calls[0]?.options).toMatchObject({ env: { TZ: 'UTC' } });
    processes.verify();
  });

  test('zombies and processes that ps does not know are gone', async () => {
    const { table, processes } = macTable([ps(77, 'Mon May  5 15:14:23 2026     Z\n'), ps(78, '', 1)]);
    expect(await table.identify(77)).toBeUndefined();
    expect(await table.identify(78)).toBeUndefined();
    processes.verify();
  });

  test('this process asks for itself once', async () => {
    const { table, processes } = macTable([ps(process.pid, 'Mon May  5 15:14:23 2026     S+\n')]);
    expect(await table.self()).toEqual(await table.self());
    processes.verify();
  });
});

describe('on Windows', () => {
  const facts = { platform: 'win32' as const, bootId: '', env: { SystemRoot: 'D:\\Windows' } };
  const shell = 'D:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe';
  const wmic = 'D:\\Windows\\System32\\wbem\\wmic.exe';
  const asked = (file: string, result: { status?: number; stdout?: string }) => ({
    file,
    args: () => true,
    result,
  });

  function windowsTable(calls: ReturnType<typeof asked>[]) {
    const processes = new FakeProcesses(calls);
    const clock = new FakeClock();
    const table = new SystemProcessTable({ facts, processes, clock, existence: () => 'exists' });
    return { table, processes, clock };
  }

  test('PowerShell tells the start', async () => {
    const { table, processes } = windowsTable([asked(shell, { stdout: '2026-05-05T13:14:23.1234567Z\r\n' })]);
    expect(await table.identify(77)).toEqual({ pid: 77, startedAt: '2026-05-05T13:14:23.123Z' });
    processes.verify();
  });

  test('where PowerShell is locked, wmic does', async () => {
    const { table, processes } = windowsTable([
      asked(shell, { status: 1 }),
      asked(wmic, { stdout: '\r\r\nCreationDate=20260505151423.123456+120\r\r\n' }),
    ]);
    expect(await table.identify(77)).toEqual({ pid: 77, startedAt: '2026-05-05T13:14:23.123Z' });
    processes.verify();
  });

  test('without either the start cannot be told, and the process counts as alive', async () => {
    const { table, processes } = windowsTable([asked(shell, { status: 1 }), asked(wmic, { status: 1 })]);
    expect(await table.isAlive({ pid: 77, startedAt: '2026-05-05T13:14:23.123Z' })).toBe(true);
    processes.verify();
  });

  test('a process that PowerShell does not find has ended', async () => {
    const { table, processes } = windowsTable([asked(shell, { stdout: '' })]);
    expect(await table.identify(77)).toBeUndefined();
    processes.verify();
  });

  test('our own start, measured by ourselves, is the one that others are told; another start is another process', async () => {
    const { table, processes, clock } = windowsTable([
      asked(shell, { stdout: '2026-05-05T13:14:23.1234567Z\r\n' }),
      asked(shell, { stdout: '2026-05-05T13:14:23.1234567Z\r\n' }),
    ]);
    expect(await table.isAlive({ pid: 77, startedAt: '2026-05-05T13:14:23.900Z' })).toBe(true);
    clock.advance(10_000);
    expect(await table.isAlive({ pid: 77, startedAt: '2026-05-05T13:10:00.000Z' })).toBe(false);
    expect(await table.isAlive(await table.self())).toBe(true);
    processes.verify();
  });

  test('a number is looked up once in ten seconds at most', async () => {
    const { table, processes, clock } = windowsTable([
      asked(shell, { stdout: '2026-05-05T13:14:23.1234567Z\r\n' }),
      asked(shell, { stdout: '' }),
    ]);
    for (let second = 0; second < 10; second++) {
      expect(await table.identify(77)).toBeDefined();
      clock.advance(1000);
    }
    expect(await table.identify(77)).toBeUndefined();
    processes.verify();
  });
});
