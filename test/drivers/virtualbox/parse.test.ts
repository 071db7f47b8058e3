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
import { recording } from '../../support/vboxmanage-recordings.js';

describe('what VBoxManage prints', () => {
  test('showvminfo: values by key, quoted or not', () => {
    const info = parseMachineReadable(recording('7.2-linux/showvminfo-poweroff').stdout);
    expect(info.get('VMState')).toBe('poweroff');
    expect(info.get('UUID')).toMatch(/^[0-9a-f-]{36}$/);
    expect(info.get('memory')).toMatch(/^\d+$/);
    expect(info.get('SATA-1-0')).toMatch(/\/disk\.vmdk$/);
    expect(info.get('Forwarding(0)')).toMatch(/^ssh,tcp,127\.0\.0\.1,\d+,,22$/);
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
    const same = parseVms(recording('7.2-linux/list-vms-same-name').stdout);
    expect(same.map(({ name }) => name)).toEqual(['dev', 'dev']);
    expect(new Set(same.map((it) => it.uuid)).size).toBe(2);
    const unreadable = parseVms(recording('7.2-linux/list-vms-inaccessible').stdout);
    expect(unreadable.map(({ name }) => name)).toEqual(['dev', '<inaccessible>']);
  });

  test('list hostonlyifs', () => {
    expect(parseHostOnlyInterfaces(recording('7.2-linux/list-hostonlyifs-two').stdout)).toMatchObject([
      {
        name: 'vboxnet0',
        address: '192.168.56.1',
        netmask: '255.255.255.0',
        status: 'Up',
        networkName: 'HostInterfaceNetworking-vboxnet0',
      },
      { name: 'vboxnet1', address: '192.168.59.1' },
    ]);
    expect(parseHostOnlyInterfaces(recording('7.2-linux/list-hostonlyifs-none').stdout)).toEqual([]);
    expect(
      parseHostOnlyInterfaces(recording('unknown-windows/list-hostonlyifs').stdout).map(({ name }) => name),
    ).toContain('VirtualBox Host-Only Ethernet Adapter #2');
  });

  test('a warning before the answer is no part of it', () => {
    const warned = `${recording('7.2-linux/version-warning').stdout}${recording('7.2-linux/list-hostonlyifs-new').stdout}`;
    expect(parseHostOnlyInterfaces(warned)).toHaveLength(1);
  });

  test('list dhcpservers with kept addresses', () => {
    expect(parseDhcpServers(recording('7.2-linux/list-dhcpservers-fixed').stdout)).toEqual([
      {
        networkName: 'HostInterfaceNetworking-vboxnet0',
        address: '192.168.56.2',
        netmask: '255.255.255.0',
        lower: '192.168.56.100',
        upper: '192.168.56.254',
        isEnabled: true,
        leases: [
          { mac: '080027000001', address: '192.168.56.121' },
          { mac: '0800275bf274', address: '192.168.56.120' },
        ],
      },
      expect.objectContaining({ networkName: 'HostInterfaceNetworking-vboxnet1', leases: [] }),
    ]);
  });

  test('an address that is kept for a machine which is gone is nobody\u2019s', () => {
    const [server] = parseDhcpServers(recording('7.2-linux/list-dhcpservers-orphan').stdout);
    expect(server?.leases).toEqual([{ mac: '080027000001', address: '192.168.56.121' }]);
  });

  test('list dhcpservers in the spelling of older versions', () => {
    const servers = parseDhcpServers(recording('unknown-windows/list-dhcpservers').stdout);
    expect(servers.map(({ isEnabled }) => isEnabled)).toEqual([true, false, true]);
    expect(servers[2]).toMatchObject({
      address: '192.168.99.6',
      lower: '192.168.99.100',
      upper: '192.168.99.254',
      leases: [],
    });
  });
});

test('P16: list hostonlynets of macOS, with its empty line inside each record', () => {
  expect(parseHostOnlyNetworks(recording('7.0-macos/list-hostonlynets').stdout)).toMatchObject([
    { name: 'vagrantnet-vbox1', isEnabled: true, netmask: '255.255.255.0', lower: '192.168.61.0' },
    { name: 'vagrantnet-vbox2', isEnabled: true },
  ]);
});

describe('versions', () => {
  test.each([
    ['7.2.22_Debianr175245\n', [7, 2, 22]],
    ['6.1.50r161033\r\n', [6, 1, 50]],
    ['5.0.12r104815\n', [5, 0, 12]],
    [recording('7.2-linux/version-warning').stdout, [7, 2, 22]],
    [recording('5.2-linux/version-module-not-loaded').stdout, [5, 2, expect.any(Number)]],
    [recording('7.1-windows/version').stdout, [7, 1, expect.any(Number)]],
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
