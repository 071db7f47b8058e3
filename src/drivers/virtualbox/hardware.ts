import type { Finding } from '../../core/driver.js';
import { throwIfInterrupted } from '../../core/errors.js';
import type { HostFacts } from '../../core/ports.js';
import type { VirtualBoxPorts } from './ports.js';
import type { Dialect } from './version.js';

/** What is known of this computer's hardware virtualization. */
export type Virtualization =
  | 'usable'
  /** Cannot be told: VirtualBox decides. */
  | 'unknown'
  /** The processor has it, the firmware keeps it back. */
  | 'firmware-off'
  /** Windows' own hypervisor runs. */
  | 'hyper-v'
  /** This computer is a virtual machine that does not get it. */
  | 'nested'
  | 'unsupported'
  /** No x86-64 processor. */
  | 'other-processor';

type HardwarePorts = Pick<VirtualBoxPorts, 'processes' | 'facts' | 'readSystemFile'>;

const QUESTION_MS = 20_000;
const USE_QEMU = 'or use another hypervisor:  tmachine create --driver qemu NAME';
const SKIP = 'to skip this check: --virtualbox-no-vtx-check';

/** Looks at this computer, without a call of VirtualBox. */
export async function lookAtHardware(ports: HardwarePorts, signal: AbortSignal): Promise<Virtualization> {
  const { facts } = ports;
  if (facts.arch !== 'x64' && facts.arch !== 'ia32') return 'other-processor';
  switch (facts.platform) {
    case 'linux':
      return linuxVirtualization(await ports.readSystemFile('/proc/cpuinfo'));
    case 'darwin':
      return macVirtualization(await ask(ports, '/usr/sbin/sysctl', MAC_QUESTION, signal));
    case 'win32':
      return windowsVirtualization(await ask(ports, powerShell(facts), WINDOWS_QUESTION, signal));
  }
}

/** From /proc/cpuinfo. Since Linux 5.6 the flag is not shown when the firmware has locked the feature off. */
export function linuxVirtualization(cpuinfo: string | undefined): Virtualization {
  const flags = /^flags\s*:(.*)$/m.exec(cpuinfo ?? '')?.[1];
  if (flags === undefined) return 'unknown';
  if (/\b(?:vmx|svm)\b/.test(flags)) return 'usable';
  if (/\bhypervisor\b/.test(flags)) return 'nested';
  // Which processors lack it altogether cannot be told from here: all x86-64 ones since about 2010 have it.
  return /\blm\b/.test(flags) ? 'firmware-off' : 'unsupported';
}

const MAC_QUESTION = ['-n', 'kern.hv_support', 'machdep.cpu.features'];

/** From sysctl: `kern.hv_support` is 1 where VT-x can be used. */
export function macVirtualization(output: string | undefined): Virtualization {
  const [support = '', features = ''] = (output ?? '').trim().split('\n');
  if (support === '1' || /\bVMX\b/.test(features)) return 'usable';
  if (/\bVMM\b/.test(features)) return 'nested';
  return support === '0' ? 'firmware-off' : 'unknown';
}

const WINDOWS_QUESTION = [
  '-NoProfile',
  '-NonInteractive',
  '-Command',
  '$c = Get-CimInstance Win32_ComputerSystem; $p = Get-CimInstance Win32_Processor | Select-Object -First 1; ' +
    '"hypervisor=$($c.HypervisorPresent) model=$($c.Model)"; "firmware=$($p.VirtualizationFirmwareEnabled) extensions=$($p.VMMonitorModeExtensions)"',
];

function powerShell({ env }: Pick<HostFacts, 'env'>): string {
  return `${env['SystemRoot'] ?? 'C:\\Windows'}\\System32\\WindowsPowerShell\\v1.0\\powershell.exe`;
}

/** `wmic`, which docker-machine asks, is gone from Windows 11. Where a hypervisor runs, Windows says False of the processor: it decides first. */
export function windowsVirtualization(output: string | undefined): Virtualization {
  const value = (key: string) => new RegExp(`\\b${key}=(\\w+)`).exec(output ?? '')?.[1]?.toLowerCase();
  const isVirtual = /model=.*(?:virtual|vmware|kvm|qemu|hvm domu)/i.test(output ?? '');
  if (value('hypervisor') === 'true') return isVirtual ? 'nested' : 'hyper-v';
  if (value('firmware') === 'true') return 'usable';
  if (value('extensions') === 'false') return 'unsupported';
  return value('firmware') === 'false' ? 'firmware-off' : 'unknown';
}

/** What a program prints; undefined when it fails. */
async function ask(
  { processes }: HardwarePorts,
  file: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    return (await processes.run(file, args, { signal, timeoutMs: QUESTION_MS })).stdout;
  } catch {
    throwIfInterrupted(signal);
    return undefined; // the fact cannot be told
  }
}

/** What to tell the user: a refusal on positive evidence only (P12). Undefined: nothing stands in the way. */
export function hardwareFinding(
  seen: Virtualization,
  { runsOnHyperV, version }: Pick<Dialect, 'runsOnHyperV' | 'version'>,
): Finding | undefined {
  switch (seen) {
    case 'usable':
    case 'unknown':
      return undefined;
    case 'hyper-v':
      return runsOnHyperV
        ? {
            severity: 'warn',
            code: 'VBOX_HYPERV',
            message: 'This computer is running Hyper-V: VirtualBox uses its slow mode',
            reason: 'Hyper-V, WSL2, Windows Sandbox or Credential Guard is on',
            nextSteps: [],
          }
        : {
            severity: 'refuse',
            code: 'VBOX_HYPERV',
            message:
              "This computer is running Hyper-V. VirtualBox won't boot a 64bits VM when Hyper-V is activated. Either use Hyper-V as a driver, or disable the Hyper-V hypervisor. (To skip this check, use --virtualbox-no-vtx-check)",
            reason: `VirtualBox ${version.text} cannot run on top of it; version 6 and later can, slowly`,
            nextSteps: [
              'install the newest VirtualBox',
              'or switch Hyper-V off, as administrator:  bcdedit /set hypervisorlaunchtype off  and restart Windows',
              USE_QEMU,
            ],
          };
    case 'nested':
      return refusal(
        'VBOX_NESTED',
        'this computer is a virtual machine itself, and its host does not pass hardware virtualization on',
        ['enable nested virtualization on the host of this virtual machine'],
      );
    case 'firmware-off':
      return refusal('VBOX_VTX_DISABLED', 'the processor has it, and it is switched off in the firmware', [
        'enable Intel Virtualization Technology (VT-x) or SVM Mode (AMD-V) in the BIOS or UEFI settings',
      ]);
    case 'unsupported':
      return refusal('VBOX_VTX_MISSING', 'the processor has none', []);
    case 'other-processor':
      return {
        severity: 'refuse',
        code: 'VBOX_WRONG_CPU',
        message: 'This computer has no x86-64 processor, and boot2docker is made for it',
        reason: 'VirtualBox on an ARM computer runs ARM machines only',
        nextSteps: [USE_QEMU],
      };
  }
}

/** docker-machine's one text for all of these (P12); the reason tells them apart. */
function refusal(code: string, reason: string, steps: readonly string[]): Finding {
  return {
    severity: 'refuse',
    code,
    message: "This computer doesn't have VT-X/AMD-v enabled. Enabling it in the BIOS is mandatory",
    reason,
    nextSteps: [...steps, USE_QEMU, SKIP],
  };
}
