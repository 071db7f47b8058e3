import type { JsonObject } from './json.js';
import type { MachineState } from './machine.js';
import type { MountableFolder } from './provisioner.js';
import type { Reporter } from './reporter.js';

/** A driver's flag, as plain data: it feeds the command line, the help and the environment look-up. */
export interface DriverOption {
  /** Without dashes, such as `qemu-memory`. */
  readonly name: string;
  readonly type: 'string' | 'int' | 'bool' | 'slice';
  readonly default?: string | number | boolean | readonly string[];
  /** The variable that gives the value when the flag is absent. */
  readonly env?: string;
  /** Unit included: "Size of memory for host in MB". */
  readonly help: string;
}

/** Values by flag name; every option of the driver is present (its default when nothing was given). */
export type FlagValues = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export interface Capabilities {
  /** start, stop, restart and kill mean something. */
  readonly powerControl: boolean;
  /** Boots from a boot2docker ISO that core provides. */
  readonly needsImage: boolean;
  /** Its disk may carry the seed of one-step provisioning, because the machine's address is known beforehand. */
  readonly takesSeed: boolean;
  /** There is a guest to log into and to provision (not so for `none`). */
  readonly provisionable: boolean;
  /** Without power control of its own, `restart` is still possible: core runs `sudo shutdown -r now` in the guest. */
  readonly restartsInGuest?: boolean;
}

/** A driver's stored form: `config` is the `Driver` object of config.json, `extra` what only tmachine knows. */
export interface DriverSettings {
  readonly config: JsonObject;
  readonly extra: JsonObject;
}

/** What every call gets: the machine by value. Directories are absolute. */
export interface DriverMachine {
  readonly name: string;
  /** `<store>`. */
  readonly storePath: string;
  /** `<store>/machines/NAME`. */
  readonly directory: string;
  readonly settings: DriverSettings;
}

export interface DriverContext {
  readonly signal: AbortSignal;
  /** Lines appear as `(NAME) line`. */
  readonly reporter: Reporter;
}

/** A reason why this host cannot (or may not be able to) run the machine. */
export interface Finding {
  /** `refuse` is positive evidence; `warn` is printed and create goes on (P12). */
  readonly severity: 'refuse' | 'warn';
  readonly code: string;
  /** What is wrong, one line. */
  readonly message: string;
  readonly reason?: string;
  readonly nextSteps: readonly string[];
}

export interface GuestDisk {
  /** The machine's own copy of the boot image: `<directory>/boot2docker.iso`. */
  readonly imagePath: string;
  /** The first bytes of the disk (`core/guest-disk.ts`); the rest reads as zeros. */
  readonly head: Uint8Array;
}

/** How to reach SSH in the guest. `keyPath` absent: the user's default keys and agent. */
export interface SshTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly keyPath?: string;
}

/** Where a machine is reached from this host. */
export interface Endpoint {
  /** Known: the host name or address. By MAC: core asks the guest's `ip addr show` over SSH. */
  readonly address:
    | { readonly kind: 'known'; readonly host: string }
    | { readonly kind: 'by-mac'; readonly mac: string };
  /** Port of the engine on that address; 0 when the machine has no engine of ours. */
  readonly enginePort: number;
  /** Port on which the engine listens inside the guest (differs behind a forward). */
  readonly guestEnginePort: number;
  readonly ssh?: SshTarget;
  /** The engine's URL when it was given by the user (`none`), else core makes tcp://host:port. */
  readonly url?: string;
}

/** This computer as a guest sees it. */
export interface HostInGuest {
  /** The address under which the guest reaches this computer. */
  readonly address: string;
  /** What listens on this computer's loopback alone is reached there too (P04). */
  readonly reachesLoopback: boolean;
  /** The machine's own networks, in the form of NO_PROXY entries: `10.0.2.0/24`. */
  readonly networks: readonly string[];
}

/**
 * Everything that depends on the hypervisor, nothing else. Stateless: each call receives the machine and returns
 * values; no printing but through the reporter, no file outside `machine.directory`, no ssh, no download.
 * Every long call ends soon after `context.signal` is raised, leaving a state that `state` can tell and `remove` can clear.
 */
export interface Driver {
  readonly name: string;
  /** As the life-cycle line has it: `Creating QEMU VM...`. */
  readonly title: string;
  readonly options: readonly DriverOption[];
  readonly capabilities: Capabilities;

  /** Flags to settings, pure. Throws UsageError for a value that can never work. */
  parseOptions(
    flags: FlagValues,
    machine: { readonly name: string; readonly storePath: string },
  ): DriverSettings;

  /** The boot image asked for by flag: a URL, a `file:` URL or a path; empty for the default. */
  imageUrl(settings: DriverSettings): string;

  /** All findings, before anything is created. Changes nothing. */
  precheck(machine: DriverMachine, context: DriverContext): Promise<readonly Finding[]>;

  /** Makes the disk and registers the machine; does not boot. Repeatable: an unfinished earlier try is replaced. */
  create(machine: DriverMachine, disk: GuestDisk, context: DriverContext): Promise<DriverSettings>;

  /** Boots; returns once the hypervisor says running. Settings may change (a port that was taken moves). */
  start(machine: DriverMachine, context: DriverContext): Promise<DriverSettings>;

  /** Asks the guest to shut down and waits until it has; throws TimedOutError with the way to force it. */
  stop(machine: DriverMachine, context: DriverContext): Promise<DriverSettings>;

  /** Pulls the plug. */
  kill(machine: DriverMachine, context: DriverContext): Promise<DriverSettings>;

  /** Removes all that `create` and `start` made, and only that; succeeds when it is already gone. */
  remove(machine: DriverMachine, context: DriverContext): Promise<void>;

  /** A machine deleted behind our back is `missing`, not an exception. */
  state(machine: DriverMachine, context: DriverContext): Promise<MachineState>;

  /** From settings alone, no I/O: what is stored is verified by whoever connects. */
  endpoint(machine: DriverMachine): Endpoint;

  /** From settings alone, no I/O. True when `create` puts the SSH key of an imported disk in the place of the one that core makes. */
  bringsSshKey?(settings: DriverSettings): boolean;

  /** From settings alone, no I/O. Absent, or undefined, when the guest has no known way to this computer. */
  hostInGuest?(settings: DriverSettings): HostInGuest | undefined;

  /** The last lines of what the guest wrote on its console; empty when there is none. For error messages (P18). */
  consoleTail(machine: DriverMachine, lines: number): Promise<string>;
}

/** Something that a driver found on this computer, with which nothing need be wrong. */
export interface HostFact {
  /** What it is about: `program`, `hardware virtualization`. */
  readonly name: string;
  readonly value: string;
}

/** A driver that can say what it found here: its program and version, how hardware virtualization does. For `doctor`. */
export interface Surveys {
  /** Changes nothing; what is missing is `precheck`'s to report. */
  survey(machine: DriverMachine, context: DriverContext): Promise<readonly HostFact[]>;
}

/** True for a driver that can say what it found. */
export function surveys(driver: Driver): driver is Driver & Surveys {
  return 'survey' in driver;
}

/** Turns a driver without power control away with the contract's own words for it. */
export interface RefusesPower {
  /** The contract's sentence, for example `hosts without a driver cannot be started`. */
  powerRefusal(action: 'start' | 'stop' | 'restart' | 'kill'): string;
}

/** True for a driver that has its own words for refused power actions. */
export function refusesPower(driver: Driver): driver is Driver & RefusesPower {
  return 'powerRefusal' in driver;
}

/** A driver whose guests tell their address themselves: core asks by MAC once and hands the answer back to be stored. */
export interface LearnsAddress {
  /** The same machine with an endpoint whose address is known. Pure. */
  withAddress(machine: DriverMachine, host: string): DriverSettings;
}

/** True for a driver that stores the address that core has learnt. */
export function learnsAddress(driver: Driver): driver is Driver & LearnsAddress {
  return 'withAddress' in driver;
}

/** A directory of this computer that a guest sees. */
export interface FolderInGuest extends MountableFolder {
  readonly hostPath: string;
  /** The user named it; else it is the driver's usual one. */
  readonly isAsked: boolean;
}

/** A driver that shares directories with its guests; somebody has to mount them there at every start (P31). */
export interface SharesFolders {
  sharedFolders(machine: DriverMachine): Promise<readonly FolderInGuest[]>;
}

/** True for a driver that shares directories. */
export function sharesFolders(driver: Driver): driver is Driver & SharesFolders {
  return 'sharedFolders' in driver;
}

/**
 * A driver that can keep a machine's disk to go back to (P39). The machine is stopped for all of it. Names are letters, digits and `-`; core
 * takes each only once, for a hypervisor may have several snapshots of one name. Deleting one that is gone succeeds.
 */
export interface TakesSnapshots {
  takeSnapshot(machine: DriverMachine, name: string, context: DriverContext): Promise<void>;
  restoreSnapshot(machine: DriverMachine, name: string, context: DriverContext): Promise<void>;
  deleteSnapshot(machine: DriverMachine, name: string, context: DriverContext): Promise<void>;
}

/** True for a driver with snapshots. */
export function takesSnapshots(driver: Driver): driver is Driver & TakesSnapshots {
  return 'takeSnapshot' in driver;
}

/** A driver that can say quickly whether this computer can run it: for a `create` that names none. */
export interface TellsUsability {
  /** What stands in the way; undefined: nothing that is known. `flags` are those of `create`. Changes nothing. */
  whyNotUsable(flags: FlagValues, context: DriverContext): Promise<Finding | undefined>;
}

/** True for a driver that can say whether it is usable here. */
export function tellsUsability(driver: Driver): driver is Driver & TellsUsability {
  return 'whyNotUsable' in driver;
}

/** An address that a machine will have, before the machine is made. */
export interface ReservedAddress {
  /** Their endpoint is known; `create` is called with them. */
  readonly settings: DriverSettings;
  /** The network card that is to have it: its MAC with colons, and `192.168.99.100/24`. */
  readonly card: { readonly mac: string; readonly cidr: string };
}

/** A driver that can choose a machine's address beforehand: an image that takes a seed gets it from there (P20). */
export interface ReservesAddress {
  /** Undefined when none can be told. Makes nothing of the machine. */
  reserveAddress(machine: DriverMachine, context: DriverContext): Promise<ReservedAddress | undefined>;
}

/** True for a driver that can choose addresses beforehand. */
export function reservesAddress(driver: Driver): driver is Driver & ReservesAddress {
  return 'reserveAddress' in driver;
}
