import { mkdir, symlink } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type GuestRoot, guestRoot, HAS_BUSYBOX } from './guest-root.js';

const SCRIPTS = ['common.sh', 'network.sh'];
const NETWORK = 'var/lib/boot2docker/etc/network';
const describeWithBusybox = HAS_BUSYBOX ? describe : describe.skip;
/** Programs that only say what they were asked: the cards of this computer stay as they are. */
const STAND_INS = `
ip() { echo "ip $*"; case "$*" in *999.*) return 1 ;; esac; }
udhcpc() { echo "udhcpc $*" >>"$ROOT/asked"; }
usleep() { :; }
`;

describeWithBusybox('the network of the guest', () => {
  let root: GuestRoot;
  beforeEach(async () => {
    root = await guestRoot();
  });
  afterEach(() => root.remove());

  /** A card as sysfs shows it, at a place on the PCI bus. */
  async function card(name: string, place: string, mac: string, carrier = '1'): Promise<void> {
    const device = root.at(`sys/devices/pci0000:00/${place}`);
    await mkdir(device, { recursive: true });
    await root.write(`sys/class/net/${name}/address`, `${mac}\n`);
    await root.write(`sys/class/net/${name}/carrier`, `${carrier}\n`);
    await symlink(device, root.at(`sys/class/net/${name}/device`));
  }
  const shell = (text: string) => root.shell(SCRIPTS, STAND_INS + text);

  test('the first card of the machine is eth0, whichever driver was first', async () => {
    await card('eth0', '0000:00:08.0', '08:00:27:00:00:02');
    await card('eth1', '0000:00:03.0', '08:00:27:00:00:01');
    await mkdir(root.at('sys/class/net/lo'), { recursive: true });
    expect((await shell('name_cards')).stdout.split('\n')).toEqual([
      'ip link set eth1 name new-eth0',
      'ip link set eth0 name new-eth1',
      'ip link set new-eth0 name eth0',
      'ip link set new-eth1 name eth1',
      '',
    ]);
  });

  test('cards that have their names are not renamed', async () => {
    await card('eth0', '0000:00:03.0', '08:00:27:00:00:01');
    await card('eth1', '0000:00:08.0', '08:00:27:00:00:02');
    expect((await shell('name_cards')).stdout).toBe('');
  });

  describe('two cards, and etc/network', () => {
    beforeEach(async () => {
      await card('eth0', '0000:00:03.0', '08:00:27:00:00:01');
      await card('eth1', '0000:00:08.0', '08:00:27:00:00:02');
    });
    const started = async () =>
      (await shell('start_network dev; wait; cat "$ROOT/asked" 2>/dev/null')).stdout
        .trim()
        .split('\n')
        .sort();
    const asks = (name: string) =>
      expect.stringMatching(new RegExp(`^udhcpc -b -i ${name} .* -x hostname:dev `));
    const gets = (name: string, address: string) => `ip addr add ${address} broadcast + dev ${name}`;

    test('without it every card asks for a lease and says its host name', async () => {
      expect(await started()).toEqual([asks('eth0'), asks('eth1')]);
    });

    test.each([
      ['by MAC', 'MAC=08:00:27:00:00:02 ADDRESS=192.168.99.100/24\n'],
      ['by MAC in capitals', 'MAC=08:00:27:00:00:02 ADDRESS=192.168.99.100/24\n'.toUpperCase()],
      ['by its place', 'CARD=eth1 ADDRESS=192.168.99.100/24\n'],
      ['in a last line without end', '# host-only\n\nCARD=eth1 ADDRESS=192.168.99.100/24'],
    ])('a card named %s gets its address and asks nobody; the other one asks', async (_how, text) => {
      await root.write(NETWORK, text);
      expect(await started()).toEqual([gets('eth1', '192.168.99.100/24'), asks('eth0')]);
      expect(await root.read('run/tmachine/net.eth1')).toBe('static\n');
    });

    test('every card may have its own', async () => {
      await root.write(
        NETWORK,
        'CARD=eth0 ADDRESS=10.0.0.5/8\nMAC=08:00:27:00:00:02 ADDRESS=192.168.99.100/24\n',
      );
      expect(await started()).toEqual([gets('eth0', '10.0.0.5/8'), gets('eth1', '192.168.99.100/24')]);
    });

    test('lines for cards that are not there mean nothing', async () => {
      await root.write(
        NETWORK,
        'MAC=08:00:27:00:00:09 ADDRESS=192.168.99.100/24\nCARD=eth7 ADDRESS=1.2.3.4/8\n',
      );
      expect(await started()).toEqual([asks('eth0'), asks('eth1')]);
    });

    test('an address that is none leaves the card within reach: it asks for a lease, with a note', async () => {
      await root.write(NETWORK, 'CARD=eth1 ADDRESS=999.1.1.1/24\n');
      const lines = await started();
      expect(lines).toEqual([gets('eth1', '999.1.1.1/24'), asks('eth0'), asks('eth1')]);
      expect(await root.read('serial')).toContain(
        'note: "999.1.1.1/24" is no address for eth1; it asks for a lease',
      );
    });

    test('the wait ends when every card has an answer', async () => {
      await root.write('run/tmachine/net.eth0', 'lease\n');
      await root.write('run/tmachine/net.eth1', 'none\n');
      expect((await shell('wait_network 100; echo $waited')).stdout).toBe('0\n');
    });

    test('a card with a cable is waited for until the limit, one without for 3 s', async () => {
      await root.write('run/tmachine/net.eth0', 'lease\n');
      expect((await shell('wait_network 100; echo $waited')).stdout).toBe('100\n');
      await root.write('sys/class/net/eth1/carrier', '0\n');
      expect((await shell('wait_network 100; echo $waited')).stdout).toBe('30\n');
    });
  });

  describe('a lease', () => {
    /** What udhcpc calls, with what it found in the environment. */
    const event = (name: string, environment: Readonly<Record<string, string>>) =>
      root.shell([], `${STAND_INS}set -- ${name}\n. ${root.at('usr/share/udhcpc/default.script')}`, {
        interface: 'eth0',
        ...environment,
      });
    const LEASE = { ip: '10.0.2.15', mask: '24', router: '10.0.2.2 10.0.2.3', dns: '10.0.2.3 10.0.2.4' };

    test('gives address, the first router and the name servers', async () => {
      await root.write('etc/resolv.conf', 'nameserver 9.9.9.9\n');
      const { stdout } = await event('bound', { ...LEASE, domain: 'corp.example', ntpsrv: '10.0.2.9' });
      expect(stdout.trim().split('\n')).toEqual([
        'ip addr replace 10.0.2.15/24 broadcast + dev eth0',
        'ip route del default dev eth0',
        'ip route add default via 10.0.2.2 dev eth0 metric 100',
      ]);
      expect(await root.read('etc/resolv.conf')).toBe(
        'search corp.example\nnameserver 10.0.2.3\nnameserver 10.0.2.4\n',
      );
      expect(await root.read('run/tmachine/ntp.eth0')).toBe('10.0.2.9\n');
      expect(await root.read('run/tmachine/net.eth0')).toBe('lease\n');
    });

    test('without name servers leaves resolv.conf as it is', async () => {
      await root.write('etc/resolv.conf', 'nameserver 9.9.9.9\n');
      await event('bound', { ip: '192.168.99.100', mask: '24' });
      expect(await root.read('etc/resolv.conf')).toBe('nameserver 9.9.9.9\n');
    });

    test('of the second card comes after the first one: larger metric, name servers last', async () => {
      await event('bound', { ...LEASE, interface: 'eth1', router: '192.168.99.1', dns: '192.168.99.1' });
      const { stdout } = await event('bound', LEASE);
      expect(stdout).toContain('via 10.0.2.2 dev eth0 metric 100\n');
      expect(await root.read('etc/resolv.conf')).toBe(
        'nameserver 10.0.2.3\nnameserver 10.0.2.4\nnameserver 192.168.99.1\n',
      );
      const again = await event('renew', { ...LEASE, interface: 'eth1', router: '192.168.99.1' });
      expect(again.stdout).toContain('via 192.168.99.1 dev eth1 metric 101\n');
    });

    test('of another card in the same moment loses none of the name servers', async () => {
      // eth0's lease comes, whole, between the look at what is there and the writing.
      const other = `cat() {
        command cat "$@"
        [ ! -e "$RUN/dns.eth0" ] || return 0
        echo 'nameserver 10.0.2.3' >"$RUN/dns.eth0"
        command cat "$RUN"/dns.* >"$ROOT/etc/resolv.conf"
      }
      `;
      const script = root.at('usr/share/udhcpc/default.script');
      const second = { interface: 'eth1', ip: '192.168.99.100', dns: '192.168.99.1' };
      await root.shell([], `${STAND_INS}${other}set -- bound\n. ${script}`, second);
      expect(await root.read('etc/resolv.conf')).toBe('nameserver 10.0.2.3\nnameserver 192.168.99.1\n');
    });

    test('that nobody gives lets the boot go on, and a later one counts', async () => {
      await event('leasefail', {});
      expect(await root.read('run/tmachine/net.eth0')).toBe('none\n');
      await event('bound', LEASE);
      expect(await root.read('run/tmachine/net.eth0')).toBe('lease\n');
      await event('leasefail', {});
      expect(await root.read('run/tmachine/net.eth0')).toBe('lease\n');
    });

    test('that is lost takes the address off the card', async () => {
      const { stdout } = await event('deconfig', {});
      expect(stdout).toBe('ip addr flush dev eth0\nip link set eth0 up\n');
    });
  });
});
