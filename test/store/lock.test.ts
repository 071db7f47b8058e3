import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { InterruptedError, StoreError, TmachineError } from '../../src/core/errors.js';
import type { Clock, LockOptions } from '../../src/core/ports.js';
import { AtomicFiles } from '../../src/store/atomic-files.js';
import type { FileStoreParts } from '../../src/store/file-store.js';
import { FileLocks, type FileLocksParts } from '../../src/store/lock.js';
import { type LockHolder, printHolder } from '../../src/store/lock-file.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakeProcessTable } from '../support/fake-process-table.js';
import { type StoreOnDisk, storeOnDisk } from '../support/store-on-disk.js';

const ALIVE = { pid: 77, startedAt: 'boot 77' };
const DEAD = { pid: 66, startedAt: 'boot 66' };

let clock: FakeClock;
let table: FakeProcessTable;
let disk: StoreOnDisk;
let directory: string;
let lockPath: string;

async function open(changes: Partial<FileStoreParts> = {}): Promise<StoreOnDisk> {
  const opened = await storeOnDisk({ clock, processTable: table, ...changes });
  directory = join(opened.root, '.tmachine', 'locks');
  lockPath = join(directory, 'machine-dev.lock');
  await mkdir(directory, { recursive: true });
  return opened;
}

beforeEach(async () => {
  clock = new FakeClock();
  table = new FakeProcessTable([ALIVE]);
  disk = await open();
});
afterEach(() => disk.remove());

function options(changes: Partial<LockOptions> = {}): LockOptions {
  return { signal: new AbortController().signal, ...changes };
}

function holder(changes: Partial<LockHolder> = {}): LockHolder {
  const { hostName, hostId } = disk.host.facts;
  return {
    ...DEAD,
    host: hostName,
    hostId: hostId ?? '',
    since: '2026-01-01T00:00:00.000Z',
    token: 'd'.repeat(32),
    ...changes,
  };
}

async function locked(changes: Partial<LockHolder> = {}): Promise<void> {
  await writeFile(lockPath, printHolder(holder(changes)));
}

/** The locks and rights that lie in a directory, without the space kept for the next one. */
async function files(path = directory): Promise<string[]> {
  return (await readdir(path)).filter((name) => name !== '.spare').sort();
}

async function refusal(work: Promise<unknown>): Promise<TmachineError> {
  const error = await work.then(
    () => new Error('it went well'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof TmachineError) return error;
  throw error;
}

/** Locks as the store makes them, but for these parts. */
function locks({ time = clock, link }: { time?: Clock; link?: FileLocksParts['link'] }): FileLocks {
  const { facts, random, swaps } = disk.host;
  const parts = { facts, clock: time, random, processTable: table, swaps, ...(link && { link }) };
  const files = new AtomicFiles({ ...parts, platform: facts.platform });
  return new FileLocks({ ...parts, directories: { store: directory, user: directory }, files });
}

const hold = (changes: Partial<LockOptions> = {}) =>
  disk.store.lock({ machine: 'dev' }, options(changes), async () => 'done');

describe('a free lock', () => {
  test('names its holder while it is held, and is gone afterwards', async () => {
    const content = await disk.store.lock({ machine: 'dev' }, options(), () => readFile(lockPath, 'utf8'));
    expect(JSON.parse(content)).toEqual({
      pid: 1000,
      startedAt: 'boot 1000',
      host: disk.host.facts.hostName,
      hostId: disk.host.facts.hostId,
      since: new Date(clock.now()).toISOString(),
      token: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(await files()).toEqual([]);
  });

  test('is let go when the work fails', async () => {
    const work = disk.store.lock({ machine: 'dev' }, options(), async () => {
      throw new Error('no luck');
    });
    await expect(work).rejects.toThrow('no luck');
    expect(await files()).toEqual([]);
  });

  test('keeps out nobody who wants another one', async () => {
    const both = await disk.store.lock({ machine: 'dev' }, options(), () =>
      disk.store.lock({ machine: 'dev2' }, options(), () =>
        disk.store.lock('certificates', options(), async () => files()),
      ),
    );
    expect(both).toEqual(['certificates.lock', 'machine-dev.lock', 'machine-dev2.lock']);
  });

  test('of host-only networks is in the user’s own store, whichever store is used', async () => {
    const inHome = join(dirname(disk.root), '.docker', 'machine', '.tmachine', 'locks');
    const names = await disk.store.lock('host-only', options(), () => files(inHome));
    expect(names).toEqual(['host-only.lock']);
  });

  test('is made again when somebody deletes the store meanwhile', async () => {
    await rm(disk.root, { recursive: true });
    expect(await hold()).toBe('done');
  });

  test('of another is not touched by a holder who lost its own to a user’s rm', async () => {
    await disk.store.lock({ machine: 'dev' }, options(), async () => {
      await rm(lockPath);
      await locked(ALIVE);
    });
    expect(JSON.parse(await readFile(lockPath, 'utf8')).pid).toBe(ALIVE.pid);
  });
});

describe('a held lock', () => {
  test('is waited for, and who holds it is said once', async () => {
    await locked(ALIVE);
    const told: string[] = [];
    const waiting = hold({
      onWait: (who) => {
        told.push(who);
        void rm(lockPath);
      },
    });
    expect(await waiting).toBe('done');
    expect(told).toEqual(['process 77']);
    expect(clock.monotonic()).toBeGreaterThanOrEqual(1000);
  });

  test('that is let go at once is not worth a word', async () => {
    await locked(ALIVE);
    const told: string[] = [];
    const waiting = hold({ onWait: (who) => told.push(who) });
    await rm(lockPath);
    await waiting;
    expect(told).toEqual([]);
  });

  test('ends the wait in time, with who holds it since when and what to delete', async () => {
    await locked(ALIVE);
    const error = await refusal(hold({ waitMs: 5000 }));
    expect(error).toBeInstanceOf(StoreError);
    expect(error.code).toBe('LOCKED');
    expect(error.message).toBe('Another tmachine is working on the machine "dev"');
    expect(error.reason).toBe('process 77 has held the lock since 2026-01-01T00:00:00.000Z; waited 5 s');
    expect(error.nextSteps[1]).toBe(`if there is no such process any more, delete the lock:  ${lockPath}`);
  });

  test('is waited for ten minutes when nothing else is asked', async () => {
    await locked(ALIVE);
    await refusal(hold());
    expect(clock.monotonic()).toBeGreaterThanOrEqual(600_000);
    expect(clock.monotonic()).toBeLessThan(601_000);
  });

  test('keeps its holder when the clock jumps', async () => {
    await locked(ALIVE);
    clock.jump(365 * 86_400_000);
    const told: string[] = [];
    const error = await refusal(
      hold({
        waitMs: 60_000,
        onWait: (who) => {
          told.push(who);
          clock.jump(-2 * 365 * 86_400_000);
        },
      }),
    );
    expect(error.code).toBe('LOCKED');
    expect(told).toHaveLength(1);
    expect(clock.monotonic()).toBeGreaterThanOrEqual(60_000);
  });

  test('is given up when the user interrupts', async () => {
    await locked(ALIVE);
    const stop = new AbortController();
    const error = await refusal(hold({ signal: stop.signal, onWait: () => stop.abort() }));
    expect(error).toBeInstanceOf(InterruptedError);
    expect(JSON.parse(await readFile(lockPath, 'utf8')).pid).toBe(ALIVE.pid);
    expect(await files()).toEqual(['machine-dev.lock']);
  });

  test('is not even asked for after an interruption', async () => {
    await expect(hold({ signal: AbortSignal.abort() })).rejects.toBeInstanceOf(InterruptedError);
  });

  test('of another computer is never broken, whatever processes there are here', async () => {
    await locked({ ...DEAD, host: 'other-host' });
    const error = await refusal(hold());
    expect(error.reason).toMatch(/^process 66 on the computer "other-host" has held the lock since /);
    expect(JSON.parse(await readFile(lockPath, 'utf8')).host).toBe('other-host');
  });

  test('of a container that shares this computer’s name is never broken', async () => {
    await locked({ ...DEAD, hostId: 'another id' });
    expect((await refusal(hold())).reason).toContain('on another system called ');
  });
});

describe('the lock of a process that is gone', () => {
  test('is taken over at once and without a word', async () => {
    await locked();
    const told: string[] = [];
    expect(await hold({ onWait: (who) => told.push(who) })).toBe('done');
    expect(told).toEqual([]);
    expect(clock.monotonic()).toBe(0);
    expect(await files()).toEqual([]);
  });

  test('is taken over when its number belongs to a later process', async () => {
    await locked({ pid: ALIVE.pid, startedAt: 'boot 5' });
    expect(await hold()).toBe('done');
  });

  test('is taken over when the process dies while somebody waits', async () => {
    await locked(ALIVE);
    expect(await hold({ onWait: () => table.end(ALIVE.pid) })).toBe('done');
  });

  test('is taken over when whoever had the right to it has died too, and again', async () => {
    await locked();
    const heir = { ...holder(), pid: 67, startedAt: 'boot 67', token: 'e'.repeat(32) };
    const second = { ...holder(), pid: 68, startedAt: 'boot 68', token: 'f'.repeat(32) };
    await writeFile(`${lockPath}.${'d'.repeat(32)}.heir`, printHolder(heir));
    await writeFile(`${lockPath}.${'e'.repeat(32)}.heir`, printHolder(second));
    expect(await hold()).toBe('done');
    expect(await files()).toEqual([]);
  });

  test('waits for the one who is taking it over, be it stopped', async () => {
    await locked();
    await writeFile(
      `${lockPath}.${'d'.repeat(32)}.heir`,
      printHolder(holder({ ...ALIVE, token: 'e'.repeat(32) })),
    );
    const error = await refusal(hold({ waitMs: 3000 }));
    expect(error.reason).toContain('process 77 has held the lock');
    expect(JSON.parse(await readFile(lockPath, 'utf8')).token).toBe('d'.repeat(32));
  });

  test('leaves rights of other locks alone', async () => {
    await locked();
    const other = join(directory, 'machine-dev.lock.x.lock.0123456789abcdef0123456789abcdef.heir');
    await writeFile(other, printHolder(holder(ALIVE)));
    await hold();
    expect(await files()).toEqual(['machine-dev.lock.x.lock.0123456789abcdef0123456789abcdef.heir']);
  });

  test('has one heir of thirty who see it at once', async () => {
    await locked();
    let inside = 0;
    let most = 0;
    let count = 0;
    await Promise.all(
      Array.from({ length: 30 }, () =>
        locks({ time: disk.host.clock }).hold({ machine: 'dev' }, options(), async () => {
          most = Math.max(most, ++inside);
          await readdir(directory);
          count++;
          inside--;
        }),
      ),
    );
    expect([most, count]).toEqual([1, 30]);
    expect(await files()).toEqual([]);
  });
});

describe('a lock file that no holder wrote', () => {
  test.each([
    ['empty', ''],
    ['cut off', '{"pid": 12'],
    ['of another kind', '[]'],
    ['with a token that would leave the directory', printable({ token: '../../x' })],
  ])('%s: blocks nobody for long', async (_, content) => {
    await writeFile(lockPath, content);
    expect(await hold()).toBe('done');
    expect(clock.monotonic()).toBeGreaterThanOrEqual(5000);
    expect(clock.monotonic()).toBeLessThan(10_000);
  });

  test('is left its time: a writer on a file system without hard links may be just about to fill it', async () => {
    await writeFile(lockPath, '');
    const error = await refusal(hold({ waitMs: 3000 }));
    expect(error.reason).toBe('another process has held the lock all the time; waited 3 s');
    expect(await readFile(lockPath, 'utf8')).toBe('');
  });

  test('a link to nowhere in its place does not spin for ever', async () => {
    await symlink('/nowhere/at/all', lockPath);
    expect((await refusal(hold({ waitMs: 2000 }))).code).toBe('LOCKED');
  });
});

describe('on a file system without hard links', () => {
  const noLinks = async () => undefined;

  test('thirty take turns', async () => {
    let inside = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 30 }, () =>
        locks({ time: disk.host.clock, link: noLinks }).hold({ machine: 'dev' }, options(), async () => {
          most = Math.max(most, ++inside);
          await readdir(directory);
          inside--;
        }),
      ),
    );
    expect(most).toBe(1);
    expect(await files()).toEqual([]);
  });

  test('a dead process’s lock is taken over', async () => {
    await locked();
    expect(await locks({ link: noLinks }).hold({ machine: 'dev' }, options(), async () => 'done')).toBe(
      'done',
    );
  });

  test('a lock that its writer never filled is taken over', async () => {
    await writeFile(lockPath, '');
    expect(await locks({ link: noLinks }).hold({ machine: 'dev' }, options(), async () => 'done')).toBe(
      'done',
    );
    expect(await files()).toEqual([]);
  });
});

function printable(changes: object): string {
  return JSON.stringify({
    pid: 1,
    startedAt: '',
    host: 'h',
    hostId: '',
    since: '',
    token: 'd'.repeat(32),
    ...changes,
  });
}
