/** An IP address as a number. An IPv4 address inside IPv6 (`::ffff:10.0.0.1`) is the IPv4 address. */
export interface IpAddress {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** Reads `10.0.0.1`, `fe80::1`, `[fe80::1]` and `fe80::1%eth0`; undefined for anything else. */
export function parseIpAddress(text: string): IpAddress | undefined {
  const bare = text.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '');
  return bare.includes(':') ? parseIpv6(bare) : parseIpv4(bare);
}

/** True when `address` lies in `range`, written as `10.0.0.0/8` or `fd00::/8`; false for a malformed range. */
export function isInRange(address: IpAddress, range: string): boolean {
  const slash = range.indexOf('/');
  const prefix = range.slice(slash + 1);
  const network = slash < 0 ? undefined : parseIpAddress(range.slice(0, slash));
  if (network === undefined || network.bits !== address.bits || !/^\d{1,3}$/.test(prefix)) return false;
  const hostBits = network.bits - Number(prefix);
  if (hostBits < 0) return false;
  return address.value >> BigInt(hostBits) === network.value >> BigInt(hostBits);
}

/** True for 127.0.0.0/8 and ::1. */
export function isLoopback(address: IpAddress): boolean {
  return address.bits === 32 ? address.value >> 24n === 127n : address.value === 1n;
}

function parseIpv4(text: string): IpAddress | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255))
    return undefined;
  return { bits: 32, value: parts.reduce((value, part) => value * 256n + BigInt(part), 0n) };
}

function parseIpv6(text: string): IpAddress | undefined {
  const withGroups = lastGroupsFromIpv4(text);
  if (withGroups === undefined) return undefined;
  const halves = withGroups.split('::');
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0]);
  const tail = groupsOf(halves[1]);
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array<string>(missing).fill('0'), ...tail];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  const value = groups.reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n);
  return value >> 32n === 0xffffn ? { bits: 32, value: value & 0xffffffffn } : { bits: 128, value };
}

function groupsOf(half: string | undefined): string[] {
  return half === undefined || half === '' ? [] : half.split(':');
}

/** `::ffff:10.0.0.1` to `::ffff:a00:1`; undefined when the dotted part is no address. */
function lastGroupsFromIpv4(text: string): string | undefined {
  const dotted = /^(.*:)([^:]*\..*)$/.exec(text);
  if (dotted === null) return text;
  const ipv4 = parseIpv4(dotted[2] ?? '');
  if (ipv4 === undefined) return undefined;
  return `${dotted[1]}${(ipv4.value >> 16n).toString(16)}:${(ipv4.value & 0xffffn).toString(16)}`;
}
