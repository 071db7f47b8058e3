import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DriverContext, DriverMachine } from '../../core/driver.js';
import { releaseArguments } from './dhcp.js';
import { CONSOLE_FILE, DISK_FILE, removePatiently } from './disk.js';
import { readMadeAdapters, withAdapter, writeMadeAdapters } from './made-adapters.js';
import { parseVms } from './parse.js';
import type { VirtualBoxSettings } from './settings.js';
import { powerOff } from './stop.js';
import {
  findVirtualMachine,
  isGone,
  machineState,
  readVirtualMachine,
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
  await releaseNetwork(
    { ...settings, adapter: settings.adapter || (found?.hostOnlyAdapter ?? '') },
    tools,
    context,
  );
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

/** Gives back the kept address; removes adapter and DHCP server that are of our making when no machine is left on them. */
async function releaseNetwork(
  settings: VirtualBoxSettings,
  tools: Tools,
  context: DriverContext,
): Promise<void> {
  const { adapter, lease, hostOnlyMac } = settings;
  if (adapter === '') return;
  const { vbox, ports } = tools;
  await ports.hostOnlyLock({ signal: context.signal }, async () => {
    const known = await readMadeAdapters(ports);
    // On Windows the removal would ask for an administrator's permission, and so would making it again.
    const isOurs = known.made.has(adapter) && ports.facts.platform !== 'win32';
    if (isOurs && !(await isUsed(adapter, tools, context))) {
      const network = `HostInterfaceNetworking-${adapter}`;
      const flag = (await vbox.dialect(context.signal)).hasFixedLeases ? '--network' : '--netname';
      await ignoreMissing(
        ['dhcpserver', 'remove', flag, network],
        'removing the DHCP server',
        tools,
        context,
      );
      await ignoreMissing(
        ['hostonlyif', 'remove', adapter],
        'removing the host-only adapter',
        tools,
        context,
      );
      await writeMadeAdapters(withAdapter(known, adapter, undefined), ports);
      return;
    }
    if (lease === '' || hostOnlyMac === '') return;
    const args = releaseArguments(`HostInterfaceNetworking-${adapter}`, hostOnlyMac);
    await ignoreMissing(args, 'giving back the address of the machine', tools, context);
  });
}

async function isUsed(
  adapter: string,
  { vbox }: Pick<Tools, 'vbox'>,
  context: DriverContext,
): Promise<boolean> {
  const purpose = 'looking who uses the host-only adapter';
  const machines = parseVms(await vbox.run({ args: ['list', 'vms'], purpose, isQuestion: true }, context));
  for (const { uuid } of machines) {
    const args = ['showvminfo', uuid, '--machinereadable'];
    const answer = await vbox.attempt({ args, purpose, isQuestion: true }, context);
    if (answer.ok && readVirtualMachine(answer.stdout).hostOnlyAdapter === adapter) return true;
  }
  return false;
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
  if (/does not exist|could not be found|not found|Unable to find/i.test(answer.error.output)) return;
  context.reporter.warn(`${answer.error.message} ${answer.error.reason ?? ''}`.trim());
}
