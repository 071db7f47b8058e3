import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DriverContext, DriverMachine, Finding } from '../../core/driver.js';
import { HostNotReadyError } from '../../core/errors.js';
import { chooseAccelerator, tryAccelerator } from './accelerator.js';
import { portTakenMessage, whoHasPort } from './host-ports.js';
import type { QemuPorts } from './ports.js';
import type { QemuSettings } from './settings.js';
import { findToolkit, installCommands, type Toolkit } from './toolkit.js';

/** The oldest release whose options are all ours; Debian 11 has 5.2. */
const OLDEST_MAJOR = 5;
/** The boot image, and what a new engine writes before the first container. */
const LEAST_FREE_MIB = 300;

/** Everything that stands in the way of this machine, before anything is made. Changes nothing but what is known of QEMU. */
export async function checkHost(
  machine: DriverMachine,
  settings: QemuSettings,
  ports: QemuPorts,
  context: DriverContext,
): Promise<Finding[]> {
  return [
    ...(await checkToolkit(settings, ports, context)),
    ...checkMemory(settings, ports),
    ...(await checkDisk(machine, settings)),
    ...(await checkPorts(settings, ports)),
  ];
}

async function checkToolkit(
  settings: QemuSettings,
  ports: QemuPorts,
  context: DriverContext,
): Promise<Finding[]> {
  const found = await usableToolkit(ports, context);
  return 'severity' in found ? [found] : checkAccelerator(settings, found, ports, context);
}

/** What keeps QEMU from being used at all; undefined: nothing. */
export async function whyNoQemu(ports: QemuPorts, context: DriverContext): Promise<Finding | undefined> {
  const found = await usableToolkit(ports, context);
  return 'severity' in found ? found : undefined;
}

async function usableToolkit(ports: QemuPorts, context: DriverContext): Promise<Toolkit | Finding> {
  let toolkit: Toolkit;
  try {
    toolkit = await findToolkit(ports, context.signal);
  } catch (error) {
    if (!(error instanceof HostNotReadyError)) throw error;
    return {
      severity: 'refuse',
      code: error.code,
      message: error.message,
      ...(error.reason !== undefined && { reason: error.reason }),
      nextSteps: error.nextSteps,
    };
  }
  const { major, minor } = toolkit.version;
  if (major >= OLDEST_MAJOR) return toolkit;
  return {
    severity: 'refuse',
    code: 'QEMU_TOO_OLD',
    message: `QEMU ${major}.${minor} is too old`,
    reason: `version ${OLDEST_MAJOR} or newer is needed; found: ${toolkit.path}`,
    nextSteps: await installCommands(ports),
  };
}

async function checkAccelerator(
  settings: QemuSettings,
  toolkit: Toolkit,
  ports: QemuPorts,
  context: DriverContext,
): Promise<Finding[]> {
  // What failed under some passing load, or before it was repaired, gets another chance with every new machine.
  const options = { signal: context.signal, retryFailed: true };
  const { accelerator, whyNotHardware } = await chooseAccelerator(
    settings.accelerator,
    toolkit,
    ports,
    options,
  );
  if (settings.accelerator === 'auto') {
    return accelerator === 'tcg' ? [slowFinding(whyNotHardware, ports)] : [];
  }
  if (!toolkit.accelerators.includes(accelerator)) {
    return [
      {
        severity: 'refuse',
        code: 'QEMU_ACCELERATOR',
        message: `QEMU has no accelerator "${accelerator}" here`,
        reason: `this QEMU was built with: ${toolkit.accelerators.join(', ')}`,
        nextSteps: ['leave it to tmachine:  tmachine create --qemu-accelerator auto ...'],
      },
    ];
  }
  if (accelerator === 'tcg') return [];
  const trial = await tryAccelerator(accelerator, toolkit, ports, options);
  if (trial.isUsable) return [];
  return [
    {
      severity: 'warn',
      code: 'QEMU_ACCELERATOR',
      message: `The accelerator "${accelerator}" was asked for, but a trial with it failed`,
      reason: trial.evidence,
      nextSteps: ['leave it to tmachine:  tmachine create --qemu-accelerator auto ...'],
    },
  ];
}

/** Not an obstacle, but the user who could have it faster is told how. */
function slowFinding(whyNotHardware: string, ports: QemuPorts): Finding {
  const isForeign = ports.facts.arch !== 'x64';
  const isDenied = /Permission denied/.test(whyNotHardware);
  return {
    severity: 'warn',
    code: 'QEMU_SLOW',
    message: isForeign
      ? `This computer's processor (${ports.facts.arch}) is not the machine's (x64): QEMU translates it, which works but is slow`
      : 'QEMU runs the machine without hardware virtualization, which works but is slower',
    reason: isDenied ? `${whyNotHardware} (sudo usermod -aG kvm "$USER", then log in again)` : whyNotHardware,
    nextSteps: isDenied ? ['join the group kvm, then log in again: sudo usermod -aG kvm "$USER"'] : [],
  };
}

function checkMemory(settings: QemuSettings, ports: QemuPorts): Finding[] {
  const { memoryMb } = settings;
  if (memoryMb < ports.facts.memoryMiB) return [];
  return [
    {
      severity: 'warn',
      code: 'QEMU_MEMORY',
      message: `The machine is to have ${memoryMb} MB of memory, and this computer has ${ports.facts.memoryMiB} MB`,
      reason: 'it will be slow, or will not start',
      nextSteps: ['give it less:  tmachine create --qemu-memory MB ...'],
    },
  ];
}

async function checkDisk(machine: DriverMachine, settings: QemuSettings): Promise<Finding[]> {
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
      reason: 'the machine is paused when nothing is left',
      nextSteps: ['limit it:  tmachine create --qemu-disk-size MB ...'],
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

async function checkPorts(settings: QemuSettings, ports: QemuPorts): Promise<Finding[]> {
  const asked = [
    { service: 'SSH', flag: 'qemu-ssh-port', port: settings.askedSshPort },
    { service: 'Docker', flag: 'qemu-engine-port', port: settings.askedEnginePort },
  ];
  const findings: Finding[] = [];
  for (const { service, flag, port } of asked) {
    if (port === 0 || (await ports.loopback.isFree(port))) continue;
    findings.push({
      severity: 'refuse',
      code: 'QEMU_PORT_TAKEN',
      message: portTakenMessage(service, port),
      reason: `it was asked for with --${flag}`,
      nextSteps: [
        `see which program has it: ${whoHasPort(port, ports.facts.platform)}`,
        `or take another one:  tmachine create --${flag} PORT ...`,
      ],
    });
  }
  return findings;
}
