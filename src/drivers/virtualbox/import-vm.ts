import { chmod, copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DriverContext, DriverMachine, Finding } from '../../core/driver.js';
import { messageOf, StoreError, TmachineError } from '../../core/errors.js';
import { DISK_FILE } from './disk.js';
import { parseMachineReadable } from './parse.js';
import type { VirtualBoxSettings } from './settings.js';
import { isGone, type Tools } from './virtual-machine.js';

/** Copying a whole disk. */
const CLONE_MS = 3_600_000;
/** Where boot2docker's own program kept its key. */
const OLD_KEY = 'id_boot2docker';

/**
 * The disk of a virtual machine that boot2docker's own program made, as the disk of this one, with its sizes and its key (contract: create-flow.md section 4,
 * import mode). Returns the disk's UUID and the settings with those sizes. Throws VBoxManageError, StoreError, TmachineError.
 */
export async function importDisk(
  machine: DriverMachine,
  settings: VirtualBoxSettings,
  { vbox, ports }: Tools,
  context: DriverContext,
): Promise<{ readonly diskUuid: string; readonly settings: VirtualBoxSettings }> {
  const { importVm } = settings;
  // The one that does not run refuses, and that is all right.
  await vbox.attempt(
    { args: ['controlvm', importVm, 'poweroff'], purpose: 'switching the old machine off' },
    context,
  );
  const purpose = 'looking for the disk of the old machine';
  const args = ['showvminfo', importVm, '--machinereadable'];
  const info = parseMachineReadable(await vbox.run({ args, purpose, isQuestion: true }, context));
  const source = info.get('SATA-1-0') ?? '';
  if (source === '' || source === 'none') {
    throw new TmachineError({
      code: 'VBOX_IMPORT_NO_DISK',
      message: `The virtual machine "${importVm}" has no disk where boot2docker has one`,
      reason: 'nothing is attached to port 1 of its controller "SATA"',
      nextSteps: [`look at it with: VBoxManage showvminfo ${importVm}`],
    });
  }
  const target = join(machine.directory, DISK_FILE);
  const cloned = await vbox.run(
    {
      args: ['clonemedium', 'disk', source, target, '--format', 'VMDK'],
      purpose: 'copying the disk of the old machine',
      timeoutMs: CLONE_MS,
    },
    context,
  );
  const [diskUuid] = /(?<=UUID: )[0-9a-f-]{36}/.exec(cloned) ?? [];
  if (diskUuid === undefined) {
    throw new TmachineError({
      code: 'VBOX_GARBLED',
      message: `Could not learn the UUID of the copied disk: ${target}`,
      reason: `VBoxManage clonemedium did not tell it, but said: ${JSON.stringify(cloned.trim())}`,
      nextSteps: [
        'run the command again: the copy is then made anew',
        `see what VirtualBox knows of it:  VBoxManage showmediuminfo disk "${target}"`,
      ],
    });
  }
  await importKey(machine, join(ports.facts.homeDirectory, '.ssh', OLD_KEY));
  return {
    diskUuid,
    settings: {
      ...settings,
      cpuCount: Number(info.get('cpus')) || settings.cpuCount,
      memoryMb: Number(info.get('memory')) || settings.memoryMb,
    },
  };
}

async function importKey(machine: DriverMachine, key: string): Promise<void> {
  try {
    for (const ending of ['', '.pub']) {
      const copy = join(machine.directory, `id_rsa${ending}`);
      await copyFile(`${key}${ending}`, copy);
      await chmod(copy, 0o600);
    }
  } catch (error) {
    throw new StoreError({
      code: 'VBOX_IMPORT_NO_KEY',
      message: `Could not copy the key of the old machine: ${key}`,
      reason: messageOf(error),
      nextSteps: [
        'without it nobody can log into the imported disk: put the key there again, or leave the import out',
      ],
      cause: error,
    });
  }
}

/** A machine to import that is not there, before anything is made. */
export async function checkImport(
  { importVm }: Pick<VirtualBoxSettings, 'importVm'>,
  { vbox }: Pick<Tools, 'vbox'>,
  context: DriverContext,
): Promise<Finding[]> {
  if (importVm === '') return [];
  const args = ['showvminfo', importVm, '--machinereadable'];
  const answer = await vbox.attempt(
    { args, purpose: 'looking for the machine to import', isQuestion: true },
    context,
  );
  if (answer.ok || !isGone(answer.error.output)) return [];
  return [
    {
      severity: 'refuse',
      code: 'VBOX_IMPORT_MISSING',
      message: `There is no virtual machine "${importVm}" to import`,
      reason: 'it was named with --virtualbox-import-boot2docker-vm',
      nextSteps: ['see what there is: VBoxManage list vms'],
    },
  ];
}
