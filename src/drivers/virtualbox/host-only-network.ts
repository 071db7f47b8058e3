import type { DriverContext } from '../../core/driver.js';
import { type Cidr, formatAddress, parseAddress, parseCidr, prefixOf } from './cidr.js';
import { DEFAULT_CIDR } from './options.js';
import { type HostOnlyNetwork, parseHostOnlyNetworks } from './parse.js';
import type { VirtualBoxSettings } from './settings.js';
import type { Tools } from './virtual-machine.js';

/** What a machine's second card is connected to. */
export interface HostOnlyPlace {
  readonly adapter: string;
  /** `192.168.99.1/24`: this computer's address there. */
  readonly cidr: string;
  /** The address that is kept for the machine; empty: it gets any. */
  readonly lease: string;
}

/** Of the networks that we make. */
const NAME = 'tmachine';

/**
 * The host-only network of macOS since VirtualBox 7 (P16): one that begins with the wanted address is used, else, where none was asked for, ours, else
 * one is made: ours, or one named after the range that was asked for. The system's own DHCP serves it, so no address can be kept for a machine. Runs under the host-only lock. Throws VBoxManageError.
 */
export async function ensureHostOnlyNetwork(
  settings: VirtualBoxSettings,
  { vbox }: Pick<Tools, 'vbox'>,
  context: DriverContext,
): Promise<HostOnlyPlace> {
  const call = {
    args: ['list', 'hostonlynets'],
    purpose: 'looking for host-only networks',
    isQuestion: true,
  };
  const networks = parseHostOnlyNetworks(await vbox.run(call, context));
  const wanted = parseCidr(settings.hostOnlyCidr);
  const isAsked = settings.hostOnlyCidr !== DEFAULT_CIDR;
  const enabled = networks.filter((it) => it.isEnabled);
  const existing =
    enabled.find((it) => isAt(it, wanted)) ?? (isAsked ? undefined : enabled.find((it) => it.name === NAME));
  if (existing !== undefined) return placeOf(existing);
  // 192.168.56.0/21 is always allowed: docker-machine's own default is not, since 6.1.28 (P15).
  const cidr = isAsked ? wanted : parseCidr('192.168.56.1/24');
  const { address, mask, broadcast } = cidr ?? { address: 0, mask: 0, broadcast: 0 };
  const made: HostOnlyNetwork = {
    name: isAsked ? `${NAME}-${formatAddress(address)}` : NAME,
    isEnabled: true,
    netmask: formatAddress(mask),
    lower: formatAddress(address),
    upper: formatAddress(broadcast - 1),
  };
  await vbox.run(
    {
      args: [
        ...['hostonlynet', 'add', '--name', made.name, '--netmask', made.netmask],
        ...['--lower-ip', made.lower, '--upper-ip', made.upper, '--enable'],
      ],
      purpose: 'making a host-only network',
    },
    context,
  );
  context.reporter.step(`Found a new host-only adapter: "${made.name}"`);
  return placeOf(made);
}

/** True when this computer's address there, and the network's size, are the wanted ones. */
function isAt({ lower, netmask }: HostOnlyNetwork, wanted: Cidr | undefined): boolean {
  return parseAddress(lower) === wanted?.address && prefixOf(netmask) === wanted?.prefix;
}

/** This computer has the lowest address. */
function placeOf({ name, lower, netmask }: HostOnlyNetwork): HostOnlyPlace {
  return { adapter: name, cidr: `${lower}/${prefixOf(netmask) ?? 24}`, lease: '' };
}
