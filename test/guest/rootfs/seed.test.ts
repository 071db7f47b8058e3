import { readdir, readFile, stat } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { isSeedName, makeDiskHead, SEED_OFFSET } from '../../../src/core/guest-disk.js';
import { makeUstar, type TarEntry } from '../../../src/core/ustar.js';
import { type GuestRoot, guestRoot, HAS_BUSYBOX } from './guest-root.js';

const SCRIPTS = ['common.sh', 'seed.sh'];
const STATE = 'var/lib/boot2docker';
const PUBLIC_KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPublic machine\n';
const describeWithBusybox = HAS_BUSYBOX ? describe : describe.skip;

const file = (name: string, content: string, mode = 0o644): TarEntry => ({
  type: 'file',
  name,
  content,
  mode,
});

describeWithBusybox('what the host put on the disk', () => {
  let root: GuestRoot;
  beforeEach(async () => {
    root = await guestRoot();
  });
  afterEach(() => root.remove());

  const modeOf = async (path: string) => ((await stat(root.at(path))).mode & 0o777).toString(8);
  const applySeed = (entries: readonly TarEntry[]) =>
    root
      .write('run/tmachine/seed.tar', makeUstar([file('tmachine-seed-1', 'tmachine-seed-1\n'), ...entries]))
      .then(() => root.shell(SCRIPTS, 'apply_seed "$RUN/seed.tar"'));

  test('the seed that the host writes is applied: names, contents, keys for root alone, and the proof', async () => {
    const files = [
      { name: 'profile', mode: 0o600, content: 'A=1\n' },
      { name: 'ca.pem', mode: 0o644, content: 'ca\n' },
      { name: 'server.pem', mode: 0o644, content: 'server\n' },
      { name: 'server-key.pem', mode: 0o600, content: 'key\n' },
      { name: 'etc/hostname', mode: 0o644, content: 'dev\n' },
      { name: 'etc/network', mode: 0o644, content: 'CARD=eth1 ADDRESS=192.168.99.100/24\n' },
      { name: 'etc/docker/daemon.json', mode: 0o644, content: '{}\n' },
      { name: 'etc/docker/certs.d/registry.corp:5000/company.crt', mode: 0o644, content: 'pem\n' },
      { name: 'certs/company.pem', mode: 0o644, content: 'pem\n' },
      { name: 'ssh/ssh_host_ed25519_key', mode: 0o600, content: 'host key\n' },
      { name: 'ssh/ssh_host_ed25519_key.pub', mode: 0o644, content: 'host pub\n' },
    ];
    const head = makeDiskHead({ publicKey: PUBLIC_KEY, seed: files });
    await root.write('run/tmachine/seed.tar', head.subarray(SEED_OFFSET));
    expect(await root.shell(SCRIPTS, 'apply_seed "$RUN/seed.tar"')).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    });
    for (const { name, content } of files) {
      expect([name, await root.read(`${STATE}/${name}`)]).toEqual([name, content]);
    }
    for (const name of ['profile', 'ca.pem', 'server-key.pem', 'ssh/ssh_host_ed25519_key']) {
      expect([name, await modeOf(`${STATE}/${name}`)]).toEqual([name, '600']);
    }
    for (const name of ['etc/hostname', 'certs/company.pem', 'ssh/ssh_host_ed25519_key.pub']) {
      expect([name, await modeOf(`${STATE}/${name}`)]).toEqual([name, '644']);
    }
    expect(await modeOf(`${STATE}/ssh`)).toBe('700');
    expect(await modeOf(`${STATE}/etc/docker/certs.d/registry.corp:5000`)).toBe('755');
    // printf 'server\n' | sha256sum
    expect(await root.read('run/tmachine/seed')).toMatch(/^applied\nserver\.pem [0-9a-f]{64}\n$/);
    expect((await readdir(root.at(STATE))).includes('.seed')).toBe(false);
  });

  test('a second time changes nothing', async () => {
    const entries = [file('etc/hostname', 'dev\n'), file('server-key.pem', 'key\n', 0o600)];
    await applySeed(entries);
    expect((await applySeed(entries)).status).toBe(0);
    expect(await root.read(`${STATE}/etc/hostname`)).toBe('dev\n');
  });

  test('a name that no seed may carry is left out and said so on the serial port; the rest is applied', async () => {
    await root.write('serial', '');
    await applySeed([
      file('bootlocal.sh', 'touch /owned\n', 0o755),
      file('../../etc/owned', 'x'),
      file('certs/sub/x.pem', 'x'),
      file('etc/hostname', 'dev\n'),
    ]);
    expect(await readdir(root.at(STATE))).toEqual(['etc']);
    expect(await root.read(`${STATE}/etc/hostname`)).toBe('dev\n');
    // The last sentence is what the file holds: the serial port is opened anew for each.
    expect(await root.read('serial')).toMatch(/note: the seed's ".*" is not something a seed may carry/);
  });

  test('what is not a seed is not applied', async () => {
    await root.write('run/tmachine/seed.tar', makeUstar([file('profile', 'A=1\n')]));
    expect((await root.shell(SCRIPTS, 'apply_seed "$RUN/seed.tar"')).status).toBe(1);
    await root.write('run/tmachine/seed.tar', new Uint8Array(262144));
    expect((await root.shell(SCRIPTS, 'apply_seed "$RUN/seed.tar"')).status).toBe(1);
    expect(await readdir(root.at(STATE))).toEqual([]);
  });

  test('host and guest agree on which names a seed may carry', async () => {
    const names = [
      'profile',
      'ca.pem',
      'server.pem',
      'server-key.pem',
      'etc/hostname',
      'etc/network',
      'etc/docker/daemon.json',
      'etc/docker/certs.d/registry.corp:5000/company.crt',
      'etc/docker/certs.d/registry/a/b.crt',
      'etc/docker/certs.d/../x.crt',
      'etc/docker/certs.d/registry/.x.crt',
      'etc/docker/certs.d/registry/client.key',
      'etc/docker/certs.d/x.crt',
      'ssh/ssh_host_ed25519_key',
      'ssh/ssh_host_ed25519_key.pub',
      'ssh/sshd_config',
      'certs/company.pem',
      'certs/company.crt',
      'certs/company.txt',
      'certs/.pem',
      'certs/.hidden.pem',
      'certs/a b.pem',
      'certs/../profile.pem',
      'certs/sub/x.pem',
      'bootsync.sh',
      'bootlocal.sh',
      'userdata.tar',
      '/etc/passwd',
      '../profile',
      'profile/x',
    ];
    const { stdout } = await root.shell(
      SCRIPTS,
      names.map((name) => `seed_may_carry '${name}' && echo '${name}'`).join('\n'),
    );
    expect(stdout.trim().split('\n')).toEqual(names.filter(isSeedName));
  });

  test('the user data of the disk gives the SSH keys, and the magic file is gone', async () => {
    await root.write(`${STATE}/userdata.tar`, makeDiskHead({ publicKey: PUBLIC_KEY }));
    const owners = 'chown() { echo "$*"; }\n';
    const { stdout } = await root.shell(SCRIPTS, `${owners}apply_userdata`);
    expect(stdout).toBe(`-R docker:staff ${root.at('home/docker')}\n`);
    expect(await root.read('home/docker/.ssh/authorized_keys')).toBe(PUBLIC_KEY);
    expect(await root.read('home/docker/.ssh/authorized_keys2')).toBe(PUBLIC_KEY);
    expect(await readdir(root.at('home/docker'))).toEqual(['.ssh']);
  });

  test('user data whose second key was cut off in the middle, as docker-machine writes it with long keys, still gives the first', async () => {
    const key = `ssh-rsa ${'A'.repeat(700)} machine\n`;
    const whole = makeUstar([
      file('boot2docker, please format-me', 'boot2docker, please format-me', 0),
      { type: 'directory', name: '.ssh', mode: 0o700 },
      file('.ssh/authorized_keys', key),
      file('.ssh/authorized_keys2', key),
    ]);
    await root.write(`${STATE}/userdata.tar`, whole.subarray(0, 4096));
    await root.shell(SCRIPTS, 'chown() { :; }\napply_userdata');
    expect(await root.read('home/docker/.ssh/authorized_keys')).toBe(key);
  });

  test('a stranger to the disk changes nothing: no user data, no keys', async () => {
    expect(await root.shell(SCRIPTS, 'apply_userdata')).toEqual({ status: 0, stdout: '', stderr: '' });
    expect(await readdir(root.at('home/docker/.ssh'))).toEqual(['environment']);
    expect(await readFile(root.at('home/docker/.ssh/environment'), 'utf8')).toContain('PATH=/usr/local/sbin');
  });
});
