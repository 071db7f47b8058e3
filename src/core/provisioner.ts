import type { EngineOptions, TrustedCertificate } from './machine.js';
import type { GuestShell } from './ports.js';

/** The fields of the guest's /etc/os-release that choose a provisioner. */
export interface OsRelease {
  readonly ID: string;
  readonly ID_LIKE: string;
  readonly VERSION_ID: string;
  readonly PRETTY_NAME: string;
}

/** A file that ends in the guest, owned by root. */
export interface GuestFile {
  readonly path: string;
  readonly mode: number;
  readonly content: string;
}

/** All that decides how the engine in a guest is set up. */
export interface EnginePlan {
  readonly machineName: string;
  readonly driverName: string;
  readonly engine: EngineOptions;
  /** Port on which the engine listens inside the guest. */
  readonly port: number;
  readonly ca: string;
  readonly serverCertificate: string;
  readonly serverKey: string;
  /** Authorities of the user's network that the guest trusts beside its own. */
  readonly trusted?: readonly TrustedCertificate[];
}

/** A directory of this computer that the hypervisor offers to the guest. */
export interface MountableFolder {
  /** What the hypervisor calls it: the device. */
  readonly name: string;
  readonly guestPath: string;
  /** The name of something in it, by which the guest can tell that it sees this very directory; empty when it is empty. */
  readonly sample: string;
}

/** Everything that depends on the guest's distribution. Each method is safe to run twice. */
export interface Provisioner {
  /** As in the log: `Provisioning with boot2docker...`. */
  readonly name: string;
  /** Pure; asked in the order of provisioners/index.ts, first match wins. */
  supports(os: OsRelease): boolean;
  /** Certificates and engine settings, pure: the same for one-step provisioning and over SSH. `trusted` are among them. */
  engineFiles(plan: EnginePlan): readonly GuestFile[];
  setHostname(shell: GuestShell, name: string): Promise<void>;
  /** Makes sure that an engine is installed. */
  installEngine(shell: GuestShell, plan: EnginePlan): Promise<void>;
  /**
   * Makes the guest trust exactly the plan's `trusted`, whose files have been written: those of an earlier plan go. True when one went.
   * The engine learns of it when it starts anew.
   */
  trust?(shell: GuestShell, plan: EnginePlan): Promise<boolean>;
  /** Mounts a shared directory and looks whether it shows what it should. Returns what is wrong in one line, or undefined. */
  mountFolder?(shell: GuestShell, folder: MountableFolder): Promise<string | undefined>;
  service(shell: GuestShell, action: 'start' | 'stop' | 'restart'): Promise<void>;
}
