import { type BaseDriver, integerField, newBaseDriver, stringField } from '../../core/base-driver.js';
import type { DriverMachine, DriverSettings } from '../../core/driver.js';
import { TmachineError } from '../../core/errors.js';

export const ACCELERATOR_CHOICES = ['auto', 'kvm', 'hvf', 'whpx', 'tcg'] as const;
export type AcceleratorChoice = (typeof ACCELERATOR_CHOICES)[number];

/** A machine as this driver sees it. */
export interface QemuSettings {
  /** `SSHPort` is the port on 127.0.0.1; 0 before the first start has found one. */
  readonly base: BaseDriver;
  /** On 127.0.0.1; 0 before the first start. */
  readonly enginePort: number;
  readonly memoryMb: number;
  /** -1: as many as this computer has. */
  readonly cpuCount: number;
  readonly diskMb: number;
  readonly boot2dockerUrl: string;
  readonly accelerator: AcceleratorChoice;
  /** The ports that the user named, which never move; 0: any. */
  readonly askedSshPort: number;
  readonly askedEnginePort: number;
}

/** In the machine's notes: this machine is ours, not docker-machine-driver-qemu's, which uses the same driver name. */
const MARKER = 'tmachineQemu';
const MARKER_VERSION = 1;

/**
 * The stored form. `config` has the field names of docker-machine-driver-qemu where they mean the same (its `Driver` struct in qemu.go),
 * so that `inspect -f` of either shows them; what it has no field for is in the notes.
 */
export function storeSettings(settings: QemuSettings): DriverSettings {
  return {
    config: {
      ...settings.base,
      EnginePort: settings.enginePort,
      Memory: settings.memoryMb,
      DiskSize: settings.diskMb,
      CPU: settings.cpuCount,
      Network: 'user',
      Boot2DockerURL: settings.boot2dockerUrl,
    },
    extra: {
      [MARKER]: MARKER_VERSION,
      accelerator: settings.accelerator,
      askedSshPort: settings.askedSshPort,
      askedEnginePort: settings.askedEnginePort,
    },
  };
}

/** The settings of a stored machine. Throws TmachineError for a machine of the plugin, or of a newer tmachine. */
export function parseSettings(machine: DriverMachine): QemuSettings {
  const { config, extra } = machine.settings;
  assertOurs(machine);
  const stored = stringField(extra, 'accelerator');
  return {
    base: {
      ...newBaseDriver(machine, {
        IPAddress: stringField(config, 'IPAddress', '127.0.0.1'),
        SSHUser: stringField(config, 'SSHUser') || 'docker',
        SSHPort: integerField(config, 'SSHPort'),
        SSHKeyPath: stringField(config, 'SSHKeyPath'),
      }),
      StorePath: stringField(config, 'StorePath', machine.storePath),
      SwarmMaster: config['SwarmMaster'] === true,
      SwarmHost: stringField(config, 'SwarmHost'),
      SwarmDiscovery: stringField(config, 'SwarmDiscovery'),
    },
    enginePort: integerField(config, 'EnginePort'),
    memoryMb: integerField(config, 'Memory', 1024),
    cpuCount: integerField(config, 'CPU', 1),
    diskMb: integerField(config, 'DiskSize', 20000),
    boot2dockerUrl: stringField(config, 'Boot2DockerURL'),
    accelerator: ACCELERATOR_CHOICES.find((it) => it === stored) ?? 'auto',
    askedSshPort: integerField(extra, 'askedSshPort'),
    askedEnginePort: integerField(extra, 'askedEnginePort'),
  };
}

/** The same machine behind other ports. */
export function withPorts(
  settings: QemuSettings,
  ports: { readonly sshPort: number; readonly enginePort: number },
): QemuSettings {
  return {
    ...settings,
    base: { ...settings.base, SSHPort: ports.sshPort },
    enginePort: ports.enginePort,
  };
}

/**
 * The plugin always writes all its fields, `Program` among them, and we never do: so a machine of ours that has lost its notes is still
 * told apart, and runs on with the defaults for what was in them.
 */
function assertOurs(machine: DriverMachine): void {
  const { name } = machine;
  const marker = machine.settings.extra[MARKER];
  if (marker === MARKER_VERSION) return;
  if (marker === undefined && !('Program' in machine.settings.config)) return;
  if (marker !== undefined) {
    throw new TmachineError({
      code: 'QEMU_RECORD_NEWER',
      message: `Machine "${name}" was made by a newer tmachine`,
      reason: 'this version does not know how its QEMU is run',
      nextSteps: ['use the newer version for this machine'],
    });
  }
  throw new TmachineError({
    code: 'QEMU_RECORD_FOREIGN',
    message: `Machine "${name}" belongs to the docker-machine-driver-qemu plugin`,
    reason:
      'the plugin has the same driver name "qemu"; its machines lack the mark that this driver puts in tmachine.json',
    nextSteps: [
      'manage it with docker-machine and that plugin, as before',
      `or drop its record (the plugin's QEMU keeps running):  tmachine rm -f ${name}`,
    ],
  });
}
