import { describe, expect, test } from '@jest/globals';
import {
  parseDhcpServers,
  parseHostOnlyInterfaces,
  parseHostOnlyNetworks,
  parseMachineReadable,
  parseVms,
} from '../../../src/drivers/virtualbox/parse.js';
import {
  dialectOf,
  isTooOld,
  isUnknownNewer,
  optionName,
  parseVersion,
} from '../../../src/drivers/virtualbox/version.js';
import { virtualBoxFixture } from '../../support/virtualbox-fixture.js';

describe('what VBoxManage prints', () => {
  test('showvminfo: values by key, quoted or not', () => {
    const info = parseMachineReadable(virtualBoxFixture('7.2-linux/showvminfo'));
    expect(info.get('VMState')).toBe('poweroff');
    expect(info.get('UUID')).toMatch(/^[0-9a-f-]{36}$/);
    expect(info.get('memory')).toBe('1024');
    expect(info.get('SATA-1-0')).toMatch(/\/disk\.vmdk$/);
    expect(info.get('Forwarding(0)')).toBe('ssh,tcp,127.0.0.1,40022,,22');
    expect(info.get('hostonlyadapter2')).toBe('vboxnet0');
  });

  test('showvminfo: a description of several lines forges nothing', () => {
    const info = parseMachineReadable(
      'name="dev"\nUUID="u"\ndescription="first\nname="other"\nUUID=x"\nVMState="saved"\n',
    );
    expect([info.get('name'), info.get('UUID'), info.get('VMState')]).toEqual(['dev', 'u', 'saved']);
  });

  test('list vms: names with blanks and quotes', () => {
    const uuid = '00000000-0000-4000-8000-000000000001';
    expect(parseVms(`"my "old" vm" {${uuid}}\n"<inaccessible>" {${uuid}}\n`)).toEqual([
      { name: 'my "old" vm', uuid },
      { name: '<inaccessible>', uuid },
    ]);
    expect(parseVms(virtualBoxFixture('7.2-linux/vms')).map(({ name }) => name)).toEqual(['ref']);
  });

  test('list hostonlyifs', () => {
    expect(parseHostOnlyInterfaces(virtualBoxFixture('7.2-linux/hostonlyifs'))).toEqual([
      {
        name: 'vboxnet0',
        address: '192.168.60.1',
        netmask: '255.255.255.0',
        status: 'Up',
        networkName: 'HostInterfaceNetworking-vboxnet0',
      },
    ]);
    expect(parseHostOnlyInterfaces('')).toEqual([]);
  });

  test('a warning before the answer is no part of it', () => {
    const warned = `${virtualBoxFixture('7.2-linux/warning-no-driver')}${virtualBoxFixture('7.2-linux/hostonlyifs')}`;
    expect(parseHostOnlyInterfaces(warned)).toHaveLength(1);
  });

  test.each([
    ['7.2-linux/dhcpservers-lease', ['192.168.56.110']],
    ['7.2-linux/dhcpservers-vm-lease', ['192.168.56.110', '192.168.56.111']],
  ])('list dhcpservers with a lease that is kept: %s', (fixture, addresses) => {
    expect(parseDhcpServers(virtualBoxFixture(fixture))).toEqual([
      {
        networkName: 'HostInterfaceNetworking-vboxnet0',
        address: '192.168.56.100',
        netmask: '255.255.255.0',
        lower: '192.168.56.101',
        upper: '192.168.56.254',
        isEnabled: true,
        leases: addresses.map((address) => ({ mac: '080027891341', address })),
      },
    ]);
  });

  test('list dhcpservers in the spelling of older versions', () => {
    expect(parseDhcpServers(virtualBoxFixture('older/dhcpservers-5'))).toMatchObject([
      {
        address: '192.168.99.6',
        lower: '192.168.99.100',
        upper: '192.168.99.254',
        isEnabled: true,
        leases: [],
      },
    ]);
  });
});

test('P16: list hostonlynets of macOS', () => {
  expect(parseHostOnlyNetworks(virtualBoxFixture('older/hostonlynets-macos'))).toEqual([
    {
      name: 'HostNetwork',
      isEnabled: true,
      netmask: '255.255.255.0',
      lower: '192.168.56.1',
      upper: '192.168.56.199',
    },
  ]);
});

describe('versions', () => {
  test.each([
    ['7.2.22_Debianr175245\n', [7, 2, 22]],
    ['6.1.50r161033\r\n', [6, 1, 50]],
    ['5.0.12r104815\n', [5, 0, 12]],
    [`${virtualBoxFixture('7.2-linux/warning-no-driver')}7.2.22_Debianr175245\n`, [7, 2, 22]],
  ])('%j', (output, numbers) => {
    const version = parseVersion(output);
    expect([version?.major, version?.minor, version?.patch]).toEqual(numbers);
  });

  test('what is no version is none', () => {
    expect(parseVersion('Segmentation fault\n')).toBeUndefined();
    expect(parseVersion('')).toBeUndefined();
  });

  test.each([
    ['4.2.0', true, false],
    ['4.3.40', false, false],
    ['5.0.0', false, false],
    ['7.2.99', false, false],
    ['7.3.0', false, true],
    ['8.0.0', false, true],
  ])('%s: too old %s, newer than any that was tried %s', (text, old, newer) => {
    const version = parseVersion(text);
    if (version === undefined) throw new Error('no version');
    expect([isTooOld(version), isUnknownNewer(version)]).toEqual([old, newer]);
  });

  test.each([
    ['5.0.12', 'linux', 'interface', false, false, '--natpf1', false],
    ['6.0.24', 'win32', 'interface', false, false, '--natpf1', true],
    ['6.1.26', 'linux', 'interface', false, true, '--natpf1', true],
    ['6.1.28', 'linux', 'interface', true, true, '--natpf1', true],
    ['6.1.50', 'win32', 'interface', false, true, '--natpf1', true],
    ['7.0.0', 'linux', 'interface', true, true, '--nat-pf1', true],
    ['7.1.0', 'darwin', 'network', true, true, '--nat-pf1', true],
    ['6.1.50', 'darwin', 'interface', true, true, '--natpf1', true],
    ['7.2.22', 'linux', 'interface', true, true, '--nat-pf1', true],
  ] as const)('P15, P16: %s on %s', (text, platform, hostOnly, limits, leases, option, hyperV) => {
    const version = parseVersion(text);
    if (version === undefined) throw new Error('no version');
    const dialect = dialectOf(version, platform);
    expect(dialect).toMatchObject({
      hostOnly,
      limitsHostOnlyRange: limits,
      hasFixedLeases: leases,
      runsOnHyperV: hyperV,
    });
    expect(optionName(dialect, 'nat-pf', 1)).toBe(option);
  });
});
