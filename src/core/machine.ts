import { UsageError } from './errors.js';
import type { JsonObject } from './json.js';

/** The contract's rule for names (`create`, E8). It also keeps every name safe as a shell word, and as a file name outside of Windows. */
const NAME_RULE = /^[a-zA-Z0-9][a-zA-Z0-9\-.]*$/;

/**
 * Names of devices, with any ending, and a dot at the end cannot be directories of Windows
 * (https://learn.microsoft.com/windows/win32/fileio/naming-a-file).
 */
const NOT_ON_WINDOWS = /^(?:con|prn|aux|nul|com[1-9]|lpt[1-9])(?:\.|$)|\.$/i;

/** Throws UsageError when `name` may not name a new machine: with the contract's text E8, or for one that Windows cannot store. */
export function assertMachineName(name: string, platform: string): void {
  if (!NAME_RULE.test(name)) {
    throw new UsageError({
      code: 'MACHINE_NAME_INVALID',
      verbatim: true,
      message:
        'Error creating machine: Invalid hostname specified. Allowed hostname chars are: 0-9a-zA-Z . -',
      nextSteps: ['choose a name that starts with a letter or a digit, such as: dev-1'],
    });
  }
  if (platform === 'win32' && NOT_ON_WINDOWS.test(name)) {
    throw new UsageError({
      code: 'MACHINE_NAME_RESERVED',
      message: `Windows cannot keep a machine of the name "${name}"`,
      reason: 'every machine is a directory, and that is the name of a device or ends with a dot',
      nextSteps: ['choose another name, such as: dev-1'],
    });
  }
}

/** What the hypervisor says of a machine. `missing`: the record is here, the virtual machine is not. */
export type MachineState =
  | 'running'
  | 'stopped'
  | 'paused'
  | 'saved'
  | 'starting'
  | 'stopping'
  | 'error'
  | 'missing'
  | 'unknown';

const STATE_WORDS: Readonly<Record<MachineState, string>> = {
  running: 'Running',
  stopped: 'Stopped',
  paused: 'Paused',
  saved: 'Saved',
  starting: 'Starting',
  stopping: 'Stopping',
  error: 'Error',
  missing: 'Error',
  unknown: '',
};

/** The contract's word for a state, as `status` and `ls` print it. */
export function stateWord(state: MachineState): string {
  return STATE_WORDS[state];
}

/** Engine settings in docker-machine's own key names (contract: store.md section 3): `inspect -f` shows them. */
export interface EngineOptions {
  readonly ArbitraryFlags: readonly string[] | null;
  readonly Dns: readonly string[] | null;
  readonly GraphDir: string;
  readonly Env: readonly string[] | null;
  readonly Ipv6: boolean;
  readonly InsecureRegistry: readonly string[] | null;
  readonly Labels: readonly string[] | null;
  readonly LogLevel: string;
  readonly StorageDriver: string;
  readonly SelinuxEnabled: boolean;
  readonly TlsVerify: boolean;
  readonly RegistryMirror: readonly string[] | null;
  readonly InstallURL: string;
}

export interface SwarmOptions {
  readonly IsSwarm: boolean;
  readonly Address: string;
  readonly Discovery: string;
  readonly Agent: boolean;
  readonly Master: boolean;
  readonly Host: string;
  readonly Image: string;
  readonly Strategy: string;
  readonly Heartbeat: number;
  readonly Overcommit: number;
  readonly ArbitraryFlags: readonly string[] | null;
  readonly ArbitraryJoinFlags: readonly string[] | null;
  readonly Env: readonly string[] | null;
  readonly IsExperimental: boolean;
}

/** Absolute paths of a machine's certificates. They stay where the machine was created, also in a moved store. */
export interface AuthOptions {
  readonly CertDir: string;
  readonly CaCertPath: string;
  readonly CaPrivateKeyPath: string;
  readonly CaCertRemotePath: string;
  readonly ServerCertPath: string;
  readonly ServerKeyPath: string;
  readonly ClientKeyPath: string;
  readonly ServerCertRemotePath: string;
  readonly ServerKeyRemotePath: string;
  readonly ClientCertPath: string;
  readonly ServerCertSANs: readonly string[] | null;
  readonly StorePath: string;
}

export interface HostOptions {
  readonly Driver: string;
  readonly Memory: number;
  readonly Disk: number;
  readonly EngineOptions: EngineOptions;
  readonly SwarmOptions: SwarmOptions;
  readonly AuthOptions: AuthOptions;
}

/** A finished step of `create`. A machine whose journal is not complete is half-made: `create` goes on with it. */
export type CreateStep = 'recorded' | 'created' | 'started' | 'provisioned' | 'complete';

/** The boot image a machine was made with. */
export interface MachineImage {
  /** Engine version of the image's volume id, such as `v26.1.5`; empty when it has none. */
  readonly version: string;
  /** SHA-256 of the file, hex. */
  readonly digest: string;
  /** The image takes certificates and settings in the disk's seed (one-step provisioning). */
  readonly oneStep: boolean;
}

/** What there is to go back to after an upgrade. */
export interface BeforeUpgrade {
  readonly image: MachineImage;
  /** Of the disk, where the driver takes snapshots. */
  readonly snapshot?: string | undefined;
}

/** A certificate authority of the user's network (P03). */
export interface TrustedCertificate {
  /** Letters, digits, `.`, `_` and `-`: part of a file name in the guest. */
  readonly name: string;
  /** One or more certificates. */
  readonly pem: string;
  /** Trusted for this registry (`host` or `host:port`) alone; for everything when absent. */
  readonly registry?: string | undefined;
}

/** What only tmachine knows of a machine (`tmachine.json`). Losing it loses no machine. */
export interface MachineNotes {
  /** Finished create steps, in order. Absent for a machine that docker-machine made. */
  readonly journal?: readonly CreateStep[] | undefined;
  /** What `create` was asked for: an equal `create` resumes a half-made machine, another one is refused. */
  readonly request?: JsonObject | undefined;
  /** Pinned SSH host key as `type base64`. */
  readonly hostKey?: string | undefined;
  readonly image?: MachineImage | undefined;
  /** What the last upgrade replaced, and kept to go back to (P39). */
  readonly beforeUpgrade?: BeforeUpgrade | undefined;
  /** Every snapshot of our making, noted before it is taken and until it is deleted: some may not be there (yet, or any more). */
  readonly snapshots?: readonly string[] | undefined;
  readonly trusted?: readonly TrustedCertificate[] | undefined;
  /** The entry of this machine in the docker client's config.json, by DOCKER_HOST ('': not yet known). */
  readonly clientConfig?: { readonly path: string; readonly host: string } | undefined;
  /** Engine settings were changed and have not reached the guest yet: its next start brings them there. */
  readonly settingsPending?: boolean | undefined;
  /** The driver's settings that docker-machine's format has no field for. */
  readonly driver?: JsonObject | undefined;
}

/** A machine as it is stored. The driver's part is opaque here: only its driver parses it. */
export interface MachineRecord {
  readonly name: string;
  readonly driverName: string;
  /** The `Driver` object of config.json: the common fields, then the driver's own. */
  readonly driver: JsonObject;
  readonly hostOptions: HostOptions;
  readonly notes: MachineNotes;
  /** The top level of config.json as it was read, when it has keys that we do not know: the store puts them back in their places. */
  readonly stored?: JsonObject | undefined;
}

/** True for a machine whose creation was begun by us and has not ended. */
export function isHalfMade(record: MachineRecord): boolean {
  return record.notes.journal !== undefined && !record.notes.journal.includes('complete');
}
