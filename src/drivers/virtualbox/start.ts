import { join } from 'node:path';
import type { DriverContext, DriverMachine } from '../../core/driver.js';
import { throwIfInterrupted, WrongStateError } from '../../core/errors.js';
import { preparePrivateConsole } from './console.js';
import { HostOnlyUnavailable } from './host-only-errors.js';
import type { HostOnlyPlace } from './host-only-network.js';
import {
  forwardOptions,
  forwardsOf,
  GUEST_ENGINE_PORT,
  withForwardsOf,
  withFreePorts,
} from './host-ports.js';
import { knownFailure } from './known-failures.js';
import { withHostOnly } from './network.js';
import { repairIfCorrupted } from './repair-adapter.js';
import { type VirtualBoxSettings, withBase } from './settings.js';
import { checkLogAfterStart, startFailure } from './start-log.js';
import { crashed, powerOff, resume, settled } from './stop.js';
import { VBoxManageError } from './vboxmanage.js';
import { optionName } from './version.js';
import { machineState, type Tools, type VirtualMachine } from './virtual-machine.js';

/** The machine's own process has to come up; behind a virus scanner that takes long. */
const START_MS = 300_000;

/** What is known of the virtual machine before it starts. */
type Resting = Pick<
  VirtualMachine,
  'uuid' | 'forwards' | 'hostOnlyAdapter' | 'hostOnlyMac' | 'logDirectory'
> & {
  readonly hasSavedState: boolean;
};

/**
 * Boots the machine, lets a paused or saved one go on, or joins one that runs. Prints the contract's lines 15 to 19. Without a host-only network it goes on
 * with NAT, and says so. Returns the settings with ports and network of this start. Throws TmachineError with what VirtualBox said.
 */
export async function startVirtualMachine(
  machine: DriverMachine,
  settings: VirtualBoxSettings,
  tools: Tools,
  context: DriverContext,
): Promise<VirtualBoxSettings> {
  throwIfInterrupted(context.signal);
  if (settings.isNew) {
    const resting = {
      ...settings,
      forwards: forwardsOf(settings),
      hostOnlyAdapter: '',
      logDirectory: join(machine.directory, machine.name, 'Logs'),
      hasSavedState: false,
    };
    try {
      return await bootFromOff(machine, settings, resting, tools, context);
    } catch (error) {
      // Somebody started it meanwhile, in the window of VirtualBox: then it is looked at as any other.
      if (!(error instanceof VBoxManageError) || error.code !== 'VBOX_LOCKED') throw error;
    }
  }
  const found = await settled(machine, settings, tools, context);
  const known = withFound(settings, found);
  switch (machineState(found.word)) {
    case 'running':
      return withForwardsOf(known, found.forwards);
    case 'paused':
      await resume(found.uuid, tools, context);
      return withForwardsOf(known, found.forwards);
    case 'error':
      throw crashed(machine);
    case 'saved':
      return bootFromSaved(machine, known, { ...found, hasSavedState: true }, tools, context);
    case 'stopped':
      return bootFromOff(machine, known, { ...found, hasSavedState: false }, tools, context);
    default:
      throw new WrongStateError({
        code: 'VBOX_STATE_UNKNOWN',
        message: `Machine "${machine.name}" cannot be started: nothing tells whether it runs`,
        reason: `VirtualBox says "${found.word}", which this release does not know`,
        nextSteps: [
          'see it in the window of VirtualBox, and wait until it has come to an end there',
          `or switch it off: tmachine kill ${machine.name}`,
        ],
      });
  }
}

/** What the record does not know of a machine that docker-machine made. */
function withFound(settings: VirtualBoxSettings, found: VirtualMachine): VirtualBoxSettings {
  return {
    ...settings,
    isNew: false,
    uuid: found.uuid,
    // A start that was cut off may have come to NAT.
    network: found.hostOnlyAdapter === '' && hasEngineForward(found) ? 'nat' : settings.network,
    hostOnlyMac: settings.hostOnlyMac || found.hostOnlyMac,
    adapter: settings.adapter || found.hostOnlyAdapter,
  };
}

function hasEngineForward({ forwards }: VirtualMachine): boolean {
  return forwards.some(({ guestPort }) => guestPort === GUEST_ENGINE_PORT);
}

async function bootFromOff(
  machine: DriverMachine,
  settings: VirtualBoxSettings,
  resting: Resting,
  tools: Tools,
  context: DriverContext,
): Promise<VirtualBoxSettings> {
  if (settings.network === 'nat') {
    context.reporter.step('Using NAT: the machine is reached on 127.0.0.1');
    return bootWithNat(machine, settings, resting, tools, context);
  }
  context.reporter.step('Check network to re-create if needed...');
  try {
    const ready = await withHostOnly(machine, settings, tools, context, (place) => {
      const { adapter, lease, cidr } = place;
      const wanted = { ...settings, hostOnlyCidr: cidr, adapter, lease };
      return configure(wanted, resting, place, tools, context);
    });
    return await boot(machine, ready, resting, tools, context);
  } catch (error) {
    const reason = whyNat(error);
    if (reason === undefined) throw error;
    // One line, as the machine is reached in another way than its user may expect (P14, P17).
    context.reporter.warn(
      `No host-only network can be used (${reason}). Using NAT: the machine is reached on 127.0.0.1`,
    );
    const natSettings = { ...settings, network: 'nat' as const, lease: '', isNew: false };
    // Whatever of the first try has been set is looked at anew.
    const found = await settled(machine, natSettings, tools, context);
    return bootWithNat(machine, natSettings, { ...found, hasSavedState: false }, tools, context);
  }
}

/** A failure that NAT gets around, in a few words. */
function whyNat(error: unknown): string | undefined {
  if (error instanceof HostOnlyUnavailable) return error.reason ?? error.message;
  if (!(error instanceof VBoxManageError)) return undefined;
  const known = knownFailure(error.output);
  return known?.isOfHostOnly === true ? known.what : undefined;
}

async function bootWithNat(
  machine: DriverMachine,
  settings: VirtualBoxSettings,
  resting: Resting,
  tools: Tools,
  context: DriverContext,
): Promise<VirtualBoxSettings> {
  const wanted = { ...settings, adapter: '', lease: '' };
  const ready = await configure(wanted, resting, undefined, tools, context);
  return boot(machine, ready, resting, tools, context);
}

/** A saved machine has its network; only ports that were taken meanwhile move. */
async function bootFromSaved(
  machine: DriverMachine,
  settings: VirtualBoxSettings,
  resting: Resting,
  tools: Tools,
  context: DriverContext,
): Promise<VirtualBoxSettings> {
  const wanted = withForwardsOf(settings, resting.forwards);
  const ready = await configure(wanted, resting, undefined, tools, context);
  return boot(machine, ready, resting, tools, context);
}

/** A machine whose ports are free and whose network is the one at hand. */
interface Ready {
  readonly settings: VirtualBoxSettings;
  readonly place: HostOnlyPlace | undefined;
}

async function configure(
  settings: VirtualBoxSettings,
  resting: Resting,
  place: HostOnlyPlace | undefined,
  { vbox, ports }: Tools,
  context: DriverContext,
): Promise<Ready> {
  const ready = await withFreePorts(settings, ports, context);
  const dialect = await vbox.dialect(context.signal);
  const options = [
    ...forwardOptions(resting.forwards, forwardsOf(ready), dialect),
    ...(resting.hasSavedState ? [] : cardOptions(ready, resting, place, dialect)),
  ];
  if (options.length > 0) {
    const args = ['modifyvm', resting.uuid, ...options];
    const purpose = 'setting up the network of the machine';
    // One that is thought never to have run, and is locked, does run.
    await vbox.run({ args, purpose, isImpatient: settings.isNew }, context);
  }
  return { settings: ready, place };
}

async function boot(
  machine: DriverMachine,
  { settings, place }: Ready,
  resting: Resting,
  tools: Tools,
  context: DriverContext,
): Promise<VirtualBoxSettings> {
  if (!resting.hasSavedState) await preparePrivateConsole(machine, tools.ports);
  await launch(settings, resting, tools, context);
  if (place !== undefined) {
    await repairIfCorrupted(place, tools, context, {
      stop: () => powerOff(resting.uuid, tools, context),
      start: () => launch(settings, resting, tools, context),
    });
  }
  await checkLogAfterStart(resting.logDirectory, settings, tools, context);
  const hostOnlyMac =
    place !== undefined && settings.hostOnlyMac === ''
      ? (await settled(machine, settings, tools, context)).hostOnlyMac
      : settings.hostOnlyMac;
  // The guest tells its address when it is up; what it had the last time may not be so any more (P20).
  return withBase({ ...settings, hostOnlyMac, isNew: false }, { IPAddress: '' });
}

/** The options of `modifyvm` that connect the second card; empty when it is. */
function cardOptions(
  settings: VirtualBoxSettings,
  resting: Resting,
  place: HostOnlyPlace | undefined,
  dialect: Awaited<ReturnType<Tools['vbox']['dialect']>>,
): string[] {
  if (place?.adapter === resting.hostOnlyAdapter) return [];
  if (place === undefined) return resting.hostOnlyAdapter === '' ? [] : ['--nic2', 'none'];
  const option = (name: string) => optionName(dialect, name, 2);
  const network =
    dialect.hostOnly === 'network'
      ? ['--nic2', 'hostonlynet', option('host-only-net'), place.adapter]
      : ['--nic2', 'hostonly', option('host-only-adapter'), place.adapter];
  return [
    ...network,
    ...[option('nic-type'), settings.hostOnlyNicType, option('nic-promisc'), settings.hostOnlyPromiscMode],
    ...[option('cable-connected'), 'on'],
  ];
}

async function launch(
  settings: VirtualBoxSettings,
  resting: Resting,
  { vbox, ports }: Tools,
  context: DriverContext,
): Promise<void> {
  const answer = await vbox.attempt(
    {
      args: ['startvm', resting.uuid, '--type', settings.uiType],
      purpose: 'starting the machine',
      timeoutMs: START_MS,
      isImpatient: settings.isNew,
    },
    context,
  );
  if (answer.ok) return;
  throw await startFailure(answer.error, resting.logDirectory, ports);
}
