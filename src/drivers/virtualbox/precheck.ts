import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DriverContext, DriverMachine, Finding } from '../../core/driver.js';
import { HostNotReadyError } from '../../core/errors.js';
import { hardwareFinding, lookAtHardware } from './hardware.js';
import { duplicateNameError, rangeError } from './host-only-errors.js';
import { duplicateName } from './host-only-range.js';
import { checkImport } from './import-vm.js';
import { KNOWN_FAILURES } from './known-failures.js';
import { answerRange, listHostOnlyInterfaces } from './network.js';
import { DEFAULT_CIDR } from './options.js';
import { parseVms } from './parse.js';
import type { VirtualBoxPorts } from './ports.js';
import type { VirtualBoxSettings } from './settings.js';
import { checkShares } from './share-folders.js';
import { VBoxManageError } from './vboxmanage.js';
import { type Dialect, isTooOld, isUnknownNewer } from './version.js';
import { findVirtualMachine, type Tools } from './virtual-machine.js';

/** The boot image, and what a new engine writes before the first container. */
const LEAST_FREE_MIB = 300;

/** Everything that stands in the way of this machine, before anything is made. Changes nothing. */
export async function checkHost(
  machine: DriverMachine,
  settings: VirtualBoxSettings,
  tools: Tools,
  context: DriverContext,
): Promise<Finding[]> {
  let installation: Awaited<ReturnType<Tools['vbox']['installation']>>;
  try {
    installation = await tools.vbox.installation(context.signal);
  } catch (error) {
    if (!(error instanceof HostNotReadyError)) throw error;
    return [asFinding(error)];
  }
  const { dialect, warning } = installation;
  const ofVersion = checkVersion(dialect);
  if (ofVersion.some(({ severity }) => severity === 'refuse')) return ofVersion;
  return [
    ...ofVersion,
    ...(await checkHardware(settings, dialect, warning, tools.ports, context)),
    ...checkMemory(settings, tools.ports),
    ...(await checkDisk(machine, settings)),
    ...(await checkShares(settings)),
    ...(await checkName(machine, settings, tools, context)),
    ...(await checkImport(settings, tools, context)),
    ...(settings.network === 'hostonly' ? await checkHostOnly(settings, dialect, tools, context) : []),
  ];
}

/**
 * Whether a `create` that names no driver may take VirtualBox: VBoxManage answers, its kernel driver is loaded, and hardware virtualization or Windows'
 * own hypervisor is there. The last two are not asked for with `skipsHardware`. Returns the first obstacle.
 */
export async function whyNotUsable(
  skipsHardware: boolean,
  { vbox, ports }: Tools,
  context: DriverContext,
): Promise<Finding | undefined> {
  try {
    const { dialect, warning } = await vbox.installation(context.signal);
    const ofVersion = checkVersion(dialect).find(({ severity }) => severity === 'refuse');
    if (ofVersion !== undefined || skipsHardware) return ofVersion;
    const [noDriver] = [...checkKernelDriver(warning), ...(await checkModules(ports))];
    if (noDriver !== undefined) return noDriver;
    const finding = hardwareFinding(await lookAtHardware(ports, context.signal), dialect);
    return finding?.severity === 'refuse' ? finding : undefined;
  } catch (error) {
    if (!(error instanceof HostNotReadyError || error instanceof VBoxManageError)) throw error;
    return asFinding(error);
  }
}

/** Enough to prefer another driver, not to refuse: some builds of VirtualBox use KVM in place of a module of their own. */
async function checkModules({ facts, readSystemFile }: VirtualBoxPorts): Promise<Finding[]> {
  const modules = facts.platform === 'linux' ? await readSystemFile('/proc/modules') : undefined;
  return modules === undefined || /^vboxdrv /m.test(modules)
    ? []
    : checkKernelDriver('/dev/vboxdrv does not exist');
}

/** The contract's texts (create-flow.md section 3). */
function checkVersion({ version }: Dialect): Finding[] {
  if (isTooOld(version)) {
    return [
      {
        severity: 'refuse',
        code: 'VBOX_TOO_OLD',
        message: `We support Virtualbox starting with version 5. Your VirtualBox install is "${version.text}". Please upgrade at https://www.virtualbox.org`,
        nextSteps: ['install the newest VirtualBox from https://www.virtualbox.org'],
      },
    ];
  }
  if (version.major === 4) {
    return [
      {
        severity: 'warn',
        code: 'VBOX_OLD',
        message: `You are using version ${version.text} of VirtualBox. If you encounter issues, you might want to upgrade to version 5 at https://www.virtualbox.org`,
        nextSteps: [],
      },
    ];
  }
  if (!isUnknownNewer(version)) return [];
  return [
    {
      severity: 'warn',
      code: 'VBOX_NEWER',
      message: `VirtualBox ${version.text} is newer than this tmachine knows`,
      reason: 'it is driven like version 7.2',
      nextSteps: [],
    },
  ];
}

async function checkHardware(
  settings: VirtualBoxSettings,
  dialect: Dialect,
  warning: string,
  ports: VirtualBoxPorts,
  context: DriverContext,
): Promise<Finding[]> {
  if (settings.noVtxCheck) return [];
  const finding = hardwareFinding(await lookAtHardware(ports, context.signal), dialect);
  return [...(finding === undefined ? [] : [finding]), ...checkKernelDriver(warning)];
}

/** The distribution's start script says so before each answer. */
function checkKernelDriver(warning: string): Finding[] {
  const known = KNOWN_FAILURES.find(({ code }) => code === 'VBOX_KERNEL_DRIVER');
  if (known === undefined || !known.pattern.test(warning)) return [];
  return [
    {
      severity: 'refuse',
      code: known.code,
      message: known.what,
      reason: `${known.why} (${warning})`,
      nextSteps: known.nextSteps,
    },
  ];
}

function checkMemory({ memoryMb }: VirtualBoxSettings, { facts }: VirtualBoxPorts): Finding[] {
  if (memoryMb < facts.memoryMiB) return [];
  return [
    {
      severity: 'warn',
      code: 'VBOX_MEMORY',
      message: `The machine is to have ${memoryMb} MB of memory, and this computer has ${facts.memoryMiB} MB`,
      reason: 'it will be slow, or will not start',
      nextSteps: ['give it less:  tmachine create --virtualbox-memory MB ...'],
    },
  ];
}

async function checkDisk(machine: DriverMachine, settings: VirtualBoxSettings): Promise<Finding[]> {
  const freeMib = await freeSpaceMib(machine.directory);
  if (freeMib === undefined) return [];
  if (freeMib < LEAST_FREE_MIB) {
    return [
      {
        severity: 'refuse',
        code: 'DISK_FULL',
        message: `There are only ${freeMib} MB free for the machine`,
        reason: `the boot image and an empty engine need about ${LEAST_FREE_MIB} MB in ${machine.storePath}`,
        nextSteps: ['free some space', 'or keep the machines elsewhere:  tmachine -s PATH create ...'],
      },
    ];
  }
  if (freeMib >= settings.diskMb) return [];
  return [
    {
      severity: 'warn',
      code: 'DISK_SMALL',
      message: `The machine's disk may grow to ${settings.diskMb} MB, and there are ${freeMib} MB free`,
      reason: 'VirtualBox pauses the machine when nothing is left',
      nextSteps: ['limit it:  tmachine create --virtualbox-disk-size MB ...'],
    },
  ];
}

/** Of the file system that will hold `directory`; undefined when the system does not tell. */
async function freeSpaceMib(directory: string): Promise<number | undefined> {
  let path = directory;
  for (;;) {
    try {
      const { bavail, bsize } = await statfs(path);
      return Math.floor((bavail * bsize) / (1024 * 1024));
    } catch {
      const parent = dirname(path); // it is yet to be made
      if (parent === path) return undefined;
      path = parent;
    }
  }
}

/**
 * A virtual machine of the same name that is not ours is never touched; docker-machine, and scripts that know machines by their names, would take one
 * for the other. One that lies in the machine's own directory is a leftover, which `create` replaces.
 */
async function checkName(
  machine: DriverMachine,
  settings: VirtualBoxSettings,
  tools: Tools,
  context: DriverContext,
): Promise<Finding[]> {
  const call = { args: ['list', 'vms'], purpose: 'looking for virtual machines', isQuestion: true };
  const machines = parseVms(await tools.vbox.run(call, context));
  if (!machines.some(({ name }) => name === machine.name)) return [];
  if ((await findVirtualMachine(machine, settings, tools, context)) !== undefined) return [];
  return [
    {
      severity: 'refuse',
      code: 'VBOX_VM_EXISTS',
      message: `VirtualBox has a virtual machine "${machine.name}" already, which is not of this store`,
      reason: 'two of one name could not be told apart by other programs',
      nextSteps: [
        'choose another name',
        `or rename the other one:  VBoxManage modifyvm ${machine.name} --name OTHER-NAME`,
      ],
    },
  ];
}

async function checkHostOnly(
  settings: VirtualBoxSettings,
  dialect: Dialect,
  tools: Tools,
  context: DriverContext,
): Promise<Finding[]> {
  // The usual network moves where it cannot be, and falls back to NAT: only one that was asked for can be refused.
  if (dialect.hostOnly === 'network' || settings.hostOnlyCidr === DEFAULT_CIDR) return [];
  try {
    const interfaces = await listHostOnlyInterfaces(tools, context);
    const twice = duplicateName(interfaces);
    if (twice !== undefined) return [asFinding(duplicateNameError(twice))];
    const answer = await answerRange(settings, interfaces, dialect, tools);
    return 'detail' in answer ? [asFinding(rangeError(answer, settings.hostOnlyCidr))] : [];
  } catch (error) {
    if (!(error instanceof VBoxManageError)) throw error;
    return [asFinding(error)];
  }
}

function asFinding({ code, message, reason, nextSteps }: HostNotReadyError | VBoxManageError): Finding {
  return { severity: 'refuse', code, message, ...(reason !== undefined && { reason }), nextSteps };
}
