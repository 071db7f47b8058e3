import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeDiskHead, SEED_LIMIT_BYTES, SEED_OFFSET } from '../../src/core/guest-disk.js';
import { makeUstar } from '../../src/core/ustar.js';
import { temporaryDirectory } from '../support/temporary-directory.js';

const ED25519 = `ssh-ed25519 ${'A'.repeat(68)}\n`;
const RSA_2048 = `ssh-rsa ${'B'.repeat(372)}\n`;
const RSA_4096 = `ssh-rsa ${'C'.repeat(716)}\n`;
const MAGIC = 'boot2docker, please format-me';

const TARS: readonly (readonly [string, readonly string[]])[] = [
  ['GNU tar', ['tar']],
  ['busybox tar', ['busybox', 'tar']],
];

let room: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeAll(async () => {
  room = await temporaryDirectory('guest-disk');
});
afterAll(() => room.remove());

/** Unpacks with a real tar; returns its listing (`tar -tv`) and where the files are. */
async function unpack(
  tar: readonly string[],
  archive: Uint8Array,
  name: string,
): Promise<{ readonly names: string[]; readonly at: string; readonly listing: string }> {
  const at = join(room.path, `${name}-${tar.join('-')}`);
  await mkdir(at);
  const file = `${at}.tar`;
  await writeFile(file, archive);
  const [program = '', ...first] = tar;
  const run = (...args: string[]) =>
    execFileSync(program, [...first, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  run('-xpf', file, '-C', at);
  return { names: run('-tf', file).trim().split('\n'), listing: run('-tvf', file), at };
}

describe.each(TARS)('read by %s', (_name, tar) => {
  test.each([
    ['an ed25519 key', ED25519],
    ['an RSA 2048 key', RSA_2048],
  ])('the contract part with %s lets that key in twice', async (name, key) => {
    const head = makeDiskHead({ publicKey: key });
    expect(head).toHaveLength(4096);
    expect(new TextDecoder().decode(head.subarray(0, MAGIC.length))).toBe(MAGIC);
    const { names, at, listing } = await unpack(tar, head, name.replaceAll(' ', '-'));
    expect(names.map((it) => it.replace(/\/$/, ''))).toEqual([
      MAGIC,
      '.ssh',
      '.ssh/authorized_keys',
      '.ssh/authorized_keys2',
    ]);
    expect(listing).toMatch(/^drwx------ .*\.ssh\/?$/m);
    expect(listing).toMatch(/^-rw-r--r-- .*authorized_keys2$/m);
    expect(readFileSync(join(at, '.ssh/authorized_keys'), 'utf8')).toBe(key);
    expect(readFileSync(join(at, '.ssh/authorized_keys2'), 'utf8')).toBe(key);
    expect(readFileSync(join(at, MAGIC), 'utf8')).toBe(MAGIC);
  });

  test('an RSA 4096 key still gets in, once: its second copy has no room', async () => {
    const { names, at } = await unpack(tar, makeDiskHead({ publicKey: RSA_4096 }), 'rsa4096');
    expect(names).toContain('.ssh/authorized_keys');
    expect(names).not.toContain('.ssh/authorized_keys2');
    expect(readFileSync(join(at, '.ssh/authorized_keys'), 'utf8')).toBe(RSA_4096);
  });

  test('the seed is a whole archive of its own at 64 KiB, modes and all', async () => {
    const head = makeDiskHead({
      publicKey: ED25519,
      seed: [
        { name: 'profile', mode: 0o600, content: 'A=1\n' },
        { name: 'server-key.pem', mode: 0o600, content: 'key' },
        { name: 'etc/docker/daemon.json', mode: 0o644, content: '{}' },
        { name: 'certs/company.pem', mode: 0o644, content: new Uint8Array([0xff, 0, 1]) },
        { name: 'etc/docker/certs.d/registry.corp:5000/company.crt', mode: 0o644, content: 'pem' },
      ],
    });
    expect(head.subarray(0, 4096)).toEqual(makeDiskHead({ publicKey: ED25519 }));
    expect(head.subarray(4096, SEED_OFFSET).every((byte) => byte === 0)).toBe(true);
    const seed = head.subarray(SEED_OFFSET);
    expect(seed.subarray(-1024).every((byte) => byte === 0)).toBe(true);
    const { names, at } = await unpack(tar, seed, 'seed');
    expect(names).toEqual([
      'tmachine-seed-1',
      'profile',
      'server-key.pem',
      'etc/docker/daemon.json',
      'certs/company.pem',
      'etc/docker/certs.d/registry.corp:5000/company.crt',
    ]);
    expect(readFileSync(join(at, 'tmachine-seed-1'), 'utf8')).toBe('tmachine-seed-1\n');
    expect([...readFileSync(join(at, 'certs/company.pem'))]).toEqual([0xff, 0, 1]);
    expect(statSync(join(at, 'server-key.pem')).mode & 0o777).toBe(0o600);
  });
});

test('the archive is what GNU tar itself writes for the same files', async () => {
  const at = join(room.path, 'same');
  await mkdir(join(at, '.ssh'), { recursive: true });
  await writeFile(join(at, '.ssh/authorized_keys'), ED25519);
  const args = ['--format=ustar', '--numeric-owner', '--owner=0', '--group=0', '--mtime=@0', '--sort=name'];
  const theirs = execFileSync('tar', [
    ...args,
    ...['--mode=u=rwX,go=rX', '-b', '1', '-cf', '-', '-C', at, '.ssh/authorized_keys'],
  ]);
  const ours = makeUstar([{ name: '.ssh/authorized_keys', type: 'file', mode: 0o644, content: ED25519 }]);
  expect(Buffer.from(ours).equals(theirs)).toBe(true);
});

test('a key that leaves no room is refused', () => {
  expect(() => makeDiskHead({ publicKey: `ssh-rsa ${'D'.repeat(3000)}\n` })).toThrow(
    /the SSH key has 3009 bytes: .* the guest reads 4096/,
  );
});

test.each([
  'home/docker/x',
  '../etc/passwd',
  '/etc/passwd',
  'certs/../x.pem',
  'certs/.pem',
  'etc/docker/certs.d/../x.crt',
  'etc/docker/certs.d/registry/a/b.crt',
  'etc/docker/certs.d/registry/key.pem',
  'ssh/id_rsa',
  '',
])('a seed file that the guest would ignore is refused: %j', (name) => {
  expect(() => makeDiskHead({ publicKey: ED25519, seed: [{ name, mode: 0o600, content: '' }] })).toThrow(
    `the guest takes no file "${name}" from a seed`,
  );
});

test('a seed that the guest would not read to its end is refused', () => {
  const content = new Uint8Array(SEED_LIMIT_BYTES);
  expect(() =>
    makeDiskHead({ publicKey: ED25519, seed: [{ name: 'profile', mode: 0o600, content }] }),
  ).toThrow(/the guest reads 262144/);
});

test.each([
  ['a name of more than 100 bytes', 'ä'.repeat(51), 0o644],
  ['no name', '', 0o644],
  ['a mode that is none', 'x', 0o77777777],
])('plain ustar cannot hold %s', (_what, name, mode) => {
  expect(() => makeUstar([{ name, type: 'file', mode, content: '' }])).toThrow(RangeError);
});
