import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { DriverMachine, FlagValues } from '../../../src/core/driver.js';
import { UsageError } from '../../../src/core/errors.js';
import { parseVirtualBoxOptions, VIRTUALBOX_OPTIONS } from '../../../src/drivers/virtualbox/options.js';
import { parseSettings, storeSettings } from '../../../src/drivers/virtualbox/settings.js';
import {
  checkShares,
  defaultShare,
  parseShareFolder,
  sharesOf,
} from '../../../src/drivers/virtualbox/share-folders.js';
import { temporaryDirectory } from '../../support/temporary-directory.js';

const MACHINE = { name: 'dev', storePath: '/store' };

function parse(flags: FlagValues) {
  const defaults = Object.fromEntries(
    VIRTUALBOX_OPTIONS.map((option) => [option.name, option.default ?? false]),
  );
  return parseVirtualBoxOptions({ ...defaults, ...flags }, MACHINE, '/store/machines/dev/id_rsa');
}

function machine(settings: DriverMachine['settings']): DriverMachine {
  return { ...MACHINE, directory: '/store/machines/dev', settings };
}

/** From the contract's table (docs/contract/cli.md), so that none is forgotten or misspelled. */
function contractFlags(): { name: string; env: string; default: string }[] {
  const text = readFileSync(new URL('../../../docs/contract/cli.md', import.meta.url), 'utf8');
  const section = text.slice(text.indexOf('### virtualbox flags'), text.indexOf('### generic flags'));
  return [...section.matchAll(/^\| `([a-z0-9-]+)` \| (\w+) \|(.*?)\| `(\w+)` \|/gm)].map(
    ([, name = '', , value = '', env = '']) => ({ name, env, default: value.replaceAll(/[`"]/g, '').trim() }),
  );
}

test('every flag of the contract is there, with its variable and default', () => {
  const wanted = contractFlags();
  expect(wanted.length).toBe(16);
  for (const flag of wanted) {
    const ours = VIRTUALBOX_OPTIONS.find(({ name }) => name === `virtualbox-${flag.name}`);
    expect(ours).toMatchObject({ env: flag.env });
    expect(String(ours?.default ?? '')).toBe(flag.default);
  }
});

test('the record is docker-machine\u2019s, key for key, also after it was read again', () => {
  const theirs = JSON.parse(
    readFileSync(new URL('../../fixtures/store/v3-virtualbox.json', import.meta.url), 'utf8'),
  );
  const { config, extra } = storeSettings(parse({}));
  expect(Object.keys(config)).toEqual(Object.keys(theirs.Driver));
  expect({
    ...config,
    ...pick(theirs.Driver, ['IPAddress', 'MachineName', 'SSHPort', 'SSHKeyPath', 'StorePath', 'SwarmHost']),
  }).toEqual(theirs.Driver);
  expect(storeSettings(parseSettings(machine({ config, extra })))).toEqual({ config, extra });
  const again = storeSettings(parseSettings(machine({ config: theirs.Driver, extra: {} })));
  expect(again.config).toEqual({ ...theirs.Driver, MachineName: 'dev' });
});

function pick(from: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.map((key) => [key, from[key]]));
}

test('P31: several shared folders are kept; docker-machine sees the first', () => {
  const folders = ['/srv/a:a', '/srv/b:b', '/srv/c:c'];
  const stored = storeSettings(parse({ 'virtualbox-share-folder': folders }));
  expect(stored.config['ShareFolder']).toBe('/srv/a:a');
  expect(parseSettings(machine(stored)).shareFolders).toEqual(folders);
});

describe('values that can never work are refused', () => {
  test.each<[FlagValues, string]>([
    [{ 'virtualbox-memory': 64 }, 'the guest needs at least 256 MB'],
    [{ 'virtualbox-memory': 3_000_000 }, 'VirtualBox allows at most 2097152 MB'],
    [{ 'virtualbox-disk-size': 100 }, 'the guest needs at least 1200 MB'],
    [{ 'virtualbox-cpu-count': 33 }, 'at most 32 processors'],
    [{ 'virtualbox-nat-nictype': 'e1000' }, 'use one of: Am79C970A'],
    [{ 'virtualbox-hostonly-nicpromisc': 'maybe' }, 'use one of: deny'],
    [{ 'virtualbox-ui-type': 'web' }, 'use one of: gui'],
    [{ 'virtualbox-network': 'bridged' }, 'use one of: hostonly, nat'],
    [{ 'virtualbox-hostonly-cidr': '192.168.99.1' }, 'is not an IPv4 address with a prefix'],
    [
      { 'virtualbox-hostonly-cidr': '192.168.99.300/24' },
      'for example:  --virtualbox-hostonly-cidr 192.168.99.1/24',
    ],
    [{ 'virtualbox-hostonly-cidr': '192.168.99.1/31' }, 'between /8 and /29'],
    [{ 'virtualbox-share-folder': ['/a:x', '/b:x'] }, 'two folders cannot both be called "x"'],
    [{ 'virtualbox-share-folder': ['/:'] }, 'the root directory needs a name'],
    [{ 'virtualbox-share-folder': ['/a:$(id)'] }, 'cannot name a folder in the guest'],
    [{ 'virtualbox-share-folder': ['/a:../etc'] }, 'is no path in the guest'],
  ])('%j', (flags, reason) => {
    const { reason: why, nextSteps } = refusal(flags);
    expect([why, ...nextSteps].join('\n')).toContain(reason);
  });

  test('a network address, in the contract\u2019s words', () => {
    expect(refusal({ 'virtualbox-hostonly-cidr': '192.168.99.0/24' })).toMatchObject({
      verbatim: true,
      message: 'host-only cidr must be specified with a host address, not a network address',
    });
  });
});

function refusal(flags: FlagValues): UsageError {
  try {
    parse(flags);
  } catch (error) {
    if (error instanceof UsageError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

test.each([
  ['/srv/work:work', '/srv/work', 'work'],
  ['/srv/work', '/srv/work', 'srv/work'],
  ['/srv/work:', '/srv/work', 'srv/work'],
  ['/srv/a:b:name', '/srv/a:b', 'name'],
  ['C:\\Users\\me:home', 'C:\\Users\\me', 'home'],
  ['D:\\Data', 'D:\\Data', 'd/Data'],
  ['/srv/K\u00e4ytt\u00e4j\u00e4 X:data', '/srv/K\u00e4ytt\u00e4j\u00e4 X', 'data'],
])('P31: the shared folder %j is %j, called %j', (text, hostPath, name) => {
  expect(parseShareFolder(text)).toEqual({ hostPath, name });
});

test('without a name the share is the home of this system\u2019s users', () => {
  expect(['linux', 'darwin', 'win32'].map((it) => defaultShare(it as 'linux'))).toEqual([
    { name: 'hosthome', hostPath: '/home' },
    { name: 'Users', hostPath: '/Users' },
    { name: 'c/Users', hostPath: '\\\\?\\c:\\Users' },
  ]);
});

test('P31: a folder that was named and is not there is refused; the default one is left out', async () => {
  const room = await temporaryDirectory('shares');
  try {
    await mkdir(join(room.path, 'there'));
    const there = `${join(room.path, 'there')}:a`;
    const gone = `${join(room.path, 'gone')}:b`;
    expect(await checkShares({ noShare: false, shareFolders: [there] })).toEqual([]);
    expect(await checkShares({ noShare: false, shareFolders: [there, gone] })).toMatchObject([
      { severity: 'refuse', code: 'VBOX_SHARE_MISSING' },
    ]);
    expect(await checkShares({ noShare: true, shareFolders: [gone] })).toEqual([]);
    expect(await sharesOf({ noShare: true, shareFolders: [there] }, 'linux')).toEqual([]);
    expect(await sharesOf({ noShare: false, shareFolders: [] }, 'darwin')).toEqual([]);
    expect(await sharesOf({ noShare: false, shareFolders: [] }, 'linux')).toEqual([defaultShare('linux')]);
  } finally {
    await room.remove();
  }
});
