import { execFileSync } from 'node:child_process';
import { mkdir, open, truncate, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { makeDiskHead } from '../../../src/core/guest-disk.js';
import { type GuestRoot, guestRoot, HAS_BUSYBOX } from './guest-root.js';

const MIB = 1024 * 1024;
const PUBLIC_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPublic machine\n';
const HEAD = makeDiskHead({
  publicKey: PUBLIC_KEY,
  seed: [{ name: 'server-key.pem', mode: 0o600, content: 'SECRET KEY'.repeat(3000) }],
});
const SCRIPTS = ['common.sh', 'disk.sh'];
const describeWithBusybox = HAS_BUSYBOX ? describe : describe.skip;

describeWithBusybox('the data disk of the guest', () => {
  let root: GuestRoot;
  beforeEach(async () => {
    root = await guestRoot();
  });
  afterEach(() => root.remove());

  /** A disk that the guest sees: a sparse file, and what sysfs says of it. */
  async function disk(
    name: string,
    mebibytes: number,
    head: Uint8Array = new Uint8Array(),
    isReadOnly = false,
  ): Promise<string> {
    const path = root.at(`dev/${name}`);
    await writeFile(path, head);
    await truncate(path, mebibytes * MIB);
    await root.write(`sys/block/${name}/ro`, isReadOnly ? '1\n' : '0\n');
    await root.write(`sys/block/${name}/size`, `${mebibytes * 2048}\n`);
    await root.write(`sys/block/${name}/queue/logical_block_size`, '512\n');
    return path;
  }
  const chosen = async () => {
    const { status, stdout } = await root.shell(SCRIPTS, 'disk_to_format');
    return status === 0 ? stdout.trim() : null;
  };

  test('the disk with the magic is taken, however big an empty one beside it is', async () => {
    await disk('sda', 3000);
    await disk('sdb', 100, HEAD);
    expect(await chosen()).toBe('sdb');
  });

  test('of several disks with the magic the biggest is taken', async () => {
    await disk('vda', 100, HEAD);
    await disk('vdb', 300, HEAD);
    await disk('vdc', 200, HEAD);
    expect(await chosen()).toBe('vdb');
  });

  test('without the magic the biggest empty disk is taken', async () => {
    await disk('sda', 100);
    await disk('nvme0n1', 200);
    expect(await chosen()).toBe('nvme0n1');
  });

  test('NUL bytes before and inside the magic do not count, as in boot2docker', async () => {
    const head = new Uint8Array(4096);
    head.set(new TextEncoder().encode('boot2docker, please format-me'));
    await disk('sda', 100, head);
    expect(await chosen()).toBe('sda');
  });

  test.each([
    ['a file system', (path: string) => execFileSync('mke2fs', ['-q', '-F', path])],
    ['swap', (path: string) => execFileSync('busybox', ['mkswap', path], { stdio: 'ignore' })],
    [
      'a partition table',
      (path: string) => execFileSync('sfdisk', ['-q', path], { input: 'label: gpt\nsize=10MiB\n' }),
    ],
    ['bytes that nobody knows', (path: string) => writeAt(path, 'mine', 700_000)],
  ])('a disk with %s is never formatted', async (_what, fill) => {
    const path = await disk('sda', 100);
    await fill(path);
    expect(await chosen()).toBeNull();
  });

  test('a disk with the magic and a partition table is not formatted: it has been before', async () => {
    const path = await disk('sda', 100);
    execFileSync('sfdisk', ['-q', path], { input: 'label: gpt\nsize=10MiB\n' });
    await writeAt(path, 'boot2docker, please format-me', 0);
    expect(await chosen()).toBeNull();
  });

  test.each(['sr0', 'fd0', 'loop0', 'ram0', 'zram0', 'nbd0', 'dm-0', 'md0'])(
    'a %s is never formatted, even with the magic',
    async (name) => {
      await disk(name, 100, HEAD);
      expect(await chosen()).toBeNull();
    },
  );

  test('a disk that is read-only or smaller than 32 MiB is left alone', async () => {
    await disk('sda', 100, HEAD, true);
    await disk('sdb', 31, HEAD);
    expect(await chosen()).toBeNull();
  });

  test.each([
    [20_000, '1 18998 18999 1000'],
    [3_900, '1 2898 2899 1000'],
    [1_000, '1 873 874 125'],
    [100, '1 98 99 0'],
  ])('a disk of %i MiB gets data and swap: %s', async (mebibytes, plan) => {
    expect((await root.shell(SCRIPTS, `partition_plan ${mebibytes}`)).stdout.trim()).toBe(plan);
  });

  test('the table has data first and swap second, with the labels of boot2docker', async () => {
    const path = await disk('sda', 2000, HEAD);
    expect(await root.shell(SCRIPTS, 'write_table sda')).toMatchObject({ status: 0 });
    const { partitiontable } = JSON.parse(execFileSync('sfdisk', ['--json', path], { encoding: 'utf8' }));
    expect(partitiontable.label).toBe('gpt');
    expect(
      partitiontable.partitions.map(
        ({ name, start, size }: { name: string; start: number; size: number }) => [
          name,
          start / 2048,
          size / 2048,
        ],
      ),
    ).toEqual([
      ['boot2docker-data', 1, 1748],
      ['boot2dockerswap', 1749, 250],
    ]);
  });

  test('wiping leaves no byte of keys and seed in the file, and the table whole', async () => {
    const path = await disk('sda', 2000, HEAD);
    await root.shell(SCRIPTS, 'write_table sda');
    const table = execFileSync('sfdisk', ['--dump', path], { encoding: 'utf8' });
    expect(await root.shell(SCRIPTS, 'head_is_left sda')).toMatchObject({ status: 0 });
    expect(await root.shell(SCRIPTS, 'wipe_head sda && ! head_is_left sda')).toMatchObject({ status: 0 });
    const head = await readStart(path, 2 * MIB);
    for (const trace of ['boot2docker, please', 'ssh-ed25519', 'SECRET KEY', 'tmachine-seed', 'server-key']) {
      expect(head.includes(trace)).toBe(false);
    }
    expect(execFileSync('sfdisk', ['--dump', path], { encoding: 'utf8' })).toBe(table);
  });

  test.each([
    ['the first', 1],
    ['the second', 2],
  ])('a wipe cut off after %s of its three steps is found to be unfinished', async (_which, steps) => {
    await disk('sda', 2000, HEAD);
    const cut = `left=${steps}
write_zeros() { [ "$left" -gt 0 ] || return 1; left=$((left - 1)); dd if=/dev/zero of="$DISK_DEV/$1" bs="$2" seek="$3" count="$4" conv=notrunc 2>/dev/null; }
write_table sda; wipe_head sda; head_is_left sda`;
    expect(await root.shell(SCRIPTS, cut)).toMatchObject({ status: 0 });
  });

  test.each([
    ['sda', 'sda1'],
    ['vdb', 'vdb1'],
    ['nvme0n1', 'nvme0n1p1'],
    ['mmcblk0', 'mmcblk0p1'],
  ])('the first partition of %s is %s', async (name, partition) => {
    await mkdir(root.at(`sys/block/${name}/${partition}`), { recursive: true });
    const { stdout } = await root.shell(SCRIPTS, `partition_name ${name} 1; disk_of ${partition}`);
    expect(stdout).toBe(`${partition}\n${name}\n`);
  });
});

async function writeAt(path: string, text: string, position: number): Promise<void> {
  const file = await open(path, 'r+');
  await file.write(text, position);
  await file.close();
}

async function readStart(path: string, length: number): Promise<Buffer> {
  const file = await open(path, 'r');
  const { buffer } = await file.read(Buffer.alloc(length), 0, length, 0);
  await file.close();
  return buffer;
}
