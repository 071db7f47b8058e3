import type {
  Clock,
  FileSwaps,
  HostFacts,
  LoopbackPorts,
  ProcessRunner,
  ProcessTable,
  Random,
} from '../../core/ports.js';

/** The outside world of this driver. */
export interface QemuPorts {
  readonly processes: ProcessRunner;
  readonly processTable: ProcessTable;
  readonly loopback: LoopbackPorts;
  readonly facts: HostFacts;
  readonly clock: Clock;
  readonly random: Random;
  readonly files: FileSwaps;
  /** `<store>/.tmachine`: what the driver learned of this computer's QEMU is kept here. */
  readonly sharedDirectory: string;
}
