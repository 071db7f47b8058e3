import type { DriverContext, DriverMachine } from '../../core/driver.js';
import { findDhcpServer, takenAddresses } from './addresses.js';
import type { Cidr } from './cidr.js';
import { chooseLease } from './dhcp.js';
import { duplicateName } from './host-only-range.js';
import { newMac } from './identifiers.js';
import {
  isUnfinished,
  readMadeAdapters,
  withLeftovers,
  withPromise,
  writeMadeAdapters,
} from './made-adapters.js';
import { answerRange, listHostOnlyInterfaces } from './network.js';
import type { VirtualBoxSettings } from './settings.js';
import type { Tools } from './virtual-machine.js';

/**
 * The address that a new machine will have, for its disk: of the network that `withHostOnly` will find or make. It is promised to the machine until it is
 * removed. Undefined where no network can be had, or none that keeps addresses. Throws VBoxManageError.
 */
export async function promiseAddress(
  machine: DriverMachine,
  settings: VirtualBoxSettings,
  tools: Tools,
  context: DriverContext,
): Promise<{ readonly cidr: Cidr; readonly address: string; readonly mac: string } | undefined> {
  const { ports } = tools;
  const dialect = await tools.vbox.dialect(context.signal);
  if (dialect.hostOnly === 'network' || !dialect.hasFixedLeases) return undefined;
  return ports.hostOnlyLock({ signal: context.signal }, async () => {
    const interfaces = await listHostOnlyInterfaces(tools, context);
    const names = interfaces.map(({ name }) => name);
    const known = withLeftovers(await readMadeAdapters(ports), names);
    const finished = interfaces.filter(({ name }) => !isUnfinished(known, name));
    const answer = await answerRange(settings, finished, dialect, tools);
    if ('detail' in answer || duplicateName(interfaces) !== undefined) return undefined;
    const { cidr } = answer;
    const networkName = answer.kind === 'adapter' ? answer.adapter.networkName : '';
    const server = networkName === '' ? undefined : await findDhcpServer(networkName, tools, context);
    const mac = settings.hostOnlyMac || newMac(ports.random);
    const wish = { cidr, mac, lease: known.promised.get(machine.name) ?? settings.lease };
    const address = chooseLease(server, wish, await takenAddresses(machine, networkName, known, ports));
    if (address === '') return undefined;
    const { promised } = withPromise(known, machine.name, address);
    await writeMadeAdapters({ ...(await readMadeAdapters(ports)), promised }, ports);
    return { cidr, address, mac };
  });
}
