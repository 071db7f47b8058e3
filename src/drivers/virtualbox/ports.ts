import type {
  Clock,
  FileSwaps,
  HostFacts,
  LockOptions,
  LoopbackPorts,
  ProcessRunner,
  Random,
} from '../../core/ports.js';

/** An IPv4 address that a network interface of this computer has now. */
export interface HostAddress {
  readonly interfaceName: string;
  readonly address: string;
  readonly netmask: string;
  readonly isInternal: boolean;
}

/** The outside world of this driver. */
export interface VirtualBoxPorts {
  readonly processes: ProcessRunner;
  readonly loopback: LoopbackPorts;
  readonly facts: HostFacts;
  readonly clock: Clock;
  readonly random: Random;
  readonly files: FileSwaps;
  /** `<store>/.tmachine`: which host-only adapters are of our making is kept here. */
  readonly sharedDirectory: string;
  /** One process at a time changes host-only adapters, their DHCP servers and leases. */
  readonly hostOnlyLock: <T>(options: LockOptions, work: () => Promise<T>) => Promise<T>;
  /** Interfaces that are up, read anew at each call. */
  readonly hostAddresses: () => readonly HostAddress[];
  /** A file of the operating system, such as /proc/cpuinfo; undefined when there is none. */
  readonly readSystemFile: (path: string) => Promise<string | undefined>;
}
