import type { HostFacts } from '../../core/ports.js';

type Platform = HostFacts['platform'];

/** What VirtualBox is known to say when it fails, and what it means. */
export interface KnownFailure {
  readonly code: string;
  /** In what VBoxManage prints, or in VBox.log or VBoxHardening.log. */
  readonly pattern: RegExp;
  /** Where it can be; absent: everywhere. */
  readonly platforms?: readonly Platform[];
  /** Without host-only network the machine can still use NAT (P14). */
  readonly isOfHostOnly?: boolean;
  /** What happened, one line. */
  readonly what: string;
  readonly why: string;
  readonly nextSteps: readonly string[];
}

const OTHER_HYPERVISOR = 'or use another hypervisor:  tmachine create --driver qemu NAME';
const USE_NAT = 'or do without it:  tmachine create --virtualbox-network nat NAME';

/**
 * Most specific first. Each has its recording or quotation in test/fixtures/virtualbox/failures. Codes of VirtualBox that have
 * no sentence there are explained in its include/VBox/err.h.
 */
export const KNOWN_FAILURES: readonly KnownFailure[] = [
  {
    code: 'VBOX_HYPERV',
    pattern: /VERR_SUPDRV_NO_RAW_MODE_HYPER_V_ROOT|VERR_NEM_VM_CREATE_FAILED|WHvSetupPartition/,
    platforms: ['win32'],
    what: 'VirtualBox cannot run the machine beside Hyper-V',
    why: 'Windows keeps hardware virtualization for itself: Hyper-V, WSL2, Windows Sandbox or Credential Guard is on',
    nextSteps: [
      'install the newest VirtualBox, which can run on top of Hyper-V (slower)',
      'or switch Hyper-V off, as administrator:  bcdedit /set hypervisorlaunchtype off  and restart Windows',
      OTHER_HYPERVISOR,
    ],
  },
  {
    code: 'VBOX_VTX_IN_USE',
    pattern:
      /VERR_VMX_IN_VMX_ROOT_MODE|VERR_SVM_IN_USE|VirtualBox can't operate in VMX root mode|can't enable the AMD-V extension/,
    what: 'Another hypervisor of this computer holds hardware virtualization',
    why: 'KVM, VMware or another one is running machines, and only one of them can use it',
    nextSteps: [
      "end the other one's machines; on Linux KVM is taken out with:  sudo modprobe -r kvm_intel kvm_amd kvm",
      OTHER_HYPERVISOR,
    ],
  },
  {
    code: 'VBOX_VTX_DISABLED',
    pattern:
      /VERR_VMX_MSR_(?:ALL_|VMX_|SMX_)?(?:VMX_)?DISABLED|VERR_VMX_MSR_ALL_VMX_DISABLED|VERR_SVM_DISABLED|VT-x is disabled in the BIOS|AMD-V is disabled in the BIOS|VT-x is disabled/,
    what: 'Hardware virtualization is switched off in the firmware',
    why: 'the processor has VT-x or AMD-V, and the BIOS or UEFI does not let it be used',
    nextSteps: [
      'enable Intel Virtualization Technology (VT-x) or SVM Mode (AMD-V) in the BIOS or UEFI settings, and switch the computer off and on',
      OTHER_HYPERVISOR,
    ],
  },
  {
    code: 'VBOX_VTX_MISSING',
    pattern:
      /VERR_VMX_NO_VMX|VERR_SVM_NO_SVM|VT-x is not available|AMD-V is not available|the host CPU does NOT support HW virtualization|VERR_VMX_UNABLE_TO_START_VM/,
    what: 'This computer offers no hardware virtualization',
    why: 'the processor has none, or this computer is itself a virtual machine whose host does not pass it on',
    nextSteps: ['in a virtual machine: enable nested virtualization on its host', OTHER_HYPERVISOR],
  },
  {
    code: 'VBOX_WRONG_CPU',
    pattern:
      /VBOX_E_PLATFORM_ARCH_NOT_SUPPORTED|platform architecture .{0,40}not supported|Cannot run the machine because its platform architecture/i,
    what: 'This computer has another processor than the machine needs',
    why: 'the machine is made for x86-64, and VirtualBox on an ARM computer runs ARM machines only',
    nextSteps: [OTHER_HYPERVISOR],
  },
  {
    code: 'VBOX_HARDENING',
    pattern: /VERR_SUP_VP_|VERR_SUPLIB_|supHardenedWinVerifyProcess failed|Process Purification Failure/,
    what: 'A protection program breaks VirtualBox',
    why: 'VirtualBox refuses to run with libraries of other programs inside it, which virus scanners and endpoint protection put there',
    nextSteps: [
      "ask whoever runs the protection to exempt VirtualBox's folder and VBoxHeadless",
      "give them the file VBoxHardening.log in the machine's Logs folder",
    ],
  },
  {
    code: 'VBOX_KERNEL_DRIVER',
    pattern:
      /VERR_VM_DRIVER_NOT_(?:INSTALLED|ACCESSIBLE)|VERR_VM_DRIVER_(?:LOAD_ERROR|OPEN_ERROR|VERSION_MISMATCH)|rc=-190[8-9]|Kernel driver not (?:installed|accessible)|Driverless mode|support driver is not running|\/dev\/vboxdrv does not exist/,
    what: "VirtualBox's kernel driver is not loaded",
    why: 'it was not built for this kernel, was not allowed to load, or belongs to another version of VirtualBox',
    nextSteps: [
      'Linux:  sudo /sbin/vboxconfig  (Debian, Ubuntu: sudo apt-get install --reinstall virtualbox-dkms); with Secure Boot the module must be signed',
      'macOS: System Settings, Privacy & Security: allow the system software from Oracle, then restart',
      'Windows: install VirtualBox again as administrator',
    ],
  },
  {
    code: 'VBOX_RANGE_DENIED',
    pattern:
      /E_ACCESSDENIED[\s\S]*EnableStaticIPConfig|is not within the allowed ranges|E_ACCESSDENIED \(0x80070005\) - Access denied \(extended info not available\)/,
    isOfHostOnly: true,
    what: 'VirtualBox does not allow the address of the host-only network',
    why: 'since 6.1.28 only 192.168.56.0/21 is allowed, unless /etc/vbox/networks.conf says more',
    nextSteps: [
      'allow the range: add a line such as  * 192.168.99.0/24  to /etc/vbox/networks.conf',
      'or take an allowed one:  tmachine create --virtualbox-hostonly-cidr 192.168.56.1/24 NAME',
    ],
  },
  {
    code: 'VBOX_NETCTL',
    pattern: /failed to open \/dev\/vboxnetctl|VBoxNetAdpCtl: Error while adding new interface/,
    platforms: ['linux', 'darwin'],
    isOfHostOnly: true,
    what: 'VirtualBox cannot make a host-only adapter',
    why: 'its kernel module vboxnetadp is not loaded',
    nextSteps: [
      'Linux: sudo modprobe vboxnetadp',
      'macOS: allow the system software from Oracle, then restart',
      USE_NAT,
    ],
  },
  {
    code: 'VBOX_HOSTONLY_UNSUPPORTED',
    pattern: /Host-only adapters are no longer supported/,
    isOfHostOnly: true,
    what: 'This VirtualBox has no host-only adapters any more',
    why: 'VirtualBox 7 on macOS replaced them by host-only networks',
    nextSteps: ['install the newest tmachine, or', USE_NAT],
  },
  {
    code: 'VBOX_HOSTONLY_CREATE',
    pattern:
      /Failed to create the host-only (?:adapter|network interface)|SetupDi\w+ failed|Querying NetCfgInstanceId failed|Failed to attach the network LUN|VERR_INTNET_FLT_IF_NOT_FOUND|Nonexistent host networking interface/,
    isOfHostOnly: true,
    what: 'The host-only network adapter cannot be had',
    why: 'Windows did not install or lost it: rights were refused, or an earlier installation left something behind',
    nextSteps: [
      'as administrator, install VirtualBox again with its network parts, then restart Windows',
      USE_NAT,
    ],
  },
  {
    code: 'VBOX_DISK_REGISTERED',
    pattern:
      /Cannot register the (?:hard disk|DVD image) '.*' \{.*\} because a (?:hard disk|DVD image) '.*' with UUID \{.*\} already exists/,
    what: "The machine's disk is registered in VirtualBox already",
    why: 'an earlier machine at the same place was deleted without telling VirtualBox',
    nextSteps: [
      'forget it:  VBoxManage closemedium disk PATH  (the message names the path), and run the command again',
    ],
  },
  {
    code: 'VBOX_VM_EXISTS',
    pattern:
      /Machine settings file '.*' already exists|Registered machine with UUID \{.*\} \('.*'\) already exists|Could not rename the directory/,
    what: 'A virtual machine of that name is there already',
    why: 'it was left over, or another program made it',
    nextSteps: ['look at it with: VBoxManage list vms', 'choose another name'],
  },
  {
    code: 'VBOX_STORE_FULL',
    pattern: /VERR_DISK_FULL|VERR_FS_QUOTA|No space left on device/,
    what: 'The disk of this computer is full',
    why: 'VirtualBox could not write its files',
    nextSteps: ['free some space, then run the command again'],
  },
  {
    code: 'VBOX_MEMORY',
    pattern: /VERR_EM_NO_MEMORY|VERR_NO_MEMORY|VERR_NO_PAGE_MEMORY|VERR_PGM_NO_|VERR_GMM_HIT_GLOBAL_LIMIT/,
    what: 'This computer has not enough free memory for the machine',
    why: 'VirtualBox could not get the memory that the machine is to have',
    nextSteps: [
      'close other programs or stop other machines, then start it again',
      'or give it less:  VBoxManage modifyvm NAME --memory MB',
    ],
  },
  {
    code: 'VBOX_IMAGE',
    pattern:
      /Could not get the storage format of the medium '.*\.iso'|Could not open the medium '.*\.iso'|VERR_FILE_NOT_FOUND.*\.iso/,
    what: "The machine's boot image cannot be read",
    why: 'the file boot2docker.iso is gone, or is no image of a CD',
    nextSteps: ["put a boot2docker image into the machine's directory again as boot2docker.iso"],
  },
  {
    code: 'VBOX_DISK_BROKEN',
    pattern:
      /Could not (?:open|find file for|get the storage format of) the medium '.*\.vmdk'|VERR_VD_VMDK_|VERR_\w+ opening image file '.*\.vmdk'/,
    what: "The machine's disk is gone or damaged",
    why: 'the file disk.vmdk cannot be opened',
    nextSteps: [
      'take it from a backup, or make the machine again: tmachine rm NAME, then tmachine create NAME',
    ],
  },
  {
    code: 'VBOX_SAVED_STATE',
    pattern: /The machine is not mutable \(state is (?:Saved|AbortedSaved)\)|state is Saved/,
    what: "The machine's state is saved: its settings cannot be changed",
    why: 'it was saved in the VirtualBox window, or when the computer was shut down',
    nextSteps: [
      'go on where it was:  tmachine start NAME',
      'or drop what it had in memory:  tmachine kill NAME',
    ],
  },
  {
    code: 'VBOX_LOCKED',
    pattern:
      /is already locked (?:for|by) a session|is being unlocked|already has a lock request pending|An unexpected process \(PID=|Cannot unregister the machine '.*' while it is locked/,
    what: 'Another program is working on the machine',
    why: 'its window with the settings is open, or another command has not ended',
    nextSteps: ["close the machine's windows in VirtualBox and run the command again"],
  },
  {
    code: 'VBOX_UNKNOWN_VM',
    pattern: /Could not find a registered machine (?:named '|with UUID \{)/,
    what: 'machine does not exist',
    why: 'VirtualBox does not know it (any more)',
    nextSteps: ['remove the record with: tmachine rm NAME'],
  },
  {
    code: 'VBOX_SERVER_GONE',
    pattern:
      /NS_ERROR_CALL_FAILED|NS_ERROR_ABORT|NS_ERROR_SOCKET_FAIL|0x800706b[ae]|Failed to create the VirtualBox object|CO_E_SERVER_EXEC_FAILURE/,
    what: 'VirtualBox itself ended in the middle of the call',
    why: 'its service VBoxSVC was ended or crashed',
    nextSteps: ['run the command again'],
  },
  {
    code: 'VBOX_TERMINATED',
    pattern: /has terminated unexpectedly during startup/,
    what: 'VirtualBox could not start the machine',
    why: 'its process ended at once',
    nextSteps: ["look at the end of VBox.log and VBoxHardening.log in the machine's Logs folder"],
  },
];

/** What `output` tells of, or undefined. Without a platform all are looked at. */
export function knownFailure(output: string, platform?: Platform): KnownFailure | undefined {
  return KNOWN_FAILURES.find(
    ({ pattern, platforms }) =>
      pattern.test(output) &&
      (platform === undefined || platforms === undefined || platforms.includes(platform)),
  );
}
