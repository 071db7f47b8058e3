import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { formatCidr, parseCidr } from '../../../src/drivers/virtualbox/cidr.js';
import {
  chooseLease,
  dhcpArguments,
  leasedAddresses,
  planServer,
} from '../../../src/drivers/virtualbox/dhcp.js';
import { ensureHostOnlyNetwork } from '../../../src/drivers/virtualbox/host-only-network.js';
import {
  allowedRanges,
  chooseRange,
  duplicateName,
} from '../../../src/drivers/virtualbox/host-only-range.js';
import type { DhcpServer, HostOnlyInterface } from '../../../src/drivers/virtualbox/parse.js';
import { parseSettings } from '../../../src/drivers/virtualbox/settings.js';
import { VBoxManage } from '../../../src/drivers/virtualbox/vboxmanage.js';
import { context } from '../../contract/driver-contract.js';
import { FakeProcesses } from '../../support/fake-processes.js';
import { refusal } from '../../support/fake-virtualbox.js';
import { failedCall, recording } from '../../support/vboxmanage-recordings.js';
import { testPorts } from '../../support/virtualbox-ports.js';
import { Bench, type BenchOptions } from './bench.js';

function cidr(text: string) {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new Error(`${text} is no network`);
  return parsed;
}

function adapter(name: string, address: string, netmask = '255.255.255.0'): HostOnlyInterface {
  return { name, address, netmask, status: 'Up', networkName: `HostInterfaceNetworking-${name}` };
}

const USUAL = allowedRanges(undefined);
const DEFAULT = {
  wanted: cidr('192.168.99.1/24'),
  mayMove: true,
  interfaces: [],
  hostAddresses: [],
  allowed: USUAL,
};

function chosen(question: Partial<Parameters<typeof chooseRange>[0]>): string {
  const answer = chooseRange({ ...DEFAULT, ...question });
  if ('detail' in answer) return `${answer.kind}: ${answer.detail}`;
  return answer.kind === 'free'
    ? `free ${formatCidr(answer.cidr)}`
    : `${answer.adapter.name} ${formatCidr(answer.cidr)}`;
}

function wifi(address: string) {
  return { interfaceName: 'wlan0', address, netmask: '255.255.255.0', isInternal: false };
}

describe('P15: which host-only network a machine gets', () => {
  test('where nothing is forbidden, docker-machine\u2019s own', () => {
    expect(chosen({ allowed: undefined })).toBe('free 192.168.99.1/24');
    expect(chosen({ allowed: undefined, interfaces: [adapter('a', '192.168.99.1')] })).toBe(
      'a 192.168.99.1/24',
    );
  });

  test('where VirtualBox forbids that, the first free one that it allows', () => {
    expect(chosen({})).toBe('free 192.168.56.1/24');
    expect(chosen({ hostAddresses: [wifi('192.168.56.20'), wifi('192.168.57.20')] })).toBe(
      'free 192.168.58.1/24',
    );
  });

  test('an adapter that is there is used, not multiplied', () => {
    expect(chosen({ interfaces: [adapter('vboxnet0', '192.168.59.1')] })).toBe('vboxnet0 192.168.59.1/24');
  });

  test('an adapter in a network that this computer is in otherwise is not', () => {
    const interfaces = [adapter('vboxnet0', '192.168.56.1')];
    expect(chosen({ interfaces, hostAddresses: [wifi('192.168.56.20')] })).toBe('free 192.168.57.1/24');
  });

  test('the adapters themselves are no conflict, under whatever name the system has them', () => {
    const interfaces = [adapter('VirtualBox Host-Only Ethernet Adapter', '192.168.99.1')];
    const own = { ...wifi('192.168.99.1'), interfaceName: 'Ethernet 4' };
    expect(chosen({ allowed: undefined, interfaces, hostAddresses: [own] })).toBe(
      'VirtualBox Host-Only Ethernet Adapter 192.168.99.1/24',
    );
  });

  test('two adapters with one address are left alone', () => {
    const interfaces = [adapter('a', '192.168.56.1'), adapter('b', '192.168.56.1')];
    expect(chosen({ interfaces })).toBe('free 192.168.57.1/24');
    expect(chosen({ wanted: cidr('192.168.56.1/24'), mayMove: false, interfaces })).toBe(
      'duplicate: 192.168.56.1',
    );
  });

  test('what was asked for in particular does not move', () => {
    expect(chosen({ mayMove: false })).toBe('denied: 192.168.99.1/24');
    expect(chosen({ mayMove: false, allowed: undefined, hostAddresses: [wifi('192.168.99.7')] })).toBe(
      'conflict: wlan0 has 192.168.99.7',
    );
  });

  test('the mask that an old bug shows counts as the right one', () => {
    const interfaces = [adapter('a', '192.168.99.1', '15.0.0.0')];
    expect(chosen({ allowed: undefined, interfaces })).toBe('a 192.168.99.1/24');
  });

  test('networks.conf is read: several lines, comments, IPv6', () => {
    const ranges = allowedRanges('# mine\n* 10.0.0.0/8 192.168.99.0/24\n* 2001:db8::/64\nnonsense\n');
    expect(ranges.map(formatCidr)).toEqual(['10.0.0.0/8', '192.168.99.0/24']);
    expect(allowedRanges('# nothing\n').map(formatCidr)).toEqual(['192.168.56.0/21']);
    expect(chosen({ allowed: ranges })).toBe('free 192.168.99.1/24');
    expect(chosen({ allowed: allowedRanges('* 10.20.0.0/16\n') })).toBe('free 10.20.0.1/24');
  });

  test('two adapters of one name are told', () => {
    expect(duplicateName([adapter('a', ''), adapter('b', ''), adapter('a', '')])).toBe('a');
    expect(duplicateName([adapter('a', ''), adapter('b', '')])).toBeUndefined();
  });
});

const SERVER: DhcpServer = {
  networkName: 'N',
  address: '192.168.99.6',
  netmask: '255.255.255.0',
  lower: '192.168.99.100',
  upper: '192.168.99.254',
  isEnabled: true,
  leases: [],
};
const WISH = {
  networkName: 'N',
  cidr: cidr('192.168.99.1/24'),
  isEnabled: true,
  mac: '080027AABBCC',
  lease: '',
};
const NEW = { hasFixedLeases: true };

describe('P14, P20: the DHCP server', () => {
  test('its own address is computed, and no host\u2019s', () => {
    expect(planServer(cidr('192.168.99.1/24'))).toMatchObject({
      address: '192.168.99.2',
      lower: '192.168.99.100',
      upper: '192.168.99.254',
    });
    expect(planServer(cidr('192.168.99.2/24')).address).toBe('192.168.99.3');
    expect(planServer(cidr('10.0.0.1/16'))).toMatchObject({ lower: '10.0.0.100', upper: '10.0.0.254' });
    expect(planServer(cidr('10.0.0.1/28'))).toEqual({
      address: '10.0.0.2',
      netmask: '255.255.255.240',
      lower: '10.0.0.3',
      upper: '10.0.0.14',
    });
  });

  test('one that docker-machine set up is right as it is', () => {
    expect(dhcpArguments(SERVER, WISH, NEW)).toBeUndefined();
  });

  test.each<[string, Partial<DhcpServer>]>([
    ['another network', { address: '192.168.56.100', lower: '192.168.56.101', upper: '192.168.56.254' }],
    ['switched off', { isEnabled: false }],
    ['our own address', { address: '192.168.99.1' }],
    ['no address', { address: '0.0.0.0' }],
  ])('one with %s is set right', (_what, change) => {
    expect(dhcpArguments({ ...SERVER, ...change }, WISH, NEW)).toEqual(
      expect.arrayContaining(['modify', '--server-ip', '192.168.99.2', '--enable']),
    );
  });

  test('with --virtualbox-hostonly-no-dhcp it is switched off', () => {
    expect(dhcpArguments(SERVER, { ...WISH, isEnabled: false }, NEW)).toContain('--disable');
    expect(
      dhcpArguments({ ...SERVER, isEnabled: false }, { ...WISH, isEnabled: false }, NEW),
    ).toBeUndefined();
  });

  test('a kept address alone is added to a right server, and not twice', () => {
    const wish = { ...WISH, lease: '192.168.99.101' };
    const leases = [{ mac: '080027aabbcc', address: '192.168.99.101' }];
    expect(dhcpArguments(SERVER, wish, NEW)).toEqual([
      ...['dhcpserver', 'modify', '--network', 'N'],
      ...['--mac-address', '08:00:27:aa:bb:cc', '--fixed-address', '192.168.99.101'],
    ]);
    expect(dhcpArguments({ ...SERVER, leases }, wish, NEW)).toBeUndefined();
  });

  test('addresses go from .100 on, past those that others have; a machine keeps its own', () => {
    const leases = [{ mac: '080027000001', address: '192.168.99.100' }];
    expect(chooseLease({ ...SERVER, leases }, WISH, ['192.168.99.101'])).toBe('192.168.99.102');
    const mine = [...leases, { mac: '080027aabbcc', address: '192.168.99.150' }];
    expect(chooseLease({ ...SERVER, leases: mine }, WISH, [])).toBe('192.168.99.150');
    expect(chooseLease({ ...SERVER, leases }, { ...WISH, lease: '192.168.99.100' }, [])).toBe(
      '192.168.99.101',
    );
    expect(chooseLease(undefined, { ...WISH, lease: '192.168.99.120' }, [])).toBe('192.168.99.120');
  });

  test('a server that sits on the promised address moves: VirtualBox gives new adapters one at .100', () => {
    const server = { ...SERVER, address: '192.168.99.100', lower: '192.168.99.101' };
    const wish = { ...WISH, lease: '192.168.99.100' };
    expect(chooseLease(server, wish, [])).toBe('192.168.99.100');
    expect(dhcpArguments(server, wish, NEW)).toEqual(
      expect.arrayContaining(['modify', '--server-ip', '192.168.99.2', '--fixed-address', '192.168.99.100']),
    );
    expect(chooseLease(server, WISH, [])).toBe('192.168.99.101');
  });

  test('no address is left: the machine gets none, and DHCP decides', () => {
    const narrow = { ...WISH, cidr: cidr('10.0.0.1/29') };
    const taken = ['10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6'];
    expect(chooseLease(undefined, narrow, taken)).toBe('');
  });

  test('VirtualBox\u2019s file of dynamic leases is read', () => {
    const text =
      '<Leases version="1.0"><Lease mac="08:00:27:00:00:01"><Address value="192.168.56.101"/></Lease></Leases>';
    expect(leasedAddresses(text)).toEqual(['192.168.56.101']);
    expect(leasedAddresses(undefined)).toEqual([]);
  });
});

describe('adapters of our making', () => {
  let bench: Bench;
  afterEach(() => bench.remove());
  const open = async (options: BenchOptions = {}) => {
    bench = await Bench.open(options);
  };

  test('P37: the last machine takes the adapter that was made for it, and its DHCP server, along', async () => {
    await open();
    await bench.create();
    await bench.start();
    expect(bench.box.adapters).toHaveLength(1);
    await bench.driver.remove(bench.machine, bench.context);
    expect([bench.box.adapters, bench.box.servers, bench.box.vms]).toEqual([[], [], []]);
  });

  test('not while another machine is on it, and on Windows never: both would be asked for again', async () => {
    await open();
    await bench.create();
    await bench.start();
    bench.box.vms.push({
      ...bench.box.vm('dev'),
      uuid: '00000000-0000-4000-8000-000000000009',
      name: 'other',
    });
    await bench.driver.remove(bench.machine, bench.context);
    expect(bench.box.adapters).toHaveLength(1);
    expect([...(bench.box.servers[0]?.leases ?? [])]).toEqual([]);
    await bench.remove();
    await open({ facts: { platform: 'win32' } });
    await bench.create();
    await bench.start();
    await bench.driver.remove(bench.machine, bench.context);
    expect(bench.box.adapters).toHaveLength(1);
  });

  const OTHER = '00000000-0000-4000-8000-000000000009';

  test.each([
    ['on it with its first and third card', () => recording('7.2-linux/showvminfo-cards-1-and-3')],
    ['that cannot be read', () => failedCall('7.2-linux/showvminfo-inaccessible')],
    ['whose description is cut off', () => ({ stdout: 'name="other"\nUUID="0000' })],
  ])('nor while there is a machine %s', async (_what, answer) => {
    await open();
    await bench.create();
    await bench.start();
    bench.box.vms.push({ ...bench.box.vm('dev'), uuid: OTHER, name: 'other', nic2: 'none' });
    const { stdout, ...rest } = answer();
    bench.box.inject(new RegExp(`^showvminfo ${OTHER}`), { ...rest, stdout });
    await bench.driver.remove(bench.machine, bench.context);
    expect(bench.box.adapters).toHaveLength(1);
    expect(bench.box.servers).toHaveLength(1);
  });

  test('nor when VBoxManage does not list the machines as it should', async () => {
    await open();
    await bench.create();
    await bench.start();
    bench.box.inject(/^list vms/, { stdout: '"other" {0000\n' });
    await bench.driver.remove(bench.machine, bench.context);
    expect(bench.box.adapters).toHaveLength(1);
  });

  test('a machine that is deleted in this moment is on no adapter', async () => {
    await open();
    await bench.create();
    await bench.start();
    bench.box.vms.push({ ...bench.box.vm('dev'), uuid: OTHER, name: 'other' });
    bench.box.inject(new RegExp(`^showvminfo ${OTHER}`), failedCall('7.2-linux/showvminfo-unknown'));
    await bench.driver.remove(bench.machine, bench.context);
    expect(bench.box.adapters).toEqual([]);
  });

  test('somebody else\u2019s stays, with the address given back', async () => {
    await open();
    bench.box.addAdapter('vboxnet0', '192.168.60.1');
    await bench.create();
    await bench.start();
    expect(bench.box.servers[0]?.leases.size).toBe(1);
    await bench.driver.remove(bench.machine, bench.context);
    expect(bench.box.adapters).toHaveLength(1);
    expect(bench.box.servers[0]?.leases.size).toBe(0);
  });

  test.each(['hostonlyif create', 'hostonlyif ipconfig'])(
    'P14: one whose making was killed at "%s" is finished by the next try, not multiplied',
    async (call) => {
      await open();
      await bench.create();
      const { box } = bench;
      const effect = () => {
        if (call === 'hostonlyif create') box.addAdapter('vboxnet0', '192.168.56.1', '255.255.255.0', 'Down');
      };
      box.inject(new RegExp(`^${call}`), { error: new Error('killed'), effect });
      await expect(bench.start()).rejects.toThrow('killed');
      await bench.start();
      expect(box.adapters.map(({ name, status }) => `${name} ${status}`)).toEqual(['vboxnet0 Up']);
      await bench.driver.remove(bench.machine, bench.context);
      expect(box.adapters).toEqual([]);
    },
  );

  test('an adapter that sleeps is woken: VirtualBox tells its address before the system has it', async () => {
    await open();
    bench.box.addAdapter('vboxnet0', '192.168.56.1', '255.255.255.0', 'Down');
    await bench.create();
    await bench.start();
    expect(bench.box.adapters[0]?.status).toBe('Up');
  });

  test('the note about them is private, and a damaged one is nobody\u2019s claim', async () => {
    await open();
    await bench.create();
    await bench.start();
    const file = join(bench.ports.sharedDirectory, 'virtualbox-adapters.json');
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ made: { vboxnet0: '192.168.56.1/24' } });
    await writeFile(file, '{"made":[');
    await bench.driver.remove(bench.machine, bench.context);
    expect(bench.box.adapters).toHaveLength(1);
  });

  test('an address that the user asked for and VirtualBox forbids is refused before anything is made, with the line to add', async () => {
    await open({ flags: { 'virtualbox-hostonly-cidr': '172.20.0.1/24' } });
    expect(await bench.driver.precheck(bench.machine, context())).toMatchObject([
      {
        severity: 'refuse',
        code: 'VBOX_RANGE_DENIED',
        nextSteps: [expect.stringContaining('* 172.20.0.0/24'), expect.anything()],
      },
    ]);
  });

  test('a network of this computer is refused in the contract\u2019s words', async () => {
    await open({
      flags: { 'virtualbox-hostonly-cidr': '192.168.60.1/24' },
      hostAddresses: [wifi('192.168.60.33')],
    });
    expect(await bench.driver.precheck(bench.machine, context())).toMatchObject([
      { message: 'host-only cidr conflicts with the network address of a host interface' },
    ]);
  });

  test('one operation at a time: all of it happens under the lock', async () => {
    await open();
    await bench.create();
    let isHeld = false;
    const ports = Object.assign(bench.ports, {
      hostOnlyLock: async <T>(_options: unknown, work: () => Promise<T>): Promise<T> => {
        isHeld = true;
        try {
          return await work();
        } finally {
          isHeld = false;
        }
      },
    });
    expect(ports.hostOnlyLock).toBe(bench.ports.hostOnlyLock);
    const unlocked: string[] = [];
    for (const pattern of [/^hostonlyif/, /^dhcpserver/, /^list dhcpservers/]) {
      bench.box.inject(pattern, {
        ...refusal('stop here'),
        effect: () => {
          if (!isHeld) unlocked.push(String(pattern));
        },
      });
      await bench.start().catch(() => undefined);
    }
    expect(unlocked).toEqual([]);
  });
});

describe('P16: the host-only network of macOS', () => {
  const OURS =
    'Name:            tmachine\nState:           Enabled\nNetworkMask:     255.255.255.0\nLowerIP:         192.168.56.1\nUpperIP:         192.168.56.254\n';

  async function ensured(flags: BenchOptions['flags'], list: string, made: readonly string[] = []) {
    const bench = await Bench.open({ ...(flags && { flags }) });
    try {
      const file = '/usr/bin/VBoxManage';
      const programs = { VBoxManage: file };
      const processes = new FakeProcesses(
        [
          { file, args: ['list', 'hostonlynets'], result: { stdout: list } },
          ...(made.length === 0 ? [] : [{ file, args: made }]),
        ],
        { programs },
      );
      const vbox = new VBoxManage(testPorts({ processes }));
      return await ensureHostOnlyNetwork(parseSettings(bench.machine), { vbox }, bench.context);
    } finally {
      await bench.remove();
    }
  }

  test('ours is reused where no range was asked for', async () => {
    expect(await ensured({}, OURS)).toMatchObject({ adapter: 'tmachine', cidr: '192.168.56.1/24' });
  });

  test('a range that was asked for is had, also when there is ours', async () => {
    const flags = { 'virtualbox-hostonly-cidr': '192.168.60.1/25' };
    const range = [
      '--netmask',
      '255.255.255.128',
      '--lower-ip',
      '192.168.60.1',
      '--upper-ip',
      '192.168.60.126',
    ];
    const made = ['hostonlynet', 'add', '--name', 'tmachine-192.168.60.1', ...range, '--enable'];
    expect(await ensured(flags, OURS, made)).toMatchObject({
      adapter: 'tmachine-192.168.60.1',
      cidr: '192.168.60.1/25',
    });
  });
});

test.each([
  ['192.168.60.130/25', '192.168.60.128/25'],
  ['10.20.30.40/8', '10.0.0.0/8'],
])('what the guest of a machine on %s reaches without a proxy is %s', async (given, network) => {
  const bench = await Bench.open({ flags: { 'virtualbox-hostonly-cidr': given } });
  try {
    expect(bench.driver.hostInGuest?.(bench.machine.settings)).toMatchObject({
      networks: ['10.0.2.0/24', network],
    });
  } finally {
    await bench.remove();
  }
});
