import { TmachineError } from '../../core/errors.js';
import type { HostFacts } from '../../core/ports.js';

/** What a start can still do about a failure before it is reported. */
export type Remedy =
  | 'other-ports'
  | 'other-control-connection'
  | 'join-other-start'
  | 'other-accelerator'
  | 'none';

export interface KnownFailure {
  readonly code: string;
  /** In what QEMU writes when it gives up. */
  readonly pattern: RegExp;
  readonly remedy: Remedy;
  /** Completes: Cannot start machine "NAME": ... */
  readonly what: string;
  readonly why: string;
  nextSteps(place: FailurePlace): readonly string[];
}

/** Where the failure met us: what the next steps name. */
export interface FailurePlace {
  readonly machineName: string;
  readonly directory: string;
  readonly platform: HostFacts['platform'];
  readonly memoryMb: number;
}

/** Most specific first. Each pattern has its recording in test/fixtures/qemu, but for the two of Windows, which quote QEMU's source. */
export const KNOWN_FAILURES: readonly KnownFailure[] = [
  {
    code: 'QEMU_PORT_TAKEN',
    pattern: /Could not set up host forwarding rule/,
    remedy: 'other-ports',
    what: 'another program has taken its port on 127.0.0.1',
    why: 'it did so between our look and the start of QEMU',
    nextSteps: ({ machineName }) => [`try again with: tmachine start ${machineName}`],
  },
  {
    code: 'QEMU_MONITOR_PORT_TAKEN',
    pattern: /Failed to find an available port/,
    remedy: 'other-ports',
    what: 'another program has taken the port of its control connection',
    why: 'it did so between our look and the start of QEMU',
    nextSteps: ({ machineName }) => [`try again with: tmachine start ${machineName}`],
  },
  {
    code: 'QEMU_MONITOR_SOCKET',
    pattern: /Failed to (?:bind|unlink) socket|Failed to listen on socket|socket path '.*' is too long/,
    remedy: 'other-control-connection',
    what: "its control socket cannot be made in the machine's directory",
    why: 'the file system there takes no sockets',
    nextSteps: () => ['keep the machines on a local disk:  tmachine -s PATH ...'],
  },
  {
    code: 'QEMU_DISK_IN_USE',
    // The second form is Windows, where files are locked by opening them.
    pattern: /Failed to get "?(?:write|shared "write")"? lock|because it is being used by another process/,
    remedy: 'join-other-start',
    what: 'its disk is in use by another program',
    why: 'another QEMU, or a backup program, holds it open',
    nextSteps: ({ platform, directory }) => [
      platform === 'win32'
        ? 'find the program in the resource monitor (resmon), end it, and start the machine again'
        : `find the program with: fuser -v '${directory}/disk.qcow2'`,
    ],
  },
  {
    code: 'QEMU_DISK_MISSING',
    pattern: /Could not open '[^']*\.qcow2': No such file or directory/,
    remedy: 'none',
    what: 'its disk is gone',
    why: 'the file was deleted after the machine was made',
    nextSteps: ({ machineName }) => [`remove the record with: tmachine rm ${machineName}`],
  },
  {
    code: 'QEMU_DISK_BROKEN',
    pattern: /Image is not in qcow2 format|qcow2: Image is corrupt|Image is corrupt; cannot be opened/,
    remedy: 'none',
    what: 'its disk is damaged',
    why: 'the file is no whole qcow2 image',
    nextSteps: ({ directory }) => [
      `see whether it can be repaired: qemu-img check -r all '${directory}/disk.qcow2'`,
      'or make the machine again: tmachine rm, then tmachine create',
    ],
  },
  {
    code: 'QEMU_IMAGE_MISSING',
    pattern: /Could not open '[^']*\.iso': No such file or directory/,
    remedy: 'none',
    what: 'its boot image is gone',
    why: 'the file was deleted after the machine was made',
    nextSteps: ({ directory }) => [`put a boot2docker image there again: ${directory}/boot2docker.iso`],
  },
  {
    code: 'QEMU_FILE_DENIED',
    pattern: /Could not (?:open|create) '[^']*': Permission denied/,
    remedy: 'none',
    what: 'QEMU may not use its files',
    why: 'they belong to another user, or are read-only',
    nextSteps: ({ directory, platform }) =>
      platform === 'win32' ? [`look at: ${directory}`] : [`look at: ls -l '${directory}'`],
  },
  {
    code: 'QEMU_STORE_FULL',
    pattern: /Failed to write pid file|No space left on device/,
    remedy: 'none',
    what: 'the disk of this computer is full',
    why: 'QEMU could not write its own small files',
    nextSteps: () => ['free some space, then start the machine again'],
  },
  {
    code: 'QEMU_MEMORY',
    pattern: /cannot set up guest memory|Cannot allocate memory/,
    remedy: 'none',
    what: 'this computer has not enough free memory',
    why: 'QEMU could not get the memory of the machine',
    nextSteps: ({ memoryMb }) => [
      'close other programs or stop other machines, then start it again',
      `or make it anew with less than ${memoryMb} MB:  tmachine create --qemu-memory MB ...`,
    ],
  },
  {
    code: 'QEMU_PROCESSORS',
    pattern: /Invalid SMP CPUs/,
    remedy: 'none',
    what: 'QEMU cannot give it so many CPUs',
    why: 'its machine type has a limit',
    nextSteps: () => ['make it anew with fewer:  tmachine create --qemu-cpu-count N ...'],
  },
  {
    code: 'QEMU_KVM_DENIED',
    pattern: /Could not access KVM kernel module: Permission denied/,
    remedy: 'other-accelerator',
    what: 'you may not use hardware virtualization',
    why: '/dev/kvm belongs to the group kvm, and you are not in it',
    nextSteps: () => [
      'join the group, then log in again: sudo usermod -aG kvm "$USER"',
      'or do without:  tmachine create --qemu-accelerator tcg ...',
    ],
  },
  {
    code: 'QEMU_ACCELERATOR',
    pattern:
      /failed to initialize|invalid accelerator|Could not access KVM|failed to set MSR|No accelerator found/,
    remedy: 'other-accelerator',
    what: 'the hardware virtualization that was asked for does not work here',
    why: 'QEMU could not start it',
    nextSteps: () => ['do without:  tmachine create --qemu-accelerator tcg ...'],
  },
  {
    code: 'QEMU_INCOMPLETE',
    pattern:
      /is not a valid device model name|could not load PC BIOS|failed to find romfile|Parameter 'type' expects a netdev backend type|invalid object type/,
    remedy: 'none',
    what: 'QEMU is not completely installed',
    why: 'a device or a firmware file that every QEMU has is missing',
    nextSteps: () => ['install QEMU again from one source, without leaving packages out'],
  },
  {
    code: 'QEMU_TOO_OLD',
    pattern: /invalid option|Invalid parameter/,
    remedy: 'none',
    what: 'this QEMU does not know an option of ours',
    why: 'it is too old, or not a usual one',
    nextSteps: () => ['install QEMU 5 or newer'],
  },
];

/** The failure that QEMU's output tells of, or undefined. */
export function recogniseFailure(output: string): KnownFailure | undefined {
  return KNOWN_FAILURES.find((failure) => failure.pattern.test(output));
}

/** The error for a QEMU that gave up with `output`. */
export function startError(output: string, place: FailurePlace): TmachineError {
  const failure = recogniseFailure(output);
  const said = output.trim().split('\n').slice(-3).join('; ');
  if (failure === undefined) {
    return new TmachineError({
      code: 'QEMU_START',
      message: `Cannot start machine "${place.machineName}": QEMU ended at once`,
      reason: said === '' ? 'it said nothing' : said,
      nextSteps: ['see how it was called with: tmachine --debug start ...'],
    });
  }
  return new TmachineError({
    code: failure.code,
    message: `Cannot start machine "${place.machineName}": ${failure.what}`,
    reason: `${failure.why} (${said})`,
    nextSteps: failure.nextSteps(place),
  });
}
