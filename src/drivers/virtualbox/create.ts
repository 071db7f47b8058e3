import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DriverContext, DriverMachine, GuestDisk } from '../../core/driver.js';
import { WrongStateError } from '../../core/errors.js';
import { CONSOLE_FILE, DISK_FILE, makeDisk, writePrivately } from './disk.js';
import { forwardsOf, withFreePorts } from './host-ports.js';
import { newMac, newUuid, uuidOfPath } from './identifiers.js';
import { importDisk } from './import-vm.js';
import { removeMachineFiles, unregister } from './remove.js';
import { type VirtualBoxSettings, withBase } from './settings.js';
import { renderSettingsFile } from './settings-file.js';
import { sharesOf } from './share-folders.js';
import { findVirtualMachine, machineState, type Tools } from './virtual-machine.js';

/** As docker-machine: more are not asked for. */
const MOST_CPUS = 32;

/**
 * Makes the disk and VirtualBox's settings file and registers them with one call: until then VirtualBox knows nothing of the machine, from then
 * on all. What an unfinished try left is removed first. Returns the settings with what was chosen. Throws VBoxManageError, StoreError, WrongStateError.
 */
export async function createVirtualMachine(
  machine: DriverMachine,
  settings: VirtualBoxSettings,
  disk: GuestDisk,
  tools: Tools,
  context: DriverContext,
): Promise<VirtualBoxSettings> {
  const { ports } = tools;
  const { directory, name } = machine;
  await clearUnfinished(machine, settings, tools, context);
  const shares = await sharesOf(settings, ports.facts.platform);
  const { diskUuid, settings: sized } =
    settings.importVm === ''
      ? { diskUuid: await makeDisk(directory, { sizeMb: settings.diskMb, head: disk.head }, ports), settings }
      : await importDisk(machine, settings, tools, context);
  const free = await withFreePorts(withBase(sized, { SSHPort: 0 }), ports, context);
  const made: VirtualBoxSettings = {
    ...free,
    uuid: newUuid(ports.random),
    natMac: newMac(ports.random),
    hostOnlyMac: settings.network === 'nat' ? '' : settings.hostOnlyMac || newMac(ports.random),
    isNew: true,
  };
  const settingsFile = join(directory, name, `${name}.vbox`);
  const text = renderSettingsFile(
    {
      name,
      uuid: made.uuid,
      memoryMb: made.memoryMb,
      cpuCount: Math.min(MOST_CPUS, made.cpuCount < 1 ? ports.facts.cpuCount : made.cpuCount),
      imagePath: disk.imagePath,
      imageUuid: uuidOfPath(disk.imagePath),
      diskPath: join(directory, DISK_FILE),
      diskUuid,
      consolePath: join(directory, CONSOLE_FILE),
      dnsProxy: made.dnsProxy,
      hostDnsResolver: made.hostDnsResolver,
      nat: { nicType: made.natNicType, mac: made.natMac },
      forwards: forwardsOf(made),
      ...(made.network === 'hostonly' && {
        hostOnly: { nicType: made.hostOnlyNicType, mac: made.hostOnlyMac },
      }),
      shares,
    },
    ports.facts.platform,
    ports.clock.now(),
  );
  await writePrivately(settingsFile, text, ports);
  const media = { diskPath: join(directory, DISK_FILE), imagePath: disk.imagePath };
  await register(settingsFile, media, tools, context);
  return made;
}

/**
 * VirtualBox may still know disk or image of an earlier machine at the same place, of another program's too: they are forgotten, once. Of the image it
 * says no more than that an argument is invalid (recorded with 7.2).
 */
async function register(
  settingsFile: string,
  media: { readonly diskPath: string; readonly imagePath: string },
  { vbox }: Pick<Tools, 'vbox'>,
  context: DriverContext,
): Promise<void> {
  const call = { args: ['registervm', settingsFile], purpose: 'registering the machine' };
  const answer = await vbox.attempt(call, context);
  if (answer.ok) return;
  const { code, output } = answer.error;
  const isKnownMedium = code === 'VBOX_DISK_REGISTERED' || /NS_ERROR_INVALID_ARG|E_INVALIDARG/.test(output);
  if (!isKnownMedium) throw answer.error;
  for (const [kind, path] of [
    ['disk', media.diskPath],
    ['dvd', media.imagePath],
  ] as const) {
    const args = ['closemedium', kind, path];
    await vbox.attempt({ args, purpose: 'forgetting an old disk' }, context); // the one that is not known is no obstacle
  }
  await vbox.run(call, context);
}

/** A machine that an earlier try registered or only wrote; nothing to do, and no call, where there is no file of it. */
async function clearUnfinished(
  machine: DriverMachine,
  settings: VirtualBoxSettings,
  tools: Tools,
  context: DriverContext,
): Promise<void> {
  const { directory, name } = machine;
  const names = await readdir(directory).catch(() => []); // no directory, nothing in it
  const isBegun = settings.uuid !== '' || names.some((it) => it === name || it.startsWith(DISK_FILE));
  if (!isBegun) return;
  const found = await findVirtualMachine(machine, settings, tools, context);
  if (found !== undefined) {
    const state = machineState(found.word);
    if (state !== 'stopped' && state !== 'saved') {
      throw new WrongStateError({
        code: 'VBOX_RUNNING',
        message: `Cannot make machine "${name}" anew: it is running`,
        reason: `VirtualBox says: ${found.word}`,
        nextSteps: [`end it with: tmachine kill ${name}`],
      });
    }
    await unregister(found.uuid, tools, context);
  }
  await removeMachineFiles(machine);
}
