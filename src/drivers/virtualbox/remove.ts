import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DriverContext, DriverMachine } from '../../core/driver.js';
import { releaseArguments } from './dhcp.js';
import { CONSOLE_FILE, DISK_FILE, removePatiently } from './disk.js';
import {
  readMadeAdapters,
  withAdapter,
  withLeftovers,
  withPromise,
  writeMadeAdapters,
} from './made-adapters.js';
import { listHostOnlyInterfaces } from './network.js';
import { parseDhcpServers, parseVms } from './parse.js';
import type { VirtualBoxSettings } from './settings.js';
import { powerOff } from './stop.js';
import { withoutWarning } from './vboxmanage.js';
import type { Dialect } from './version.js';
import {
  findVirtualMachine,
  isGone,
  isUnregistered,
  machineState,
  parseVirtualMachine,
  type Tools,
} from './virtual-machine.js';

/**
 * Removes the virtual machine with its disk, its kept address, the files of both, and the host-only network if we made it and nobody uses it any
 * more. Succeeds when all is gone already. Throws VBoxManageError, StoreError.
 */
export async function removeVirtualMachine(
  machine: DriverMachine,
  settings: VirtualBoxSettings,
  tools: Tools,
  context: DriverContext,
): Promise<void> {
  const found = await findVirtualMachine(machine, settings, tools, context);
  if (found !== undefined) {
    const state = machineState(found.word);
    if (state !== 'stopped' && state !== 'saved') await powerOff(found.uuid, tools, context);
    await unregister(found.uuid, tools, context);
  } else if (settings.uuid !== '') {
    await forgetUnreadable(settings.uuid, tools, context);
  }
  await removeMachineFiles(machine);
  await releaseNetwork(machine, settings, tools, context);
}

/** Takes the machine out of VirtualBox, with its disk, snapshots and saved state. */
export async function unregister(
  uuid: string,
  { vbox }: Pick<Tools, 'vbox'>,
  context: DriverContext,
): Promise<void> {
  const call = {
    args: ['unregistervm', uuid, '--delete'],
    purpose: 'removing the machine',
    timeoutMs: 120_000,
  };
  const answer = await vbox.attempt(call, context);
  if (!answer.ok && !isGone(answer.error.output)) throw answer.error;
}

/** A machine whose files were deleted is listed as inaccessible for ever. */
async function forgetUnreadable(
  uuid: string,
  { vbox }: Pick<Tools, 'vbox'>,
  context: DriverContext,
): Promise<void> {
  const answer = await vbox.attempt(
    { args: ['unregistervm', uuid], purpose: 'forgetting the machine' },
    context,
  );
  if (!answer.ok && !isGone(answer.error.output)) throw answer.error;
}

/** All files that the driver or VirtualBox made for the machine, finished or not. */
export async function removeMachineFiles(machine: DriverMachine): Promise<void> {
  const { directory, name } = machine;
  const names = await readdir(directory).catch(() => []); // no directory, nothing in it
  const ours = names.filter(
    (it) =>
      it === name || it === DISK_FILE || it === CONSOLE_FILE || /^(?:disk\.vmdk|console\.log)\./.test(it),
  );
  for (const file of ours) await removePatiently(join(directory, file));
}

/**
 * Gives back the address that was kept for the machine, wherever a start that was cut off has left it; removes adapters and DHCP servers that are of our
 * making when no machine is left on them.
 */
async function releaseNetwork(
  machine: DriverMachine,
  settings: VirtualBoxSettings,
  tools: Tools,
  context: DriverContext,
): Promise<void> {
  const { vbox, ports } = tools;
  if (settings.network === 'nat' && settings.hostOnlyMac === '') return;
  const dialect = await vbox.dialect(context.signal);
  if (dialect.hostOnly === 'network') return;
  await ports.hostOnlyLock({ signal: context.signal }, async () => {
    if (dialect.hasFixedLeases && settings.hostOnlyMac !== '')
      await releaseLease(settings.hostOnlyMac, tools, context);
    // On Windows the removal would ask for an administrator's permission, and so would making it again.
    if (ports.facts.platform !== 'win32') await removeUnusedAdapters(dialect, tools, context);
    const noted = await readMadeAdapters(ports);
    if (noted.promised.has(machine.name)) {
      await writeMadeAdapters(withPromise(noted, machine.name, undefined), ports);
    }
  });
}

async function releaseLease(mac: string, tools: Tools, context: DriverContext): Promise<void> {
  const purpose = 'giving back the address of the machine';
  const call = { args: ['list', 'dhcpservers'], purpose, isQuestion: true };
  const servers = parseDhcpServers(await tools.vbox.run(call, context));
  for (const { networkName, leases } of servers) {
    if (!leases.some((it) => it.mac === mac.toLowerCase())) continue;
    await ignoreMissing(releaseArguments(networkName, mac), purpose, tools, context);
  }
}

async function removeUnusedAdapters(
  { hasFixedLeases }: Pick<Dialect, 'hasFixedLeases'>,
  tools: Tools,
  context: DriverContext,
): Promise<void> {
  const noted = await readMadeAdapters(tools.ports);
  if (noted.made.size === 0 && noted.before === undefined) return;
  const interfaces = await listHostOnlyInterfaces(tools, context);
  let known = withLeftovers(
    noted,
    interfaces.map(({ name }) => name),
  );
  const inUse = known.made.size === 0 ? [] : await adaptersInUse(tools, context);
  for (const adapter of [...known.made.keys()]) {
    if (inUse === undefined || inUse.includes(adapter)) continue;
    const network = [hasFixedLeases ? '--network' : '--netname', `HostInterfaceNetworking-${adapter}`];
    await ignoreMissing(['dhcpserver', 'remove', ...network], 'removing the DHCP server', tools, context);
    await ignoreMissing(['hostonlyif', 'remove', adapter], 'removing the host-only adapter', tools, context);
    known = withAdapter(known, adapter, undefined);
  }
  await writeMadeAdapters(known, tools.ports);
}

/** What all machines of VirtualBox are connected to, by whichever of their cards; undefined when one of them cannot be read: it may be on any. */
async function adaptersInUse(
  { vbox }: Pick<Tools, 'vbox'>,
  context: DriverContext,
): Promise<readonly string[] | undefined> {
  const purpose = 'looking who uses the host-only adapters';
  const list = await vbox.run({ args: ['list', 'vms'], purpose, isQuestion: true }, context);
  const machines = parseVms(list);
  const lines = withoutWarning(list)
    .split('\n')
    .filter((line) => line.trim() !== '');
  if (machines.length < lines.length) return undefined;
  const inUse: string[] = [];
  for (const { uuid } of machines) {
    const args = ['showvminfo', uuid, '--machinereadable'];
    const answer = await vbox.attempt({ args, purpose, isQuestion: true }, context);
    if (!answer.ok && isUnregistered(answer.error.output)) continue; // deleted in this moment
    const found = answer.ok ? parseVirtualMachine(answer.stdout) : undefined;
    if (found === undefined) return undefined;
    inUse.push(...found.adapters);
  }
  return inUse;
}

/** What is gone already needs no removal. */
async function ignoreMissing(
  args: readonly string[],
  purpose: string,
  { vbox }: Pick<Tools, 'vbox'>,
  context: DriverContext,
): Promise<void> {
  const answer = await vbox.attempt({ args, purpose }, context);
  if (answer.ok) return;
  if (/does not exist|could not be found|Failed to find/i.test(answer.error.output)) return;
  context.reporter.warn(`${answer.error.message} ${answer.error.reason ?? ''}`.trim());
}
