import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openHost } from '../../src/host/open-host.js';
import { inspectStore } from '../../src/store/inspect-store.js';
import { printHolder } from '../../src/store/lock-file.js';
import { FakeProcessTable } from '../support/fake-process-table.js';
import { noSmallDisk, smallDisk } from '../support/small-disk.js';

describe('the place of a store', () => {
  let directory: string;
  const alive = { pid: 5001, startedAt: 'boot 5001' };
  const facts = { platform: 'linux', homeDirectory: '', hostName: 'desk', hostId: 'id 1' } as const;
  const inspect = (root: string) =>
    inspectStore({
      layout: { root },
      facts,
      processTable: new FakeProcessTable([alive]),
      random: openHost().random,
    });

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tm-inspect-'));
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  test('that is not there yet is judged by where it would be made, and nothing is left behind', async () => {
    const found = await inspect(join(directory, 'a', 'store'));
    expect(found).toMatchObject({ exists: false, notWritable: undefined, locks: [] });
    expect(found.freeMib).toBeGreaterThan(0);
    expect(await readdir(directory)).toEqual([]);
  });

  test('locks are told apart: held, left by a dead process, from elsewhere, unreadable', async () => {
    const locks = join(directory, '.tmachine', 'locks');
    await mkdir(locks, { recursive: true });
    const holder = {
      ...alive,
      host: 'desk',
      hostId: 'id 1',
      since: '2026-01-01T00:00:00Z',
      token: 'a'.repeat(32),
    };
    await writeFile(join(locks, 'machine-dev.lock'), printHolder(holder));
    await writeFile(join(locks, 'certificates.lock'), printHolder({ ...holder, pid: 5002 }));
    await writeFile(join(locks, 'cache-boot2docker.iso.lock'), printHolder({ ...holder, host: 'lap' }));
    await writeFile(join(locks, 'machine-%C3%A4.lock'), 'half');
    await writeFile(join(locks, 'machine-dev.lock.spare'), '');
    const found = (await inspect(directory)).locks.map(({ title, state, holder: who }) => [
      title,
      state,
      who,
    ]);
    expect(found).toEqual([
      ['the cached file "boot2docker.iso"', 'elsewhere', 'process 5001 on "lap", since 2026-01-01T00:00:00Z'],
      ['the certificates', 'dead', 'process 5002, since 2026-01-01T00:00:00Z'],
      ['the machine "ä"', 'unreadable', 'its content is none of ours'],
      ['the machine "dev"', 'held', 'process 5001, since 2026-01-01T00:00:00Z'],
    ]);
  });

  (noSmallDisk() === undefined ? test : test.skip)(
    'a read-only file system and a full one are found by trying',
    async () => {
      const disk = await smallDisk(256);
      try {
        await disk.fill();
        expect((await inspect(disk.path)).notWritable).toMatch(/no space left/i);
        await disk.makeReadOnly();
        expect((await inspect(disk.path)).notWritable).toMatch(/read-only/i);
      } finally {
        await disk.remove();
      }
    },
  );
});
