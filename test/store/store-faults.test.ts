import { chmod, chown, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { StoreError, TmachineError } from '../../src/core/errors.js';
import { machineRecord } from '../support/machine-record.js';
import { noSmallDisk, type SmallDisk, smallDisk } from '../support/small-disk.js';
import { type StoreOnDisk, storeOnDisk } from '../support/store-on-disk.js';

const why = noSmallDisk();
const onSmallDisk = why === undefined ? describe : describe.skip;
const signal = new AbortController().signal;

async function refusal(work: Promise<unknown>): Promise<TmachineError> {
  const error = await work.then(
    () => new Error('it went well'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof TmachineError) return error;
  throw error;
}

/** Everything below a directory but the fillers, with its content. */
async function contents(root: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !entry.name.startsWith('filler-')) found[path] = await readFile(path, 'utf8');
  }
  return found;
}

onSmallDisk(`a disk that makes trouble${why === undefined ? '' : ` (skipped: ${why})`}`, () => {
  let small: SmallDisk;
  let disk: StoreOnDisk;
  beforeEach(async () => {
    small = await smallDisk(512);
    disk = await storeOnDisk({}, join(small.path, 'store'));
  });
  afterEach(async () => {
    await small.remove();
    await disk.remove();
  });

  test('P27: a save on a full disk fails with what, why and next, and the old record stays whole', async () => {
    const record = machineRecord({ layout: disk.store.layout });
    await disk.store.save(record);
    const before = await contents(disk.root);
    await small.fill();
    const labels = Array.from({ length: 2000 }, (_, index) => `label=${index}`);
    const error = await refusal(disk.store.save(machineRecord({ layout: disk.store.layout, labels })));
    expect(error).toBeInstanceOf(StoreError);
    expect(error.code).toBe('STORE_FULL');
    expect(error.message).toMatch(/^Could not write ".*config\.json(\.previous)?"$/);
    expect(error.reason).toBe('the disk is full');
    expect(error.nextSteps[0]).toBe('free some space and run the command again');
    expect(await contents(disk.root)).toEqual(before);
    expect(await disk.store.load('dev')).toEqual(record);
  });

  test('P28: a new machine on a full disk leaves nothing that would be in the way', async () => {
    await disk.store.save(machineRecord({ name: 'other', layout: disk.store.layout }));
    await small.fill();
    const error = await refusal(disk.store.save(machineRecord({ layout: disk.store.layout })));
    expect(error.code).toBe('STORE_FULL');
    expect(await disk.store.exists('dev')).toBe(false);
    expect(await readdir(disk.store.layout.machines)).toEqual(['other']);
  });

  test('an image that does not fit is not left half-copied', async () => {
    await disk.store.save(machineRecord({ layout: disk.store.layout }));
    const image = join(dirname(disk.root), '..', `tmachine-image-${process.pid}`);
    await writeFile(image, Buffer.alloc(1_000_000));
    const { image: to, directory } = disk.store.layout.machine('dev');
    expect((await refusal(disk.store.copyFile(image, to, 0o600))).message).toBe(`Could not write "${to}"`);
    expect((await readdir(directory)).sort()).toEqual(['config.json', 'tmachine.json']);
  });

  test('a lock on a full disk is refused with the reason, and no other lock is broken', async () => {
    await mkdir(disk.root);
    await small.fill();
    const error = await refusal(disk.store.lock('certificates', { signal }, async () => undefined));
    expect(error.code).toBe('STORE_FULL');
  });

  test('P27: where a lock was held before, a machine can still be locked on a full disk, to be stopped or removed', async () => {
    const record = machineRecord({ layout: disk.store.layout });
    await disk.store.lock({ machine: 'dev' }, { signal }, () => disk.store.save(record));
    await small.fill();
    for (const time of ['first', 'second']) {
      expect(await disk.store.lock({ machine: 'dev' }, { signal }, async () => time)).toBe(time);
    }
    await disk.store.lock({ machine: 'dev' }, { signal }, () => disk.store.remove('dev'));
    expect(await disk.store.list()).toEqual([]);
  });

  test('a read-only store can be read, and refuses every change with the reason', async () => {
    const record = machineRecord({ layout: disk.store.layout });
    await disk.store.save(record);
    await small.makeReadOnly();
    expect(await disk.store.list()).toEqual(['dev']);
    expect(await disk.store.load('dev')).toEqual(record);
    for (const work of [
      disk.store.save({ ...record, driverName: 'other' }),
      disk.store.save(machineRecord({ name: 'new', layout: disk.store.layout })),
      disk.store.remove('dev'),
      disk.store.writeFile(join(disk.root, 'x'), 'x', 0o600),
      disk.store.lock({ machine: 'dev' }, { signal }, async () => undefined),
    ]) {
      const error = await refusal(work);
      expect([error.code, error.reason]).toEqual(['STORE_NOT_WRITABLE', 'the file system is read-only']);
    }
    expect(await disk.store.load('dev')).toEqual(record);
  });
});

const becomes = process.getuid?.() === 0 ? process.seteuid : undefined;
const asNobody = becomes === undefined ? test.skip : test;

describe(`a store of another user${becomes === undefined ? ' (skipped: needs root to become one)' : ''}`, () => {
  asNobody('is refused with whose doing that may be', async () => {
    const disk = await storeOnDisk();
    const record = machineRecord({ layout: disk.store.layout });
    try {
      await disk.store.save(record);
      await chown(dirname(disk.root), 65534, 65534);
      becomes?.(65534);
      const load = await refusal(disk.store.load('dev'));
      const save = await refusal(disk.store.save(record));
      const list = await refusal(disk.store.list());
      const lock = await refusal(disk.store.lock('certificates', { signal }, async () => undefined));
      becomes?.(0);
      expect(load.message).toBe(`open ${disk.store.layout.machine('dev').config}: permission denied`);
      for (const error of [save, list, lock]) {
        expect([error.code, error.reason]).toEqual(['STORE_NOT_WRITABLE', 'this user may not do so']);
        expect(error.nextSteps[0]).toContain('sudo');
      }
    } finally {
      becomes?.(0);
      await disk.remove();
    }
  });

  asNobody('does not pass a record that cannot be read for one that does not exist', async () => {
    const disk = await storeOnDisk();
    try {
      await disk.store.save(machineRecord({ layout: disk.store.layout }));
      const { config } = disk.store.layout.machine('dev');
      await writeFile(`${config}.previous`, await readFile(config));
      for (const path of [dirname(disk.root), disk.root, disk.store.layout.machines, dirname(config)]) {
        await chmod(path, 0o755);
      }
      becomes?.(65534);
      const error = await refusal(disk.store.load('dev'));
      becomes?.(0);
      expect(error.message).toBe(`open ${config}: permission denied`);
    } finally {
      becomes?.(0);
      await disk.remove();
    }
  });
});
