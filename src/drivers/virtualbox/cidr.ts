/** An IPv4 network as seen from one of its hosts; addresses are numbers of 32 bits. */
export interface Cidr {
  readonly address: number;
  /** 0 to 32. */
  readonly prefix: number;
  readonly mask: number;
  readonly network: number;
  readonly broadcast: number;
}

/** Reads `192.168.99.1/24`; undefined for anything else. */
export function parseCidr(text: string): Cidr | undefined {
  const [, host = '', prefixText = ''] = /^([\d.]+)\/(\d{1,2})$/.exec(text) ?? [];
  const address = parseAddress(host);
  const prefix = Number(prefixText);
  return address === undefined || prefixText === '' || prefix > 32 ? undefined : cidrOf(address, prefix);
}

/** The network of a host with this prefix length. */
export function cidrOf(address: number, prefix: number): Cidr {
  const mask = prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0;
  const network = (address & mask) >>> 0;
  return { address, prefix, mask, network, broadcast: (network | ~mask) >>> 0 };
}

/** Reads a dotted IPv4 address; undefined for anything else. */
export function parseAddress(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((it) => /^\d{1,3}$/.test(it) && Number(it) <= 255)) return undefined;
  return parts.reduce((value, part) => value * 256 + Number(part), 0);
}

/** The prefix length of a mask in dotted form, or in the hexadecimal one of old VirtualBox versions; undefined when it is none. */
export function prefixOf(mask: string): number | undefined {
  const value = /^[0-9a-f]{8}$/i.test(mask) ? Number.parseInt(mask, 16) : parseAddress(mask);
  if (value === undefined) return undefined;
  const prefix = Math.clz32(~value >>> 0);
  return cidrOf(0, prefix).mask === value >>> 0 ? prefix : undefined;
}

/** Dotted form. */
export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}

/** `192.168.99.1/24`. */
export function formatCidr({ address, prefix }: Pick<Cidr, 'address' | 'prefix'>): string {
  return `${formatAddress(address)}/${prefix}`;
}

/** The whole network: `192.168.99.0/24`. */
export function networkOf({ network, prefix }: Cidr): string {
  return formatCidr({ address: network, prefix });
}

/** True when the two networks have an address in common. */
export function overlaps(one: Cidr, other: Cidr): boolean {
  return one.network <= other.broadcast && other.network <= one.broadcast;
}

/** True when `inner` lies wholly in `outer`. */
export function contains(outer: Cidr, inner: Cidr): boolean {
  return outer.network <= inner.network && inner.broadcast <= outer.broadcast;
}

/** True for an address that a host of this network may have. */
export function isHostOf(cidr: Cidr, address: number): boolean {
  return address > cidr.network && address < cidr.broadcast;
}
