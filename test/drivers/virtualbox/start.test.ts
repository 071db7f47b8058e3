import { stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { refusal } from '../../support/fake-virtualbox.js';
import { failedCall } from '../../support/vboxmanage-recordings.js';
import { Bench, type BenchOptions } from './bench.js';

let bench: Bench;
afterEach(() => bench.remove());

async function open(options: BenchOptions = {}): Promise<void> {
  bench = await Bench.open(options);
}

const WINDOWS_ADAPTER = (index: number) => `VirtualBox Host-Only Ethernet Adapter #${index + 2}`;
const TASKBAR = 'Sometimes, such confirmation window is minimized in the taskbar.';

describe('calls', () => {
  test.each([
    ['that takes a seed', true],
    ['that takes none', false],
  ])(
    'a new machine with an image %s takes twelve calls up to startvm, the network made anew',
    async (_what, seed) => {
      await open();
      expect(await bench.driver.precheck(bench.machine, bench.context)).toEqual([]);
      if (seed) await bench.reserve();
      await bench.create();
      await bench.driver.state(bench.machine, bench.context);
      await bench.start();
      const calls = bench.box.takeCalls();
      const upToStart = calls.findIndex((it) => it.startsWith('startvm')) + 1;
      expect(calls.slice(0, upToStart).map((it) => it.replace(/^(\w+vm|showvminfo) .*/, '$1'))).toEqual([
        '--version',
        'list vms',
        ...(seed ? ['list hostonlyifs'] : []),
        'registervm',
        'showvminfo',
        'list hostonlyifs',
        'hostonlyif create',
        expect.stringMatching(/^hostonlyif ipconfig/),
        'list dhcpservers',
        expect.stringMatching(/^dhcpserver add/),
        'modifyvm',
        'startvm',
      ]);
      expect(upToStart).toBeLessThanOrEqual(12);
    },
  );

  test('on a network that is there it takes eleven', async () => {
    await open();
    bench.box.addAdapter('vboxnet0', '192.168.56.1');
    await bench.driver.precheck(bench.machine, bench.context);
    await bench.reserve();
    await bench.create();
    await bench.driver.state(bench.machine, bench.context);
    await bench.start();
    expect(bench.box.takeCalls().findIndex((it) => it.startsWith('startvm')) + 1).toBe(11);
  });

  test('P14: a second start changes nothing of the network: no permission is asked for again', async () => {
    await open();
    await bench.create();
    await bench.start();
    bench.keep(await bench.driver.kill(bench.machine, bench.context));
    bench.box.takeCalls();
    await bench.start();
    const changes = bench.box.takeCalls().filter((it) => !/^(list|showvminfo|startvm)/.test(it));
    expect(changes).toEqual([]);
  });

  test('status is one call', async () => {
    await open();
    await bench.create();
    bench.box.takeCalls();
    expect(await bench.driver.state(bench.machine, bench.context)).toBe('stopped');
    expect(bench.box.takeCalls()).toHaveLength(1);
  });

  test('versions before 7.0 get their own spelling, and no kept address before 6.1', async () => {
    await open({ version: '6.0.24r139119' });
    await bench.create();
    await bench.start();
    const calls = bench.box.takeCalls().join('\n');
    expect(calls).toMatch(
      /--hostonlyadapter2 vboxnet0 --nictype2 82540EM --nicpromisc2 deny --cableconnected2 on/,
    );
    expect(calls).toMatch(
      /dhcpserver add --netname \S+ --ip \S+ --netmask \S+ --lowerip \S+ --upperip \S+ --enable$/m,
    );
    expect(bench.machine.settings.extra['lease']).toBe('');
  });
});

describe('the log', () => {
  test('on Windows, a new adapter: the contract\u2019s lines 15 to 19, each when its call is made', async () => {
    await open({ facts: { platform: 'win32', env: {} }, adapterName: WINDOWS_ADAPTER });
    bench.box.addAdapter('VirtualBox Host-Only Ethernet Adapter', '192.168.56.1');
    await bench.create();
    await bench.start();
    expect(bench.lines).toEqual([
      'Check network to re-create if needed...',
      `Windows might ask for the permission to create a network adapter. ${TASKBAR}`,
      'Found a new host-only adapter: "VirtualBox Host-Only Ethernet Adapter #2"',
      `Windows might ask for the permission to configure a network adapter. ${TASKBAR}`,
      `Windows might ask for the permission to configure a dhcp server. ${TASKBAR}`,
    ]);
    expect(bench.machine.settings.config['HostOnlyCIDR']).toBe('192.168.99.1/24');
  });

  test('on Windows, an adapter that is there: nothing is asked', async () => {
    await open({ version: '5.2.44r139111', facts: { platform: 'win32', env: {} } });
    bench.box.addAdapter('A', '192.168.99.1');
    bench.box.servers.push({
      network: 'HostInterfaceNetworking-A',
      address: '192.168.99.6',
      netmask: '255.255.255.0',
      lower: '192.168.99.100',
      upper: '192.168.99.254',
      isEnabled: true,
      leases: new Map(),
    });
    await bench.create();
    await bench.start();
    expect(bench.lines).toEqual(['Check network to re-create if needed...']);
  });

  test('a paused machine goes on, with one line; a saved one without a look at the network', async () => {
    await open();
    await bench.create();
    await bench.start();
    bench.lines.length = 0;
    bench.box.vm('dev').state = 'paused';
    await bench.start();
    expect(bench.lines).toEqual(['Resuming VM ...']);
    bench.lines.length = 0;
    bench.box.vm('dev').state = 'saved';
    await bench.start();
    expect(bench.lines).toEqual([]);
    expect(bench.box.vm('dev').state).toBe('running');
  });
});

describe('P28: a start that was cut off', () => {
  test('before its port was saved is "starting", and a further start brings the port', async () => {
    await open();
    await bench.create();
    await bench.start();
    const [ssh] = bench.box.vm('dev').forwards;
    if (ssh === undefined) throw new Error('no forward');
    ssh.hostPort = '40999';
    expect(await bench.driver.state(bench.machine, bench.context)).toBe('starting');
    await bench.start();
    expect(bench.driver.endpoint(bench.machine).ssh?.port).toBe(40999);
    expect(await bench.driver.state(bench.machine, bench.context)).toBe('running');
  });

  test('after it had come to NAT is joined there', async () => {
    await open();
    await bench.create();
    const before = bench.machine;
    bench.box.inject(/^hostonlyif create/, failedCall('7.0-macos/hostonlyif-create-no-module'));
    await bench.start();
    bench.machine = before;
    await bench.start();
    expect(bench.driver.endpoint(bench.machine)).toMatchObject({
      address: { kind: 'known', host: '127.0.0.1' },
      enginePort: Number(bench.box.vm('dev').forwards.find(({ name }) => name === 'docker')?.hostPort),
    });
  });

  test('after it had started is joined at once: nobody waits for the lock', async () => {
    await open();
    await bench.create();
    const before = bench.machine;
    await bench.start();
    bench.machine = before;
    await bench.start();
    expect(bench.machine.settings.extra['isNew']).toBeUndefined();
    expect(bench.ports.clock.monotonic()).toBeLessThan(5_000);
  });
});

describe('ports and addresses', () => {
  test('a port that another program has taken moves, with a line, and VirtualBox is told', async () => {
    await open({ flags: { 'virtualbox-network': 'nat' } });
    await bench.create();
    const taken = bench.driver.endpoint(bench.machine).enginePort;
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(taken, '127.0.0.1', resolve));
    try {
      await bench.start();
    } finally {
      server.close();
    }
    const moved = bench.driver.endpoint(bench.machine).enginePort;
    expect(moved).not.toBe(taken);
    expect(bench.lines).toContain(
      `Port ${taken} for Docker is in use by another program, using ${moved} from now on...`,
    );
    expect(bench.box.vm('dev').forwards.find(({ name }) => name === 'docker')?.hostPort).toBe(String(moved));
  });

  test('P20: the address is kept for the machine by VirtualBox, and again after a restart', async () => {
    await open();
    await bench.create();
    await bench.start();
    const [server] = bench.box.servers;
    expect([...(server?.leases.values() ?? [])]).toEqual(['192.168.56.100']);
    bench.keep(await bench.driver.kill(bench.machine, bench.context));
    await bench.start();
    expect([...(server?.leases.values() ?? [])]).toEqual(['192.168.56.100']);
  });

  test('an address that the guest has told is known until the next start', async () => {
    await open();
    await bench.create();
    await bench.start();
    expect(bench.driver.endpoint(bench.machine).address).toEqual({
      kind: 'by-mac',
      mac: expect.stringMatching(/^08:00:27(:[0-9a-f]{2}){3}$/),
    });
    bench.keep(bench.driver.withAddress(bench.machine, '192.168.56.100'));
    expect(bench.driver.endpoint(bench.machine).address).toEqual({ kind: 'known', host: '192.168.56.100' });
    expect(bench.machine.settings.config['IPAddress']).toBe('192.168.56.100');
    bench.keep(await bench.driver.kill(bench.machine, bench.context));
    expect(bench.machine.settings.config['IPAddress']).toBe('');
  });

  test('P17: with --virtualbox-network nat there is no host-only network, and SSH and engine are on 127.0.0.1', async () => {
    await open({ flags: { 'virtualbox-network': 'nat' } });
    await bench.create();
    await bench.start();
    const { address, enginePort, ssh } = bench.driver.endpoint(bench.machine);
    expect(address).toEqual({ kind: 'known', host: '127.0.0.1' });
    expect(bench.box.vm('dev').forwards).toEqual([
      { name: 'ssh', hostPort: String(ssh?.port), guestPort: '22' },
      { name: 'docker', hostPort: String(enginePort), guestPort: '2376' },
    ]);
    expect(bench.box.calls.filter((it) => /hostonly|dhcp/.test(it))).toEqual([]);
    expect(bench.lines).toEqual(['Using NAT: the machine is reached on 127.0.0.1']);
  });
});

describe('P20: an address that is promised before the machine is made', () => {
  test('is on its card, in its record and kept by VirtualBox', async () => {
    await open();
    const card = await bench.reserve();
    expect(card).toEqual({
      mac: expect.stringMatching(/^08:00:27(:[0-9a-f]{2}){3}$/),
      cidr: '192.168.56.100/24',
    });
    expect(bench.driver.endpoint(bench.machine).address).toEqual({ kind: 'known', host: '192.168.56.100' });
    await bench.create();
    expect(bench.box.vm('dev').mac2).toBe(card?.mac.replaceAll(':', '').toUpperCase());
    await bench.start();
    expect([...(bench.box.servers[0]?.leases ?? [])]).toEqual([[card?.mac, '192.168.56.100']]);
    // Until the guest has told it, it is not known: it may have got another one.
    expect(bench.driver.endpoint(bench.machine).address).toMatchObject({ kind: 'by-mac' });
  });

  test('is the one that VirtualBox keeps, also where its new adapter comes with a DHCP server at .100', async () => {
    await open();
    bench.box.servers.push({
      network: 'HostInterfaceNetworking-vboxnet0',
      address: '192.168.56.100',
      netmask: '255.255.255.0',
      lower: '192.168.56.101',
      upper: '192.168.56.254',
      isEnabled: true,
      leases: new Map(),
    });
    const card = await bench.reserve();
    await bench.create();
    await bench.start();
    expect(bench.box.servers[0]).toMatchObject({ address: '192.168.56.2' });
    expect([...(bench.box.servers[0]?.leases.values() ?? [])].map((it) => `${it}/24`)).toEqual([card?.cidr]);
  });

  test('is nobody else\u2019s, the same for a second try, and free when the machine is gone', async () => {
    await open();
    const fresh = bench.machine;
    await bench.reserve();
    const other = { ...fresh, name: 'other', directory: `${bench.machine.directory}-other` };
    const theirs = await bench.driver.reserveAddress(other, bench.context);
    expect(theirs?.card.cidr).toBe('192.168.56.101/24');
    const again = await bench.driver.reserveAddress(bench.machine, bench.context);
    expect(again?.card.cidr).toBe('192.168.56.100/24');
    await bench.driver.remove(bench.machine, bench.context);
    expect((await bench.driver.reserveAddress(other, bench.context))?.card.cidr).toBe('192.168.56.101/24');
    const third = { ...other, name: 'third' };
    expect((await bench.driver.reserveAddress(third, bench.context))?.card.cidr).toBe('192.168.56.100/24');
  });

  test('lies in the network that is there, past what others have in it', async () => {
    await open();
    bench.box.addAdapter('vboxnet0', '192.168.60.1');
    bench.box.servers.push({
      network: 'HostInterfaceNetworking-vboxnet0',
      address: '192.168.60.2',
      netmask: '255.255.255.0',
      lower: '192.168.60.100',
      upper: '192.168.60.254',
      isEnabled: true,
      leases: new Map([['08:00:27:00:00:01', '192.168.60.100']]),
    });
    expect((await bench.reserve())?.cidr).toBe('192.168.60.101/24');
  });

  test.each<[string, BenchOptions]>([
    ['NAT', { flags: { 'virtualbox-network': 'nat' } }],
    ['an imported disk', { flags: { 'virtualbox-import-boot2docker-vm': 'old' } }],
    ['a VirtualBox that keeps no addresses', { version: '6.0.24r139119' }],
    ['macOS, whose own DHCP decides', { facts: { platform: 'darwin' } }],
  ])('none with %s', async (_what, options) => {
    await open(options);
    expect(await bench.reserve()).toBeUndefined();
  });
});

describe('P14: where no host-only network can be had, NAT is used and said', () => {
  const NAT = /^No host-only network can be used \(.+\)\. Using NAT: the machine is reached on 127\.0\.0\.1$/;

  test.each([
    ['no kernel module', '7.0-macos/hostonlyif-create-no-module'],
    ['Windows does not install it', '5.1-windows/hostonlyif-create-no-instance-id'],
  ])('%s', async (_what, fixture) => {
    await open();
    bench.box.inject(/^hostonlyif create/, failedCall(fixture));
    await bench.create();
    await bench.start();
    expect(bench.lines.filter((it) => NAT.test(it))).toHaveLength(1);
    expect(bench.driver.endpoint(bench.machine)).toMatchObject({
      address: { kind: 'known', host: '127.0.0.1' },
      enginePort: expect.any(Number),
    });
    expect(bench.box.vm('dev').forwards.map(({ name }) => name)).toEqual(['ssh', 'docker']);
    expect(bench.box.vm('dev').state).toBe('running');
  });

  test('the address is refused', async () => {
    await open();
    bench.box.inject(/ipconfig/, failedCall('7.2-linux/hostonlyif-ipconfig-denied'));
    await bench.create();
    await bench.start();
    expect(bench.lines.some((it) => NAT.test(it))).toBe(true);
  });

  test('two adapters have one name', async () => {
    await open();
    bench.box.addAdapter('A', '192.168.56.1');
    bench.box.addAdapter('A', '192.168.57.1');
    await bench.create();
    await bench.start();
    expect(bench.lines.join('\n')).toContain('two host-only adapters of the name "A"');
  });

  test('the card cannot be connected when the machine starts', async () => {
    await open();
    bench.box.inject(/^startvm/, failedCall('6.1-windows/startvm-adapter-not-found'));
    await bench.create();
    await bench.start();
    expect(bench.lines.some((it) => NAT.test(it))).toBe(true);
    expect(bench.box.vm('dev').nic2).toBe('none');
  });

  test('another failure is no reason', async () => {
    await open();
    bench.box.inject(/^modifyvm/, refusal('Something else'));
    await bench.create();
    await expect(bench.start()).rejects.toMatchObject({ code: 'VBOX_FAILED' });
  });
});

describe('P14: corrupted adapters', () => {
  test('an adapter that lost its address at the start is repaired and the machine started again', async () => {
    await open();
    await bench.create();
    const [first, lost] = ['192.168.56.1', '169.254.3.4'].map(
      (address) =>
        `Name: vboxnet0\nIPAddress: ${address}\nNetworkMask: 255.255.255.0\nStatus: Up\nVBoxNetworkName: HostInterfaceNetworking-vboxnet0\n\n`,
    );
    bench.box.addAdapter('vboxnet0', '192.168.56.1');
    bench.box.inject(/^list hostonlyifs/, { stdout: first ?? '' }, { stdout: lost ?? '' });
    const { hostOnlyLock } = bench.ports;
    const locked: string[] = [];
    Object.assign(bench.ports, {
      hostOnlyLock: async (options: Parameters<typeof hostOnlyLock>[0], work: () => Promise<unknown>) => {
        const begin = bench.box.calls.length;
        const result = await hostOnlyLock(options, work);
        locked.push(...bench.box.calls.slice(begin));
        return result;
      },
    });
    await bench.start();
    expect(locked.filter((it) => it.startsWith('hostonlyif ipconfig'))).toHaveLength(1);
    expect(bench.lines).toContain(
      "The host-only adapter is corrupted. Let's stop the VM, fix the host-only adapter and restart the VM",
    );
    const calls = bench.box.calls.map((it) => it.replace(/[0-9a-f-]{36}/, 'ID'));
    expect(calls.slice(calls.indexOf('startvm ID --type headless') + 1)).toEqual([
      'list hostonlyifs',
      'controlvm ID poweroff',
      'showvminfo ID --machinereadable',
      'hostonlyif ipconfig vboxnet0 --ip 192.168.56.1 --netmask 255.255.255.0',
      'startvm ID --type headless',
    ]);
    expect(bench.ports.clock.sleeps.filter((ms) => ms === 5_000)).toHaveLength(2);
  });

  test('VirtualBox fails to make one and made it all the same: it is found and used', async () => {
    await open();
    const effect = () => bench.box.addAdapter('vboxnet7', '0.0.0.0');
    bench.box.inject(/^hostonlyif create/, { ...refusal('odd'), effect });
    await bench.create();
    await bench.start();
    expect(bench.lines.slice(1, 4)).toEqual([
      'Creating a new host-only adapter produced an error: odd',
      "This is a known VirtualBox bug. Let's try to recover anyway...",
      'Found a new host-only adapter: "vboxnet7"',
    ]);
  });
});

test('P18: the serial console goes to a file that only the user may read, made before VirtualBox writes it', async () => {
  await open();
  await bench.create();
  await bench.start();
  const file = join(bench.machine.directory, 'console.log');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await writeFile(file, 'tmachine-guest: init 1.23\r\n');
  expect(await bench.driver.consoleTail(bench.machine, 3)).toBe('tmachine-guest: init 1.23');
});
