import { join, win32 } from 'node:path';
import type { DriverContext, DriverMachine } from '../../core/driver.js';
import { HostNotReadyError, messageOf } from '../../core/errors.js';
import type { HostFacts } from '../../core/ports.js';
import { waitUntil } from '../../core/wait.js';
import { type Cidr, formatAddress, formatCidr, parseCidr } from './cidr.js';
import { chooseLease, dhcpArguments, leasedAddresses } from './dhcp.js';
import { ensureHostOnlyNetwork, type HostOnlyPlace } from './host-only-network.js';
import {
  allowedRanges,
  chooseRange,
  duplicateName,
  hasAddress,
  type RangeAnswer,
} from './host-only-range.js';
import { newMac } from './identifiers.js';
import {
  type MadeAdapters,
  promisedToOthers,
  readMadeAdapters,
  withAdapter,
  withLeftovers,
  withPromise,
  writeMadeAdapters,
} from './made-adapters.js';
import { DEFAULT_CIDR } from './options.js';
import {
  type DhcpServer,
  type HostOnlyInterface,
  parseDhcpServers,
  parseHostOnlyInterfaces,
} from './parse.js';
import type { VirtualBoxPorts } from './ports.js';
import type { VirtualBoxSettings } from './settings.js';
import type { VBoxManageError } from './vboxmanage.js';
import type { Dialect } from './version.js';
import type { Tools } from './virtual-machine.js';

/** No host-only network is to be had; the machine can do without (P14). */
export class HostOnlyUnavailable extends HostNotReadyError {}

const PERMISSION = (what: string) =>
  `Windows might ask for the permission to ${what}. Sometimes, such confirmation window is minimized in the taskbar.`;
/** The contract's wait for a new adapter: 10 looks, a second apart. */
const APPEAR_MS = 10_000;
const LOOK_EVERY_MS = 1_000;
/** Windows installs a driver for each new adapter, and may ask the user first. */
const CREATE_MS = 300_000;
const NETWORKS_CONF = '/etc/vbox/networks.conf';

/**
 * The host-only network of a machine that is about to start: found or made, with its DHCP server and the address kept for the machine. Prints the
 * contract's lines 16 to 19 where such a call is made. `connect` puts the machine on it, still under the lock: until then nobody could see that the
 * adapter is used. Throws HostOnlyUnavailable, VBoxManageError.
 */
export async function withHostOnly<T>(
  machine: DriverMachine,
  settings: VirtualBoxSettings,
  tools: Tools,
  context: DriverContext,
  connect: (place: HostOnlyPlace) => Promise<T>,
): Promise<T> {
  const dialect = await tools.vbox.dialect(context.signal);
  const waitLine = (holder: string) =>
    context.reporter.debug(`waiting for ${holder}, which is working on host-only networks`);
  return tools.ports.hostOnlyLock({ signal: context.signal, onWait: waitLine }, async () => {
    if (dialect.hostOnly === 'network') {
      return connect(await ensureHostOnlyNetwork(settings, tools, context));
    }
    const interfaces = await listHostOnlyInterfaces(tools, context);
    const { cidr, adapter } = await ensureAdapter(settings, interfaces, dialect, tools, context);
    const lease = await ensureDhcp(machine, settings, { cidr, ...adapter }, dialect, tools, context);
    context.reporter.debug(
      `"${machine.name}" uses ${adapter.name}, ${formatCidr(cidr)}, ${lease || 'any address'}`,
    );
    return connect({ adapter: adapter.name, cidr: formatCidr(cidr), lease });
  });
}

export async function listHostOnlyInterfaces(
  { vbox }: Pick<Tools, 'vbox'>,
  context: DriverContext,
): Promise<HostOnlyInterface[]> {
  const call = { args: ['list', 'hostonlyifs'], purpose: 'looking for host-only adapters', isQuestion: true };
  return parseHostOnlyInterfaces(await vbox.run(call, context));
}

/** Which range the machine gets, before anything is changed. */
export async function answerRange(
  settings: Pick<VirtualBoxSettings, 'hostOnlyCidr'>,
  interfaces: readonly HostOnlyInterface[],
  dialect: Pick<Dialect, 'limitsHostOnlyRange'>,
  { ports }: Pick<Tools, 'ports'>,
): Promise<RangeAnswer> {
  const wanted = parseCidr(settings.hostOnlyCidr);
  if (wanted === undefined) return { kind: 'denied', detail: settings.hostOnlyCidr };
  return chooseRange({
    wanted,
    mayMove: settings.hostOnlyCidr === DEFAULT_CIDR,
    interfaces,
    hostAddresses: ports.hostAddresses(),
    allowed: dialect.limitsHostOnlyRange
      ? allowedRanges(await ports.readSystemFile(NETWORKS_CONF))
      : undefined,
  });
}

async function ensureAdapter(
  settings: VirtualBoxSettings,
  interfaces: readonly HostOnlyInterface[],
  dialect: Dialect,
  tools: Tools,
  context: DriverContext,
): Promise<{ readonly cidr: Cidr; readonly adapter: Pick<HostOnlyInterface, 'name' | 'networkName'> }> {
  const { ports } = tools;
  const known = withLeftovers(
    await readMadeAdapters(ports),
    interfaces.map(({ name }) => name),
  );
  const twice = duplicateName(interfaces);
  if (twice !== undefined) throw duplicateNameError(twice);
  const spare = interfaces.find(({ name }) => isUnfinished(known, name));
  const settled = interfaces.filter((it) => it !== spare);
  const answer = await answerRange(settings, settled, dialect, tools);
  if (answer.kind === 'adapter') {
    // After a reboot, and before its first use, VirtualBox tells the address that the adapter is to have, and the system has not set it yet.
    const isAsleep = /^down$/i.test(answer.adapter.status) && ports.facts.platform !== 'win32';
    if (isAsleep) await setAddress(answer.adapter.name, answer.cidr, tools, context);
    return answer;
  }
  if (answer.kind !== 'free') throw rangeError(answer, settings.hostOnlyCidr);
  const adapter = spare ?? (await makeAdapter(interfaces, known, tools, context));
  await writeMadeAdapters(withAdapter(known, adapter.name, ''), ports);
  await setAddress(adapter.name, answer.cidr, tools, context);
  await writeMadeAdapters(withAdapter(known, adapter.name, formatCidr(answer.cidr)), ports);
  return { cidr: answer.cidr, adapter };
}

/** An adapter whose making was cut off has whatever address VirtualBox gave it: it stands for nothing yet. */
function isUnfinished({ made }: MadeAdapters, name: string): boolean {
  return made.get(name) === '';
}

async function makeAdapter(
  interfaces: readonly HostOnlyInterface[],
  known: MadeAdapters,
  tools: Tools,
  context: DriverContext,
): Promise<Pick<HostOnlyInterface, 'name' | 'networkName'>> {
  const { vbox, ports } = tools;
  const { reporter } = context;
  const before = interfaces.map(({ name }) => name);
  if (ports.facts.platform === 'win32') reporter.step(PERMISSION('create a network adapter'));
  await writeMadeAdapters({ ...known, before }, ports);
  const call = {
    args: ['hostonlyif', 'create'],
    purpose: 'making a host-only adapter',
    timeoutMs: CREATE_MS,
  };
  const answer = await vbox.attempt(call, context);
  if (!answer.ok) {
    const { error } = answer;
    // Nothing in the system can make one: there is nothing to recover from.
    if (error.code === 'VBOX_NETCTL' || error.code === 'VBOX_HOSTONLY_UNSUPPORTED') throw unavailable(error);
    reporter.step(`Creating a new host-only adapter produced an error: ${error.reason ?? messageOf(error)}`);
    reporter.step("This is a known VirtualBox bug. Let's try to recover anyway...");
  }
  const named = answer.ok ? /Interface '(.+)' was successfully created/.exec(answer.stdout)?.[1] : undefined;
  const adapter =
    named === undefined
      ? await newInterface(before, tools, context)
      : { name: named, networkName: `HostInterfaceNetworking-${named}` };
  reporter.step(`Found a new host-only adapter: "${adapter.name}"`);
  return adapter;
}

/** VirtualBox did not say which: the one that was not there before. */
async function newInterface(
  before: readonly string[],
  tools: Tools,
  context: DriverContext,
): Promise<HostOnlyInterface> {
  const limits = {
    everyMs: LOOK_EVERY_MS,
    withinMs: APPEAR_MS,
    clock: tools.ports.clock,
    signal: context.signal,
  };
  try {
    return await waitUntil(
      'the new host-only adapter',
      async () => {
        const interfaces = await listHostOnlyInterfaces(tools, context);
        const added = interfaces.find(({ name }) => !before.includes(name));
        return added === undefined ? { done: false, seen: 'no new one' } : { done: true, value: added };
      },
      limits,
    );
  } catch (error) {
    if (context.signal.aborted) throw error;
    throw new HostOnlyUnavailable({
      code: 'VBOX_ADAPTER_INVISIBLE',
      verbatim: true,
      message:
        'The host-only adapter we just created is not visible. This is a well known VirtualBox bug. You might want to uninstall it and reinstall at least version 5.0.12 that is is supposed to fix this issue',
      reason: 'VirtualBox was asked to make an adapter, and lists none that is new',
      nextSteps: ['or do without it:  tmachine create --virtualbox-network nat NAME'],
      cause: error,
    });
  }
}

async function setAddress(name: string, cidr: Cidr, tools: Tools, context: DriverContext): Promise<void> {
  if (tools.ports.facts.platform === 'win32')
    context.reporter.step(PERMISSION('configure a network adapter'));
  const answer = await tools.vbox.attempt(
    {
      args: [
        ...['hostonlyif', 'ipconfig', name],
        ...['--ip', formatAddress(cidr.address), '--netmask', formatAddress(cidr.mask)],
      ],
      purpose: `giving the host-only adapter "${name}" its address`,
      timeoutMs: CREATE_MS,
    },
    context,
  );
  if (!answer.ok) throw unavailable(answer.error);
}

/** A failure that NAT gets around. */
function unavailable(error: VBoxManageError): HostOnlyUnavailable {
  return new HostOnlyUnavailable({
    code: error.code,
    message: error.message,
    reason: error.reason,
    nextSteps: error.nextSteps,
    cause: error,
  });
}

async function ensureDhcp(
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
  if (ports.facts.platform === 'win32') context.reporter.step(PERMISSION('configure a dhcp server'));
  await vbox.run({ args, purpose: 'setting up the DHCP server of the host-only network' }, context);
  return lease;
}

async function findDhcpServer(
  networkName: string,
  { vbox }: Pick<Tools, 'vbox'>,
  context: DriverContext,
): Promise<DhcpServer | undefined> {
  const call = { args: ['list', 'dhcpservers'], purpose: 'looking for DHCP servers', isQuestion: true };
  const servers = parseDhcpServers(await vbox.run(call, context));
  return servers.find((it) => it.networkName === networkName);
}

/** Given out for a while, or promised to machines that have not started yet. */
async function takenAddresses(
  machine: DriverMachine,
  networkName: string,
  known: MadeAdapters,
  ports: VirtualBoxPorts,
): Promise<string[]> {
  const dynamic = leasedAddresses(await ports.readSystemFile(leaseFile(networkName, ports.facts)));
  return [...dynamic, ...promisedToOthers(known, machine.name)];
}

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

/** Where VirtualBox's DHCP server keeps its dynamic leases. */
export function leaseFile(networkName: string, { platform, env, homeDirectory }: HostFacts): string {
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

/** In the contract's words. */
export function duplicateNameError(name: string): HostOnlyUnavailable {
  return new HostOnlyUnavailable({
    code: 'VBOX_ADAPTER_DUPLICATE',
    verbatim: true,
    message: `VirtualBox is configured with multiple host-only adapters with the same name "${name}". Please remove one`,
    reason: `VirtualBox has two host-only adapters of the name "${name}", and nothing tells which is meant`,
    nextSteps: ['remove one in the network settings of VirtualBox or of Windows'],
  });
}

/** Why a range cannot be used, in the contract's words where it has some. */
export function rangeError(
  answer: Extract<RangeAnswer, { detail: string }>,
  wanted: string,
): HostOnlyUnavailable {
  switch (answer.kind) {
    case 'conflict':
      return new HostOnlyUnavailable({
        code: 'VBOX_CIDR_CONFLICT',
        verbatim: true,
        message: 'host-only cidr conflicts with the network address of a host interface',
        reason: `${answer.detail}, which lies in ${wanted}`,
        nextSteps: [
          'choose another range:  tmachine create --virtualbox-hostonly-cidr 192.168.60.1/24 NAME',
          'or do without:  tmachine create --virtualbox-network nat NAME',
        ],
      });
    case 'duplicate':
      return new HostOnlyUnavailable({
        code: 'VBOX_ADAPTER_DUPLICATE',
        verbatim: true,
        message: `VirtualBox is configured with multiple host-only adapters with the same IP "${answer.detail}". Please remove one`,
        reason: 'nothing tells which of them is meant',
        nextSteps: [
          'see them with: VBoxManage list hostonlyifs',
          'remove one with: VBoxManage hostonlyif remove NAME',
        ],
      });
    case 'denied':
      return new HostOnlyUnavailable({
        code: 'VBOX_RANGE_DENIED',
        message: `VirtualBox does not allow the host-only network ${wanted}`,
        reason: `since 6.1.28 it allows 192.168.56.0/21 and what ${NETWORKS_CONF} says`,
        nextSteps: [
          `allow it: add this line to ${NETWORKS_CONF}:  * ${networkOf(wanted)}`,
          'or take an allowed one:  tmachine create --virtualbox-hostonly-cidr 192.168.56.1/24 NAME',
        ],
      });
  }
}

function networkOf(cidr: string): string {
  const parsed = parseCidr(cidr);
  return parsed === undefined ? cidr : formatCidr({ address: parsed.network, prefix: parsed.prefix });
}

/**
 * A host-only adapter may lose its address when a machine starts on it (P14): then the machine is stopped, the adapter repaired and the machine
 * started again by `restart`. Prints the contract's line 20x.
 */
export async function repairIfCorrupted(
  place: HostOnlyPlace,
  tools: Tools,
  context: DriverContext,
  again: { stop(): Promise<void>; start(): Promise<void> },
): Promise<void> {
  const cidr = parseCidr(place.cidr);
  const interfaces = await listHostOnlyInterfaces(tools, context);
  const adapter = interfaces.find(({ name }) => name === place.adapter);
  if (cidr === undefined || adapter === undefined || hasAddress(adapter, cidr)) return;
  context.reporter.step(
    "The host-only adapter is corrupted. Let's stop the VM, fix the host-only adapter and restart the VM",
  );
  await again.stop();
  await tools.ports.clock.sleep(REPAIR_PAUSE_MS, context.signal);
  await setAddress(place.adapter, cidr, tools, context);
  await tools.ports.clock.sleep(REPAIR_PAUSE_MS, context.signal);
  await again.start();
}

/** docker-machine's own pause: Windows takes so long to settle an adapter. */
const REPAIR_PAUSE_MS = 5_000;
