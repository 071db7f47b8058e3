import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { HostNotReadyError } from '../../src/core/errors.js';
import {
  environmentOf,
  homeDirectoryFrom,
  knownPlatform,
  parseRegistryNumber,
  readHostFacts,
  userNameFrom,
} from '../../src/host/facts.js';

test('this computer has a name, memory and processors', () => {
  const facts = readHostFacts();
  expect(facts.hostName).not.toBe('');
  expect(facts.memoryMiB).toBeGreaterThan(64);
  expect(facts.cpuCount).toBeGreaterThan(0);
  expect(facts.env['PATH']).toBe(process.env['PATH']);
});

(process.platform === 'linux' ? test : test.skip)(
  'a Linux boot is told by its id, and the host by its own',
  () => {
    const facts = readHostFacts();
    expect(facts.bootId).toBe(
      execFileSync('cat', ['/proc/sys/kernel/random/boot_id'], { encoding: 'utf8' }).trim(),
    );
    expect(facts.hostId).toMatch(/pid:\[\d+]$/);
  },
);

describe('the user’s name', () => {
  test.each([
    ['linux' as const, { USER: 'ann', USERNAME: 'bob' }, 'ann'],
    ['darwin' as const, { USER: 'ann' }, 'ann'],
    ['win32' as const, { USER: 'ann', USERNAME: 'bob' }, 'bob'],
    ['linux' as const, { USERNAME: 'bob' }, 'unknown'],
    ['win32' as const, { USER: 'ann' }, 'unknown'],
    ['linux' as const, { USER: '' }, 'unknown'],
  ])('on %s with %j is %s', (platform, env, expected) => {
    expect(userNameFrom(env, platform)).toBe(expected);
  });
});

test('home is where the environment says', () => {
  expect(homeDirectoryFrom({ HOME: '/h', USERPROFILE: 'C:\\u' }, 'linux')).toBe('/h');
  expect(homeDirectoryFrom({ HOME: '/h', USERPROFILE: 'C:\\u' }, 'win32')).toBe('C:\\u');
  expect(homeDirectoryFrom({ HOME: '' }, 'darwin')).toBeUndefined();
});

test('variables are found in any case on Windows, and only there', () => {
  const windows = environmentOf({ Path: 'C:\\x', http_proxy: 'p' }, 'win32');
  expect([windows['PATH'], windows['path'], windows['HTTP_PROXY'], windows['none']]).toEqual([
    'C:\\x',
    'C:\\x',
    'p',
    undefined,
  ]);
  expect('PATH' in windows).toBe(true);
  expect(Object.entries(windows)).toEqual([
    ['Path', 'C:\\x'],
    ['http_proxy', 'p'],
  ]);
  expect({ ...windows }).toEqual({ Path: 'C:\\x', http_proxy: 'p' });
  expect(environmentOf({ Path: '/x' }, 'linux')['PATH']).toBeUndefined();
});

test('an operating system that is not known is refused', () => {
  expect(() => knownPlatform('freebsd')).toThrow(HostNotReadyError);
});

test('a number in the registry’s output is found', () => {
  const output =
    '\r\nHKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Memory Management\\PrefetchParameters\r\n    BootId    REG_DWORD    0x1F\r\n\r\n';
  expect(parseRegistryNumber(output)).toBe('0x1f');
  expect(
    parseRegistryNumber('ERROR: The system was unable to find the specified registry key or value.'),
  ).toBe('');
});
