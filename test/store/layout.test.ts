import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../../src/core/errors.js';
import { isEntryName, lockDirectories, lockLabel, storeLayout, storeRoot } from '../../src/store/layout.js';

test('the paths of a machine are docker-machine’s', () => {
  const layout = storeLayout('/home/user/.docker/machine', 'linux');
  expect(layout).toMatchObject({
    root: '/home/user/.docker/machine',
    certs: '/home/user/.docker/machine/certs',
    cache: '/home/user/.docker/machine/cache',
    machines: '/home/user/.docker/machine/machines',
  });
  expect(layout.machine('dev')).toEqual({
    directory: '/home/user/.docker/machine/machines/dev',
    config: '/home/user/.docker/machine/machines/dev/config.json',
    notes: '/home/user/.docker/machine/machines/dev/tmachine.json',
    image: '/home/user/.docker/machine/machines/dev/boot2docker.iso',
    previousImage: '/home/user/.docker/machine/machines/dev/boot2docker.iso.previous',
    sshKey: '/home/user/.docker/machine/machines/dev/id_rsa',
    caCert: '/home/user/.docker/machine/machines/dev/ca.pem',
    clientCert: '/home/user/.docker/machine/machines/dev/cert.pem',
    clientKey: '/home/user/.docker/machine/machines/dev/key.pem',
    serverCert: '/home/user/.docker/machine/machines/dev/server.pem',
    serverKey: '/home/user/.docker/machine/machines/dev/server-key.pem',
  });
});

test('paths of a Windows store have backslashes on every host', () => {
  const layout = storeLayout('C:\\Users\\user\\.docker\\machine', 'win32');
  expect(layout.machine('dev').serverKey).toBe(
    'C:\\Users\\user\\.docker\\machine\\machines\\dev\\server-key.pem',
  );
});

describe('the store is named by', () => {
  const linux = { platform: 'linux' as const, homeDirectory: '/home/user' };
  const windows = { platform: 'win32' as const, homeDirectory: 'C:\\Users\\user' };
  const mac = { platform: 'darwin' as const, homeDirectory: '/Users/user' };
  const variable = { MACHINE_STORAGE_PATH: '/srv/machines' };
  test.each([
    ['the home directory on Linux', linux, {}, undefined, '/home/user/.docker/machine'],
    ['the home directory on macOS', mac, {}, undefined, '/Users/user/.docker/machine'],
    ['the profile on Windows', windows, {}, undefined, 'C:\\Users\\user\\.docker\\machine'],
    ['the variable', linux, variable, undefined, '/srv/machines'],
    ['the flag before the variable', linux, variable, '/mnt/x', '/mnt/x'],
    ['the variable when the flag is empty', linux, variable, '', '/srv/machines'],
    [
      'the home directory when both are empty',
      linux,
      { MACHINE_STORAGE_PATH: '' },
      '',
      '/home/user/.docker/machine',
    ],
    ['a relative flag, from the current directory', linux, {}, 'here/../store/', '/work/store'],
    ['a flag with another letter’s drive', windows, {}, 'D:\\store', 'D:\\store'],
    ['a relative flag on Windows', windows, {}, 'store', 'C:\\work\\store'],
    ['a share', windows, {}, '\\\\server\\share\\store', '\\\\server\\share\\store'],
  ])('%s', (_, place, env, flag, expected) => {
    const current = place.platform === 'win32' ? 'C:\\work' : '/work';
    expect(storeRoot({ ...place, env }, flag, current)).toBe(expected);
  });

  test('a path with a control character is refused', () => {
    for (const bad of ['/tmp/a\nexport PATH=/evil', '/tmp/\x1b[2J', '/tmp/\x7f', '/tmp/\x85']) {
      expect(() => storeRoot({ ...linux, env: {} }, bad, '/')).toThrow(UsageError);
      expect(() => storeRoot({ ...linux, env: { MACHINE_STORAGE_PATH: bad } }, undefined, '/')).toThrow(
        'cannot be used',
      );
    }
    expect(() => storeRoot({ ...linux, env: {} }, 'store', '/tmp/a\nb')).toThrow(UsageError);
  });

  test('nobody, without a home directory: the two ways to name one are told', () => {
    expect(() => storeRoot({ platform: 'linux', homeDirectory: '', env: {} }, undefined, '/')).toThrow(
      'There is no home directory to keep machines in',
    );
    expect(storeRoot({ platform: 'linux', homeDirectory: '', env: {} }, '/x', '/')).toBe('/x');
  });
});

test('names that would lead out of the directory of machines are no names', () => {
  for (const name of ['', '.', '..', '../x', 'a/b', 'a\0b']) expect(isEntryName(name, 'linux')).toBe(false);
  for (const name of ['a\\b', 'C:x', 'dev:stream']) expect(isEntryName(name, 'win32')).toBe(false);
  for (const name of ['dev', 'old_name', 'a\\b', '.hidden']) expect(isEntryName(name, 'linux')).toBe(true);
});

test('locks lie outside of the machines, and host-only ones are the user’s', () => {
  const facts = { platform: 'linux' as const, homeDirectory: '/home/user' };
  expect(lockDirectories('/srv/store', facts)).toEqual({
    store: '/srv/store/.tmachine/locks',
    user: '/home/user/.docker/machine/.tmachine/locks',
  });
  expect(lockDirectories('/srv/store', { ...facts, homeDirectory: '' }).user).toBe(
    '/srv/store/.tmachine/locks',
  );
});

test('every lock has a file name of its own, whatever its name holds', () => {
  expect(lockLabel({ machine: 'dev-1.a' })).toEqual({
    file: 'machine-dev-1.a',
    title: 'the machine "dev-1.a"',
  });
  expect(lockLabel({ cache: 'https://x/é' }).file).toBe('cache-https%3a%2f%2fx%2f%c3%a9');
  expect(lockLabel('certificates').file).toBe('certificates');
  expect(lockLabel('host-only').file).toBe('host-only');
});
