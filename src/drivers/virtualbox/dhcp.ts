import { type Cidr, formatAddress, isHostOf, parseAddress } from './cidr.js';
import { macWithColons } from './identifiers.js';
import type { DhcpServer } from './parse.js';
import type { Dialect } from './version.js';

/** Where the addresses that a DHCP server hands out begin and end, as docker-machine has it. */
const FIRST_HOST = 100;
const LAST_HOST = 254;

export interface DhcpWish {
  /** `HostInterfaceNetworking-NAME`. */
  readonly networkName: string;
  readonly cidr: Cidr;
  readonly isEnabled: boolean;
  /** The machine's host-only card, twelve hexadecimal digits. */
  readonly mac: string;
  /** The address that is to be kept for it; empty: none. */
  readonly lease: string;
}

interface ServerPlan {
  readonly address: string;
  readonly netmask: string;
  readonly lower: string;
  readonly upper: string;
}

/** The server's own address and what it hands out; computed, so that it is the same every time (P14: no permission is asked for anew). */
export function planServer(cidr: Cidr): ServerPlan {
  const netmask = formatAddress(cidr.mask);
  const hosts = cidr.broadcast - cidr.network - 1;
  const own = cidr.network + (cidr.address === cidr.network + 2 ? 3 : 2);
  if (hosts < LAST_HOST) {
    // A narrow network: all that lies above host and server.
    const lower = Math.max(own, cidr.address) + 1;
    return {
      address: formatAddress(own),
      netmask,
      lower: formatAddress(lower < cidr.broadcast ? lower : cidr.network + 1),
      upper: formatAddress(cidr.broadcast - 1),
    };
  }
  return {
    address: formatAddress(own),
    netmask,
    lower: formatAddress(cidr.network + FIRST_HOST),
    upper: formatAddress(cidr.network + LAST_HOST),
  };
}

/** True for a server that hands out addresses of this network already, whoever set it up. */
function suits(server: DhcpServer, cidr: Cidr): boolean {
  const [address, lower, upper] = [server.address, server.lower, server.upper].map(parseAddress);
  return (
    server.isEnabled &&
    parseAddress(server.netmask) === cidr.mask &&
    [address, lower, upper].every((it) => it !== undefined && isHostOf(cidr, it)) &&
    address !== cidr.address
  );
}

/** As `suits`, and the server itself does not sit on the address that was promised to the machine. */
function serves(server: DhcpServer, { cidr, lease }: Pick<DhcpWish, 'cidr' | 'lease'>): boolean {
  return suits(server, cidr) && (lease === '' || parseAddress(server.address) !== parseAddress(lease));
}

/** The address for a machine: the one it has, else the first from .100 on that nobody else has. Empty when all are taken. */
export function chooseLease(
  server: DhcpServer | undefined,
  wish: Pick<DhcpWish, 'cidr' | 'mac' | 'lease'>,
  takenAddresses: readonly string[],
): string {
  const { cidr, mac } = wish;
  const leases = server?.leases ?? [];
  const others = leases.filter((it) => it.mac !== mac.toLowerCase()).map(({ address }) => address);
  const mine = leases.find((it) => it.mac === mac.toLowerCase())?.address ?? wish.lease;
  const plan = server !== undefined && serves(server, wish) ? server : planServer(cidr);
  const [first, last, own] = [plan.lower, plan.upper, plan.address].map((it) => parseAddress(it) ?? 0);
  const isFree = (address: number) =>
    isHostOf(cidr, address) &&
    address !== cidr.address &&
    address !== own &&
    !others.includes(formatAddress(address));
  const kept = parseAddress(mine);
  if (kept !== undefined && isFree(kept)) return mine;
  const taken = new Set(takenAddresses);
  for (let address = first ?? 0; address <= (last ?? -1); address += 1) {
    if (isFree(address) && !taken.has(formatAddress(address))) return formatAddress(address);
  }
  return '';
}

/** The arguments that bring the server there, or undefined when all is as it should be. */
export function dhcpArguments(
  server: DhcpServer | undefined,
  wish: DhcpWish,
  { hasFixedLeases }: Pick<Dialect, 'hasFixedLeases'>,
): readonly string[] | undefined {
  const { networkName, cidr, isEnabled, mac, lease } = wish;
  const option = (name: string) => `--${hasFixedLeases ? name : (OLD_NAMES[name] ?? name)}`;
  const hasLease = server?.leases.some((it) => it.mac === mac.toLowerCase() && it.address === lease) === true;
  const leaseArguments =
    hasFixedLeases && isEnabled && lease !== '' && !hasLease
      ? ['--mac-address', macWithColons(mac), '--fixed-address', lease]
      : [];
  const isRight = server !== undefined && (isEnabled ? serves(server, wish) : !server.isEnabled);
  if (isRight && leaseArguments.length === 0) return undefined;
  const place = ['dhcpserver', server === undefined ? 'add' : 'modify', option('network'), networkName];
  if (isRight) return [...place, ...leaseArguments];
  const plan = planServer(cidr);
  return [
    ...place,
    ...[option('server-ip'), plan.address, '--netmask', plan.netmask],
    ...[option('lower-ip'), plan.lower, option('upper-ip'), plan.upper],
    isEnabled ? '--enable' : '--disable',
    ...leaseArguments,
  ];
}

/** Before 6.1. */
const OLD_NAMES: Readonly<Record<string, string>> = {
  network: 'netname',
  'server-ip': 'ip',
  'lower-ip': 'lowerip',
  'upper-ip': 'upperip',
};

/** Takes the kept address of a machine back. */
export function releaseArguments(networkName: string, mac: string): readonly string[] {
  return [
    'dhcpserver',
    'modify',
    '--network',
    networkName,
    '--mac-address',
    macWithColons(mac),
    '--remove-config',
  ];
}

/** Addresses in VirtualBox's file of dynamic leases (`NETWORK-Dhcpd.leases`, XML). */
export function leasedAddresses(text: string | undefined): string[] {
  return [...(text ?? '').matchAll(/<Address\s+value="([\d.]+)"/g)].map(([, address = '']) => address);
}
