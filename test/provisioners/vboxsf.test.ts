import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { GuestShell } from '../../src/core/ports.js';
import { mountVboxsf } from '../../src/provisioners/vboxsf.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

let room: Awaited<ReturnType<typeof temporaryDirectory>>;
let shell: GuestShell;
beforeEach(async () => {
  room = await temporaryDirectory('vboxsf');
  // A real shell, in which sudo runs what it is given and mount only notes it.
  await program('sudo', 'exec "$@"');
  await program(
    'mount',
    `echo "$*" >>'${room.path}/mounts'; case "$4" in \${REFUSES:-none}*) echo "wrong fs type" >&2; exit 32;; esac`,
  );
  shell = {
    run: (script, args = []) =>
      new Promise((resolve) => {
        const env = { PATH: `${room.path}:/usr/bin:/bin`, REFUSES: refuses };
        execFile('/bin/sh', ['-c', script, 'sh', ...args], { env }, (error, stdout, stderr) => {
          resolve({ status: error === null ? 0 : Number(error.code), stdout, stderr });
        });
      }),
  };
});
afterEach(() => room.remove());

let refuses = 'none';

async function program(name: string, body: string): Promise<void> {
  await writeFile(join(room.path, name), `#!/bin/sh\n${body}\n`);
  await chmod(join(room.path, name), 0o755);
}

const mounts = async () => (await readFile(join(room.path, 'mounts'), 'utf8')).trimEnd().split('\n');

test.each(['work', 'with a blank', "O'Neil $HOME"])(
  'P31: the folder /%s is mounted with UTF-8 names for the user of the guest',
  async (name) => {
    refuses = 'none';
    const guestPath = join(room.path, name);
    expect(await mountVboxsf(shell, { name, guestPath, sample: '' })).toBeUndefined();
    const owner = `uid=${process.getuid?.()},gid=${process.getgid?.()}`;
    expect(await mounts()).toEqual([`-t vboxsf -o nls=utf8,${owner} ${name} ${guestPath}`]);
  },
);

test('P31: the guest additions of old images call it iocharset', async () => {
  refuses = 'nls';
  const guestPath = join(room.path, 'work');
  expect(await mountVboxsf(shell, { name: 'work', guestPath, sample: '' })).toBeUndefined();
  expect(await mounts()).toHaveLength(2);
});

test('P31: a mount that fails is told in its own words', async () => {
  refuses = '?';
  const guestPath = join(room.path, 'work');
  expect(await mountVboxsf(shell, { name: 'work', guestPath, sample: '' })).toBe('wrong fs type');
});

test('P31: a folder that does not show what the host has in it is told, one that does is right', async () => {
  refuses = 'none';
  const guestPath = join(room.path, 'work');
  const folder = { name: 'work', guestPath, sample: 'K\u00e4se' };
  expect(await mountVboxsf(shell, folder)).toBe(
    'it is mounted, and "K\u00e4se", which this computer has in it, is not there',
  );
  await mkdir(join(guestPath, 'K\u00e4se'));
  expect(await mountVboxsf(shell, folder)).toBeUndefined();
});
