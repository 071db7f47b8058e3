import type { DriverContext, DriverMachine } from '../../core/driver.js';
import { messageOf } from '../../core/errors.js';
import { waitUntil } from '../../core/wait.js';
import { ensureDhcp } from './addresses.js';
import { type Cidr, formatAddress, formatCidr, parseCidr } from './cidr.js';
import { duplicateNameError, HostOnlyUnavailable, rangeError } from './host-only-errors.js';
import { ensureHostOnlyNetwork, type HostOnlyPlace } from './host-only-network.js';
import { allowedRanges, chooseRange, duplicateName, type RangeAnswer } from './host-only-range.js';
import {
  isUnfinished,
  type MadeAdapters,
  readMadeAdapters,
  withAdapter,
  withLeftovers,
  writeMadeAdapters,
} from './made-adapters.js';
import { DEFAULT_CIDR } from './options.js';
import { type HostOnlyInterface, parseHostOnlyInterfaces } from './parse.js';
import { windowsMightAsk } from './permission.js';
import type { VirtualBoxSettings } from './settings.js';
import type { VBoxManageError } from './vboxmanage.js';
import type { Dialect } from './version.js';
import type { Tools } from './virtual-machine.js';

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

async function makeAdapter(
  interfaces: readonly HostOnlyInterface[],
  known: MadeAdapters,
  tools: Tools,
  context: DriverContext,
): Promise<Pick<HostOnlyInterface, 'name' | 'networkName'>> {
  const { vbox, ports } = tools;
  const { reporter } = context;
  const before = interfaces.map(({ name }) => name);
  windowsMightAsk('create a network adapter', ports, context);
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

/** Gives an adapter this computer's address on it, and wakes it. Throws HostOnlyUnavailable. */
export async function setAddress(
  name: string,
  cidr: Cidr,
  tools: Tools,
  context: DriverContext,
): Promise<void> {
  windowsMightAsk('configure a network adapter', tools.ports, context);
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
