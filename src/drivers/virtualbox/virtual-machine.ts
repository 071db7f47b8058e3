import { realpath } from 'node:fs/promises';
import { join, posix, win32 } from 'node:path';
import type { DriverContext, DriverMachine } from '../../core/driver.js';
import { TmachineError } from '../../core/errors.js';
import type { MachineState } from '../../core/machine.js';
import { parseMachineReadable } from './parse.js';
import type { VirtualBoxPorts } from './ports.js';
import type { VirtualBoxSettings } from './settings.js';
import type { Forward } from './settings-file.js';
import type { VBoxManage } from './vboxmanage.js';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** What the driver's parts work with. */
export interface Tools {
  readonly vbox: VBoxManage;
  readonly ports: VirtualBoxPorts;
}

/** A virtual machine as VirtualBox tells it. */
export interface VirtualMachine {
  readonly uuid: string;
  readonly name: string;
  /** VirtualBox's own word, such as `poweroff` or `aborted-saved`. */
  readonly word: string;
  readonly settingsFile: string;
  readonly logDirectory: string;
  readonly forwards: readonly Forward[];
  /** The host-only adapters of all its cards. */
  readonly adapters: readonly string[];
  /** Of the second card; empty: none. */
  readonly hostOnlyAdapter: string;
  readonly hostOnlyMac: string;
}

/**
 * The machine's own virtual machine, or undefined: by its UUID, so also after somebody renamed it; one of docker-machine's by its name, if its
 * settings lie in the machine's directory: a stranger of the same name is none of ours. One whose files are gone is none either.
 * Throws VBoxManageError, VBOX_GARBLED.
 */
export async function findVirtualMachine(
  machine: DriverMachine,
  settings: VirtualBoxSettings,
  { vbox, ports }: Tools,
  context: DriverContext,
): Promise<VirtualMachine | undefined> {
  const answer = await vbox.attempt(
    {
      args: ['showvminfo', settings.uuid || machine.name, '--machinereadable'],
      purpose: 'asking for the state of the machine',
      isQuestion: true,
    },
    context,
  );
  if (!answer.ok) {
    if (isGone(answer.error.output)) return undefined;
    throw answer.error;
  }
  const found = readVirtualMachine(answer.stdout);
  if (settings.uuid !== '') return found;
  const isOurs = await liesIn(found.settingsFile, machineDirectories(machine, settings), ports);
  return isOurs ? found : undefined;
}

/** VirtualBox does not know the machine, or cannot read it any more because its files were deleted. */
export function isGone(output: string): boolean {
  return isUnregistered(output) || /The object functionality is limited/.test(output);
}

/** VirtualBox does not know the machine. */
export function isUnregistered(output: string): boolean {
  return /Could not find a registered machine|VBOX_E_OBJECT_NOT_FOUND/.test(output);
}

/** As `parseVirtualMachine`. Throws VBOX_GARBLED where that finds none. */
export function readVirtualMachine(output: string): VirtualMachine {
  const found = parseVirtualMachine(output);
  if (found !== undefined) return found;
  const said = output.trim().split('\n', 1)[0] ?? '';
  throw new TmachineError({
    code: 'VBOX_GARBLED',
    message: 'VBoxManage does not tell what state the machine is in',
    reason: `its answer lacks the UUID or the state: ${said === '' ? 'it is empty' : `it begins with "${said.slice(0, 80)}"`}`,
    nextSteps: [
      'see what it says with: VBoxManage showvminfo NAME',
      'if that is no description of the machine, end all programs of VirtualBox (VBoxSVC last), or install it again',
    ],
  });
}

/** From `showvminfo --machinereadable`; undefined when that is cut off or something else: what has no UUID is nothing to act on. */
export function parseVirtualMachine(output: string): VirtualMachine | undefined {
  const info = parseMachineReadable(output);
  const value = (key: string) => info.get(key) ?? '';
  const [uuid, word] = [value('UUID'), value('VMState').toLowerCase()];
  if (!UUID.test(uuid) || word === '') return undefined;
  return {
    uuid,
    name: value('name'),
    word,
    settingsFile: value('CfgFile'),
    logDirectory: value('LogFldr'),
    forwards: [...info].flatMap(([key, text]) => (key.startsWith('Forwarding(') ? readForward(text) : [])),
    adapters: [...info].flatMap(([key, text]) => (/^hostonlyadapter\d+$/.test(key) ? [text] : [])),
    hostOnlyAdapter: /^hostonly/.test(value('nic2'))
      ? value('hostonlyadapter2') || value('hostonly-network2')
      : '',
    hostOnlyMac: value('macaddress2'),
  };
}

/** `ssh,tcp,127.0.0.1,40022,,22`. */
function readForward(text: string): Forward[] {
  const [name = '', , , hostPort, , guestPort] = text.split(',');
  return [{ name, hostPort: Number(hostPort), guestPort: Number(guestPort) }];
}

/** VirtualBox's states (its MachineState_T, as showvminfo spells them) in the contract's words. */
export function machineState(word: string): MachineState {
  switch (word) {
    case 'running':
    case 'livesnapshotting':
    case 'onlinesnapshotting':
    case 'teleporting':
    case 'deletingsnapshotlive':
      return 'running';
    case 'poweroff':
    case 'aborted':
    case 'teleported':
      return 'stopped';
    case 'saved':
    case 'aborted-saved':
      return 'saved';
    case 'paused':
    case 'deletingsnapshotlivepaused':
    case 'teleportingpausedvm':
      return 'paused';
    case 'starting':
    case 'restoring':
    case 'teleportingin':
      return 'starting';
    case 'stopping':
    case 'saving':
    case 'settingup':
    case 'snapshotting':
    case 'restoringsnapshot':
    case 'deletingsnapshot':
      return 'stopping';
    case 'gurumeditation':
    case 'stuck':
      return 'error';
    default:
      return 'unknown';
  }
}

/** The machine's directory now, and where it was when its record was made: a store may have been moved. */
function machineDirectories(machine: DriverMachine, settings: VirtualBoxSettings): string[] {
  return [machine.directory, join(settings.base.StorePath, 'machines', machine.name)];
}

async function liesIn(
  file: string,
  directories: readonly string[],
  { facts }: Pick<VirtualBoxPorts, 'facts'>,
): Promise<boolean> {
  const path = facts.platform === 'win32' ? win32 : posix;
  const comparable = (it: string) =>
    facts.platform === 'win32' ? path.normalize(it).toLowerCase() : path.normalize(it);
  // VirtualBox stores the path without symbolic links, the record may have some.
  const real = await Promise.all(directories.map((it) => realpath(it).catch(() => it)));
  return [...directories, ...real].some((directory) =>
    comparable(file).startsWith(`${comparable(directory)}${path.sep}`),
  );
}

/** The record is here, the virtual machine is not. */
export function machineMissing(machine: DriverMachine): TmachineError {
  return new TmachineError({
    code: 'VM_MISSING',
    verbatim: true,
    message: 'machine does not exist',
    reason: `the record of "${machine.name}" is here, VirtualBox does not know its virtual machine (any more)`,
    nextSteps: [`remove the record with: tmachine rm ${machine.name}`],
  });
}
