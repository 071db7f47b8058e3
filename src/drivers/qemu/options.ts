import { newBaseDriver } from '../../core/base-driver.js';
import type { DriverOption, FlagValues } from '../../core/driver.js';
import { UsageError } from '../../core/errors.js';
import { integerFlag, stringFlag } from '../../core/flag-values.js';
import { ACCELERATOR_CHOICES, type AcceleratorChoice, type QemuSettings } from './settings.js';

const DEFAULTS = { memoryMb: 1024, cpuCount: 2, diskMb: 20000 } as const;

/** Measured with our own guest image: below it the engine never answers. */
const LEAST_MEMORY_MB = 256;
/** boot2docker puts a swap partition of 1000 MB on the disk before it makes the one for data. */
const LEAST_DISK_MB = 1200;

/** In the style, and with the words, of docker-machine's virtualbox flags. */
export const QEMU_OPTIONS: readonly DriverOption[] = [
  {
    name: 'qemu-memory',
    type: 'int',
    default: DEFAULTS.memoryMb,
    env: 'QEMU_MEMORY',
    help: 'Size of memory for host in MB',
  },
  {
    name: 'qemu-cpu-count',
    type: 'int',
    default: DEFAULTS.cpuCount,
    env: 'QEMU_CPU_COUNT',
    help: 'number of CPUs for the machine (-1 to use the number of CPUs available)',
  },
  {
    name: 'qemu-disk-size',
    type: 'int',
    default: DEFAULTS.diskMb,
    env: 'QEMU_DISK_SIZE',
    help: 'Size of disk for host in MB',
  },
  {
    name: 'qemu-boot2docker-url',
    type: 'string',
    default: '',
    env: 'QEMU_BOOT2DOCKER_URL',
    help: 'The URL of the boot2docker image. Defaults to the latest available version',
  },
  {
    name: 'qemu-accelerator',
    type: 'string',
    default: 'auto',
    env: 'QEMU_ACCELERATOR',
    help: `Hardware virtualization to use: (${ACCELERATOR_CHOICES.join('|')}); auto tries what this host has, tcg needs none`,
  },
  {
    name: 'qemu-ssh-port',
    type: 'int',
    default: 0,
    env: 'QEMU_SSH_PORT',
    help: 'Port on 127.0.0.1 for SSH into the machine (0 for any free one)',
  },
  {
    name: 'qemu-engine-port',
    type: 'int',
    default: 0,
    env: 'QEMU_ENGINE_PORT',
    help: 'Port on 127.0.0.1 for the Docker engine of the machine (0 for any free one)',
  },
];

/** Flags to settings. Throws UsageError for a value that can never work. */
export function parseQemuOptions(
  flags: FlagValues,
  machine: { readonly name: string; readonly storePath: string },
  sshKeyPath: string,
): QemuSettings {
  const memoryMb = integerFlag(flags, 'qemu-memory', DEFAULTS.memoryMb);
  if (memoryMb < LEAST_MEMORY_MB) {
    throw refusal('qemu-memory', memoryMb, `the guest needs at least ${LEAST_MEMORY_MB} MB`);
  }
  const cpuCount = integerFlag(flags, 'qemu-cpu-count', DEFAULTS.cpuCount);
  if (cpuCount !== -1 && cpuCount < 1) {
    throw refusal('qemu-cpu-count', cpuCount, 'it is at least 1, or -1 for all CPUs of this computer');
  }
  const diskMb = integerFlag(flags, 'qemu-disk-size', DEFAULTS.diskMb);
  if (diskMb < LEAST_DISK_MB) {
    throw refusal('qemu-disk-size', diskMb, `the guest needs at least ${LEAST_DISK_MB} MB`);
  }
  const askedSshPort = portFlag(flags, 'qemu-ssh-port');
  const askedEnginePort = portFlag(flags, 'qemu-engine-port');
  if (askedSshPort !== 0 && askedSshPort === askedEnginePort) {
    throw new UsageError({
      message: `--qemu-ssh-port and --qemu-engine-port are both ${askedSshPort}`,
      reason: 'one port cannot lead to two services',
      nextSteps: ['give them different numbers, or leave one out'],
    });
  }
  return {
    base: newBaseDriver(
      machine,
      { IPAddress: '127.0.0.1', SSHUser: 'docker', SSHPort: askedSshPort, SSHKeyPath: sshKeyPath },
      flags,
    ),
    enginePort: askedEnginePort,
    memoryMb,
    cpuCount,
    diskMb,
    boot2dockerUrl: stringFlag(flags, 'qemu-boot2docker-url'),
    accelerator: acceleratorFlag(flags),
    askedSshPort,
    askedEnginePort,
  };
}

function portFlag(flags: FlagValues, name: string): number {
  const port = integerFlag(flags, name, 0);
  if (port < 0 || port > 65535) throw refusal(name, port, 'a port is a number from 1 to 65535, or 0');
  return port;
}

function acceleratorFlag(flags: FlagValues): AcceleratorChoice {
  const given = stringFlag(flags, 'qemu-accelerator') || 'auto';
  const choice = ACCELERATOR_CHOICES.find((it) => it === given);
  if (choice !== undefined) return choice;
  throw refusal('qemu-accelerator', given, `it is one of: ${ACCELERATOR_CHOICES.join(', ')}`);
}

function refusal(flag: string, value: string | number, reason: string): UsageError {
  return new UsageError({ message: `--${flag} cannot be ${JSON.stringify(value)}`, reason });
}
