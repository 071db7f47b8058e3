import type { FlagValues } from './driver.js';
import type { JsonObject } from './json.js';

/** The part of config.json's `Driver` object that every driver has, first and in this order (contract: store.md section 3). */
export interface BaseDriver {
  readonly IPAddress: string;
  readonly MachineName: string;
  readonly SSHUser: string;
  readonly SSHPort: number;
  readonly SSHKeyPath: string;
  readonly StorePath: string;
  readonly SwarmMaster: boolean;
  readonly SwarmHost: string;
  readonly SwarmDiscovery: string;
}

/** The common part of a new machine. A driver that takes part in swarm hands in its flags; the others store empty swarm fields. */
export function newBaseDriver(
  machine: { readonly name: string; readonly storePath: string },
  known: Partial<BaseDriver>,
  swarmFlags: FlagValues = {},
): BaseDriver {
  return {
    IPAddress: known.IPAddress ?? '',
    MachineName: machine.name,
    SSHUser: known.SSHUser ?? '',
    SSHPort: known.SSHPort ?? 0,
    SSHKeyPath: known.SSHKeyPath ?? '',
    StorePath: machine.storePath,
    SwarmMaster: swarmFlags['swarm-master'] === true,
    SwarmHost: stringOf(swarmFlags['swarm-host']),
    SwarmDiscovery: stringOf(swarmFlags['swarm-discovery']),
  };
}

/**
 * A field of a stored `Driver` object. docker-machine matches keys without regard to case, and so does this. `fallback` also when the
 * field has another type: a stored record is read, never refused, for a field that has a default.
 */
export function stringField(config: JsonObject, key: string, fallback = ''): string {
  const value = fieldOf(config, key);
  return typeof value === 'string' ? value : fallback;
}

/** As `stringField`, for whole numbers. */
export function integerField(config: JsonObject, key: string, fallback = 0): number {
  const value = fieldOf(config, key);
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : fallback;
}

function fieldOf(config: JsonObject, key: string): unknown {
  if (Object.hasOwn(config, key)) return config[key];
  const lower = key.toLowerCase();
  return Object.entries(config).find(([name]) => name.toLowerCase() === lower)?.[1];
}

function stringOf(value: FlagValues[string] | undefined): string {
  return typeof value === 'string' ? value : '';
}
