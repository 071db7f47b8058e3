import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { InterruptedError, StoreError } from '../../src/core/errors.js';
import { type SwapCalls, SystemFileSwaps } from '../../src/host/file-swaps.js';
import { FakeClock } from '../support/fake-clock.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const random = { bytes: (count: number) => new Uint8Array(count) };

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: no`), { code });
}

/** Calls that fail with the given codes, in turn, then go well. */
function failing(codes: readonly string[], found: { directory?: boolean; mode?: number } = {}) {
  const made: string[] = [];
  const left = [...codes];
  const call = async (line: string) => {
    made.push(line);
    const code = left.shift();
    if (code !== undefined) throw failure(code);
  };
  const calls: SwapCalls = {
    rename: (from, to) => call(`rename ${from} ${to}`),
    unlink: (path) => call(`unlink ${path}`),
    stat: async () => ({ isDirectory: () => found.directory ?? false, mode: found.mode ?? 0o666 }),
  };
  return { calls, made };
}

let clock: FakeClock;
beforeEach(() => {
  clock = new FakeClock();
});

function swaps(calls: SwapCalls, platform: 'linux' | 'win32' = 'win32'): SystemFileSwaps {
  return new SystemFileSwaps({ clock, random, platform, calls });
}

async function refusal(work: Promise<unknown>): Promise<StoreError> {
  const error = await work.then(
    () => new Error('it went well'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof StoreError) return error;
  throw error;
}

describe('replace', () => {
  test.each(['EPERM', 'EACCES', 'EBUSY'])('P09: tries again while Windows says %s', async (code) => {
    const { calls, made } = failing([code, code, code]);
    await swaps(calls).replace('part', 'file');
    expect(made).toEqual(Array(4).fill('rename part file'));
    expect(clock.sleeps).toEqual([10, 20, 30]);
  });

  test('P09: pauses grow to a tenth of a second, with jitter', async () => {
    const { calls } = failing(Array(14).fill('EBUSY'));
    const jittery = new SystemFileSwaps({
      clock,
      random: { bytes: () => new Uint8Array([255]) },
      platform: 'win32',
      calls,
    });
    await jittery.replace('part', 'file');
    expect(clock.sleeps.map(Math.round)).toEqual([
      11, 22, 33, 44, 55, 66, 77, 88, 99, 110, 110, 110, 110, 110,
    ]);
  });

  test('P09: says once, after two seconds, which file is held', async () => {
    const { calls } = failing(Array(60).fill('EACCES'));
    const told: string[] = [];
    await swaps(calls).replace('part', 'C:\\x\\boot2docker.iso', { onHeld: (line) => told.push(line) });
    expect(told).toEqual([
      '"C:\\x\\boot2docker.iso" has been held by another program for 2 s; waiting up to 60 s (commonly a virus scanner, a backup, or a virtual machine that runs from it)',
    ]);
  });

  test('P09: gives up after a minute with what to do, and the old file stays', async () => {
    const { calls, made } = failing(Array(100_000).fill('EPERM'));
    const error = await refusal(swaps(calls).replace('part', 'file'));
    expect(error.message).toBe('Could not replace "file"');
    expect(error.reason).toBe(
      'another program has held the file for 60 s, commonly a virus scanner, a backup, or a virtual machine that runs from it',
    );
    expect(error.nextSteps[0]).toContain('the old file is still in place');
    expect(clock.monotonic()).toBeGreaterThanOrEqual(60_000);
    expect(clock.monotonic()).toBeLessThan(60_200);
    expect(new Set(made)).toEqual(new Set(['rename part file']));
  });

  test('P09: does not wait for a directory to become a file', async () => {
    const { calls } = failing(['EPERM', 'EPERM'], { directory: true });
    expect((await refusal(swaps(calls).replace('part', 'file'))).reason).toBe('it is a directory');
    expect(clock.sleeps).toEqual([]);
  });

  test('P09: does not wait for a read-only attribute to go', async () => {
    const { calls } = failing(['EPERM'], { mode: 0o444 });
    expect((await refusal(swaps(calls).replace('part', 'file'))).reason).toBe(
      'its read-only attribute is set',
    );
    expect(clock.sleeps).toEqual([]);
  });

  test.each(['EPERM', 'EACCES', 'EROFS', 'ENOSPC', 'ENOENT'])(
    'does not wait where %s means what it says',
    async (code) => {
      const { calls } = failing([code]);
      await refusal(swaps(calls, 'linux').replace('part', 'file'));
      expect(clock.sleeps).toEqual([]);
    },
  );

  test('ends the wait when the user interrupts', async () => {
    const { calls } = failing(Array(1000).fill('EBUSY'));
    const stop = new AbortController();
    const work = swaps(calls).replace('part', 'file', { signal: stop.signal, onHeld: () => stop.abort() });
    await expect(work).rejects.toBeInstanceOf(InterruptedError);
  });
});

describe('discard', () => {
  test('P08: tries again for two seconds, and a file that stays is no error', async () => {
    const { calls } = failing(Array(1000).fill('EBUSY'));
    expect(await swaps(calls).discard('part')).toBe(false);
    expect(clock.monotonic()).toBeGreaterThanOrEqual(2000);
    expect(clock.monotonic()).toBeLessThan(2200);
  });

  test('P08: deletes a file that is let go', async () => {
    const { calls, made } = failing(['EPERM', 'EACCES']);
    expect(await swaps(calls).discard('part')).toBe(true);
    expect(made).toEqual(Array(3).fill('unlink part'));
  });

  test('is done when there is nothing', async () => {
    const { calls } = failing(['ENOENT']);
    expect(await swaps(calls).discard('part')).toBe(true);
  });

  test('does not wait where waiting is no use', async () => {
    const { calls } = failing(['EROFS']);
    expect(await swaps(calls).discard('part')).toBe(false);
    expect(clock.sleeps).toEqual([]);
  });
});

describe('on this computer', () => {
  let directory: { path: string; remove: () => Promise<void> };
  beforeEach(async () => {
    directory = await temporaryDirectory('swaps');
  });
  afterEach(() => directory.remove());

  test('a file is replaced and discarded', async () => {
    const [part, file] = [join(directory.path, 'part'), join(directory.path, 'file')];
    await writeFile(part, 'new');
    await writeFile(file, 'old');
    const real = new SystemFileSwaps({ clock, random, platform: 'linux' });
    await real.replace(part, file);
    expect(await readFile(file, 'utf8')).toBe('new');
    expect(await real.discard(file)).toBe(true);
    expect(await real.discard(file)).toBe(true);
    expect(await readdir(directory.path)).toEqual([]);
  });

  test('a directory in the way is named as the reason', async () => {
    const [part, file] = [join(directory.path, 'part'), join(directory.path, 'file')];
    await writeFile(part, 'new');
    await mkdir(file);
    const real = new SystemFileSwaps({ clock, random, platform: 'linux' });
    expect((await refusal(real.replace(part, file))).reason).toBe('it is a directory');
  });
});
