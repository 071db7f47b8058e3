import {
  type Cidr,
  cidrOf,
  contains,
  formatCidr,
  overlaps,
  parseAddress,
  parseCidr,
  prefixOf,
} from './cidr.js';
import type { HostOnlyInterface } from './parse.js';
import type { HostAddress } from './ports.js';

/** What VirtualBox allows without a word in networks.conf, since 6.1.28 on Linux and macOS (P15). */
const USUAL_RANGE = '192.168.56.0/21';
/** Old versions on Windows told this mask for an adapter whose address was lost (contract: create-flow.md section 5). */
const BUGGY_MASKS = new Set(['15.0.0.0', '0f000000']);

export interface RangeQuestion {
  readonly wanted: Cidr;
  /** Nobody asked for `wanted` in particular: another one serves as well. */
  readonly mayMove: boolean;
  readonly interfaces: readonly HostOnlyInterface[];
  readonly hostAddresses: readonly HostAddress[];
  /** Undefined: any. */
  readonly allowed: readonly Cidr[] | undefined;
}

export type RangeAnswer =
  | { readonly kind: 'adapter'; readonly cidr: Cidr; readonly adapter: HostOnlyInterface }
  | { readonly kind: 'free'; readonly cidr: Cidr }
  | { readonly kind: 'denied' | 'conflict' | 'duplicate'; readonly detail: string };

/**
 * Which host-only network a machine gets. The wanted one, if VirtualBox allows it and no other network of this computer has it; else, where it
 * may move, that of an adapter which is there already, or the first free one. Adapters are reused, never multiplied.
 */
export function chooseRange(question: RangeQuestion): RangeAnswer {
  const { wanted, mayMove, interfaces } = question;
  const problem = problemOf(wanted, question);
  if (problem === undefined) {
    const adapter = interfaces.find((it) => hasAddress(it, wanted));
    return adapter === undefined
      ? { kind: 'free', cidr: wanted }
      : { kind: 'adapter', cidr: wanted, adapter };
  }
  if (!mayMove) return problem;
  for (const adapter of interfaces) {
    const cidr = cidrOfInterface(adapter);
    if (cidr?.prefix === 24 && problemOf(cidr, question) === undefined)
      return { kind: 'adapter', cidr, adapter };
  }
  const free = candidates(question.allowed).find(
    (cidr) =>
      problemOf(cidr, question) === undefined &&
      !interfaces.some((it) => {
        const other = cidrOfInterface(it);
        return other !== undefined && overlaps(other, cidr);
      }),
  );
  return free === undefined ? problem : { kind: 'free', cidr: free };
}

type Problem = Extract<RangeAnswer, { detail: string }>;

function problemOf(cidr: Cidr, question: RangeQuestion): Problem | undefined {
  const { allowed, interfaces, hostAddresses } = question;
  if (allowed !== undefined && !allowed.some((range) => contains(range, cidr))) {
    return { kind: 'denied', detail: formatCidr(cidr) };
  }
  const names = new Set(interfaces.map(({ name }) => name));
  const other = hostAddresses.find((it) => {
    if (it.isInternal || names.has(it.interfaceName)) return false;
    const address = parseAddress(it.address);
    const prefix = prefixOf(it.netmask);
    if (address === undefined || prefix === undefined) return false;
    // Windows shows host-only adapters under the names of connections: they are known by their address.
    if (interfaces.some((adapter) => adapter.address === it.address)) return false;
    return overlaps(cidrOf(address, prefix), cidr);
  });
  if (other !== undefined) return { kind: 'conflict', detail: `${other.interfaceName} has ${other.address}` };
  const [first, second] = interfaces.filter((it) => it.address === formatCidr(cidr).split('/')[0]);
  if (first !== undefined && second !== undefined) return { kind: 'duplicate', detail: first.address };
  return undefined;
}

/** True when the adapter has this very address, with its mask or the one that an old bug shows in its place. */
export function hasAddress(adapter: HostOnlyInterface, cidr: Cidr): boolean {
  if (parseAddress(adapter.address) !== cidr.address) return false;
  return prefixOf(adapter.netmask) === cidr.prefix || BUGGY_MASKS.has(adapter.netmask);
}

function cidrOfInterface(adapter: HostOnlyInterface): Cidr | undefined {
  const address = parseAddress(adapter.address);
  const prefix = prefixOf(adapter.netmask);
  return address === undefined || address === 0 || prefix === undefined ? undefined : cidrOf(address, prefix);
}

/** Networks of 256 addresses with the host at .1, in the order of preference. */
function candidates(allowed: readonly Cidr[] | undefined): Cidr[] {
  const third = [...range(56, 63), ...range(100, 120)];
  const usual = third.flatMap((it) => parseCidr(`192.168.${it}.1/24`) ?? []);
  // Where networks.conf allows something else altogether, the first network of each of its ranges.
  const own = (allowed ?? [])
    .filter(({ prefix }) => prefix <= 24)
    .map(({ network }) => cidrOf(network + 1, 24));
  return [...usual, ...own];
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/**
 * What networks.conf allows: lines `* 10.0.0.0/8 fd00::/8`; `#` begins a comment. A file without such a line changes nothing
 * (VirtualBox manual, section 6.7). `text` undefined: there is no file.
 */
export function allowedRanges(text: string | undefined): readonly Cidr[] {
  const lines = (text ?? '').split('\n').map((line) => line.replace(/#.*/, '').trim());
  const ranges = lines
    .filter((line) => line.startsWith('*'))
    .flatMap((line) => line.slice(1).trim().split(/\s+/))
    .flatMap((it) => parseCidr(it) ?? []);
  if (ranges.length > 0) return ranges;
  const usual = parseCidr(USUAL_RANGE);
  return usual === undefined ? [] : [usual];
}

/** Two adapters with one name: nothing tells which is meant (contract: create-flow.md section 3). */
export function duplicateName(interfaces: readonly HostOnlyInterface[]): string | undefined {
  const seen = new Set<string>();
  for (const { name } of interfaces) {
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}
