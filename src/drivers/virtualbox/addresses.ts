import { join, win32 } from 'node:path';
import type { DriverContext, DriverMachine } from '../../core/driver.js';
import type { HostFacts } from '../../core/ports.js';
import type { Cidr } from './cidr.js';
import { chooseLease, dhcpArguments, leasedAddresses } from './dhcp.js';
import { type MadeAdapters, promisedToOthers, readMadeAdapters } from './made-adapters.js';
import { type DhcpServer, parseDhcpServers } from './parse.js';
import { windowsMightAsk } from './permission.js';
import type { VirtualBoxPorts } from './ports.js';
import type { VirtualBoxSettings } from './settings.js';
import type { Dialect } from './version.js';
import type { Tools } from './virtual-machine.js';

/**
 * The DHCP server of the network, set right where it is not, and the address that it keeps for the machine (empty: none). Prints the contract's line 19 where
 * it is changed. Runs under the host-only lock. Throws VBoxManageError.
 */
export async function ensureDhcp(
  machine: DriverMachine,
  settings: VirtualBoxSettings,
  { cidr, networkName }: { readonly cidr: Cidr; readonly networkName: string },
  dialect: Dialect,
  tools: Tools,
  context: DriverContext,
): Promise<string> {
  const { vbox, ports } = tools;
  const server = await findDhcpServer(networkName, tools, context);
  const { hostOnlyMac: mac } = settings;
  const keepsAddress = dialect.hasFixedLeases && !settings.noDhcp && mac !== '';
  const taken = await takenAddresses(machine, networkName, await readMadeAdapters(ports), ports);
  const lease = keepsAddress ? chooseLease(server, { cidr, mac, lease: settings.lease }, taken) : '';
  const wish = { networkName, cidr, isEnabled: !settings.noDhcp, mac, lease };
  const args = settings.noDhcp && server === undefined ? undefined : dhcpArguments(server, wish, dialect);
  if (args === undefined) return lease;
  windowsMightAsk('configure a dhcp server', ports, context);
  await vbox.run({ args, purpose: 'setting up the DHCP server of the host-only network' }, context);
  return lease;
}

/** The server of a network, or undefined. */
export async function findDhcpServer(
  networkName: string,
  { vbox }: Pick<Tools, 'vbox'>,
  context: DriverContext,
): Promise<DhcpServer | undefined> {
  const call = { args: ['list', 'dhcpservers'], purpose: 'looking for DHCP servers', isQuestion: true };
  const servers = parseDhcpServers(await vbox.run(call, context));
  return servers.find((it) => it.networkName === networkName);
}

/** Given out for a while, or promised to machines that have not started yet. */
export async function takenAddresses(
  machine: DriverMachine,
  networkName: string,
  known: MadeAdapters,
  ports: VirtualBoxPorts,
): Promise<string[]> {
  const dynamic = leasedAddresses(await ports.readSystemFile(leaseFile(networkName, ports.facts)));
  return [...dynamic, ...promisedToOthers(known, machine.name)];
}

/** Where VirtualBox's DHCP server keeps its dynamic leases. */
function leaseFile(networkName: string, { platform, env, homeDirectory }: HostFacts): string {
  const file = `${networkName}-Dhcpd.leases`;
  const own = env['VBOX_USER_HOME'];
  if (own !== undefined && own !== '') return platform === 'win32' ? win32.join(own, file) : join(own, file);
  switch (platform) {
    case 'linux':
      return join(env['XDG_CONFIG_HOME'] || join(homeDirectory, '.config'), 'VirtualBox', file);
    case 'darwin':
      return join(homeDirectory, 'Library', 'VirtualBox', file);
    case 'win32':
      return win32.join(homeDirectory, '.VirtualBox', file);
  }
}
