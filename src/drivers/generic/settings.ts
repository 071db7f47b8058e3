import { basename, dirname, join } from 'node:path';
import { integerField, newBaseDriver, stringField } from '../../core/base-driver.js';
import type { DriverMachine, DriverSettings, FlagValues } from '../../core/driver.js';
import { UsageError } from '../../core/errors.js';
import { integerFlag, stringFlag } from '../../core/flag-values.js';

export interface GenericSettings {
  readonly address: string;
  readonly sshUser: string;
  readonly sshPort: number;
  readonly enginePort: number;
  /** The key that the user named; empty for the user's default keys and agent. */
  readonly originalKey: string;
  /** The machine's copy of it; absent until it has been imported. */
  readonly keyPath?: string;
}

/** Flags to the stored form. Throws UsageError with the contract's text when the address is missing. */
export function parseGenericOptions(
  flags: FlagValues,
  machine: { readonly name: string; readonly storePath: string },
): DriverSettings {
  const address = stringFlag(flags, 'generic-ip-address');
  if (address === '') {
    throw new UsageError({
      verbatim: true,
      message: 'generic driver requires the --generic-ip-address option',
      nextSteps: ['say where the host is:  tmachine create --driver generic --generic-ip-address HOST NAME'],
    });
  }
  if (/[\s\p{Cc}/]/u.test(address)) {
    throw new UsageError({
      message: `--generic-ip-address cannot be ${JSON.stringify(address)}`,
      reason: 'it is an address or a host name, without a port and without a scheme',
    });
  }
  const base = newBaseDriver(machine, {
    IPAddress: address,
    SSHUser: stringFlag(flags, 'generic-ssh-user') || 'root',
    SSHPort: portFlag(flags, 'generic-ssh-port', 22),
  });
  return {
    config: {
      ...base,
      EnginePort: portFlag(flags, 'generic-engine-port', 2376),
      SSHKey: stringFlag(flags, 'generic-ssh-key'),
    },
    extra: {},
  };
}

function portFlag(flags: FlagValues, name: string, fallback: number): number {
  const port = integerFlag(flags, name, fallback);
  if (port < 1 || port > 65535) {
    throw new UsageError({
      message: `--${name} cannot be ${port}`,
      reason: 'a port is a number from 1 to 65535',
    });
  }
  return port;
}

/** The settings of a stored machine, also of one that docker-machine wrote. */
export function parseGenericSettings(machine: DriverMachine): GenericSettings {
  const { config } = machine.settings;
  const stored = stringField(config, 'SSHKeyPath');
  const storePath = stringField(config, 'StorePath', machine.storePath);
  // In a store that was moved the key lies beside the record, not at the old place.
  const isInMachine = dirname(stored) === join(storePath, 'machines', machine.name);
  const keyPath = isInMachine ? join(machine.directory, basename(stored)) : stored;
  return {
    address: stringField(config, 'IPAddress'),
    sshUser: stringField(config, 'SSHUser') || 'root',
    sshPort: integerField(config, 'SSHPort') || 22,
    enginePort: integerField(config, 'EnginePort') || 2376,
    originalKey: stringField(config, 'SSHKey'),
    ...(keyPath !== '' && { keyPath }),
  };
}

/** The same machine with its key imported. */
export function withKeyPath(settings: DriverSettings, keyPath: string): DriverSettings {
  return { ...settings, config: { ...settings.config, SSHKeyPath: keyPath } };
}
