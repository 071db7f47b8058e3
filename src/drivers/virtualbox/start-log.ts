import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { DriverContext } from '../../core/driver.js';
import { TmachineError } from '../../core/errors.js';
import { KNOWN_FAILURES, knownFailure } from './known-failures.js';
import type { VirtualBoxPorts } from './ports.js';
import type { VirtualBoxSettings } from './settings.js';
import { VBoxManageError } from './vboxmanage.js';
import type { Tools } from './virtual-machine.js';

const LOG_BYTES = 512 * 1024;

/** What docker-machine looks for in VBox.log after a start, and what makes it no sign (contract: create-flow.md section 5, step d). */
const NO_VTX = /VT-x is disabled|the host CPU does NOT support HW virtualization|VERR_VMX_UNABLE_TO_START_VM/;
const NO_VTX_RAW = /Falling back to raw-mode: VT-x is disabled in the BIOS for all CPU modes/;
const NO_VTX_POWER_UP = /Power up failed[\s\S]*VERR_VMX_NO_VMX|VERR_VMX_NO_VMX[\s\S]*Power up failed/;
/** VirtualBox 6 and later on a Windows that runs Hyper-V (P13). */
const SLOW_MODE =
  /Attempting fall back to NEM|NEM: info: Found optional import|Snail execution mode is active|turtle/i;

/**
 * The error for a `startvm` that failed: what VBoxManage said, and what the machine's own logs say of it: the hardening log names the protection
 * programs in the way (P10), VBox.log the processor's refusal (P12, P13).
 */
export async function startFailure(
  error: VBoxManageError,
  logDirectory: string,
  { facts }: Pick<VirtualBoxPorts, 'facts'>,
): Promise<VBoxManageError> {
  const log = await readEnd(join(logDirectory, 'VBox.log'));
  const hardening = await readEnd(join(logDirectory, 'VBoxHardening.log'));
  const suspects = adversaries(hardening);
  const known =
    specific(error.output, facts.platform) ??
    specific(hardening, facts.platform) ??
    specific(log, facts.platform) ??
    (suspects.length === 0 ? undefined : HARDENING);
  const details = lastLine(log);
  const reason = [
    known?.why ?? error.reason ?? 'VirtualBox gave no reason',
    ...(suspects.length === 0 ? [] : [`VirtualBox names: ${suspects.join(', ')}`]),
  ].join('; ');
  return new VBoxManageError({
    code: known?.code ?? error.code,
    message: `Unable to start the VM: ${known?.what ?? error.reason ?? error.message}`,
    reason: details === '' ? reason : `${reason}. Details: ${details}`,
    nextSteps: known?.nextSteps ?? error.nextSteps,
    output: `${error.output}\n${log}`,
    cause: error,
  });
}

const HARDENING = KNOWN_FAILURES.find(({ code }) => code === 'VBOX_HARDENING');

/** "It ended" says nothing: the logs may. */
function specific(text: string, platform: VirtualBoxPorts['facts']['platform']) {
  const known = knownFailure(text, platform);
  return known?.code === 'VBOX_TERMINATED' ? undefined : known;
}

/**
 * The protection programs that VirtualBox found on this computer, as its own list of known troublemakers in VBoxHardening.log has them: `Sophos Endpoint
 * Defense (SophosED.sys)`.
 */
export function adversaries(hardeningLog: string): string[] {
  const lines = hardeningLog.split('\n').map((line) => line.replace(/^[0-9a-f]+\.[0-9a-f]+: /, '').trimEnd());
  const begin = lines.findIndex((line) => line.startsWith('supR3HardenedWinFindAdversaries: 0x'));
  const found: string[] = [];
  let file = '';
  for (const line of begin < 0 ? [] : lines.slice(begin + 1)) {
    // The list ends where lines are neither a file nor its facts.
    if (!/^(?: {4}|\\\S)/.test(line)) break;
    file = /^\\.*\\([^\\]+):$/.exec(line)?.[1] ?? file;
    const product = /^ +ProductName: +(.+)$/.exec(line)?.[1];
    if (product !== undefined) found.push(`${product} (${file})`);
  }
  return [...new Set(found)];
}

/**
 * Looks into VBox.log of a machine that has started. Throws TmachineError with the contract's text when the processor does not let it run; warns when
 * Windows' hypervisor makes it slow. A log that cannot be read is no failure.
 */
export async function checkLogAfterStart(
  logDirectory: string,
  settings: Pick<VirtualBoxSettings, 'noVtxCheck'>,
  { ports }: Pick<Tools, 'ports'>,
  context: DriverContext,
): Promise<void> {
  if (settings.noVtxCheck) return;
  const log = await readEnd(join(logDirectory, 'VBox.log'));
  if ((NO_VTX.test(log) && !NO_VTX_RAW.test(log)) || NO_VTX_POWER_UP.test(log)) {
    throw new TmachineError({
      code: 'VBOX_VTX_DISABLED',
      verbatim: true,
      message: "This computer doesn't have VT-X/AMD-v enabled. Enabling it in the BIOS is mandatory",
      reason: `VirtualBox's own log says so: ${join(logDirectory, 'VBox.log')}`,
      nextSteps: [
        'enable it in the BIOS or UEFI settings and start the machine again',
        'or use another hypervisor:  tmachine create --driver qemu NAME',
      ],
    });
  }
  if (ports.facts.platform === 'win32' && SLOW_MODE.test(log)) {
    context.reporter.warn(
      'Windows runs Hyper-V, so VirtualBox uses its slow mode: the start may take several times longer',
    );
  }
}

function lastLine(text: string): string {
  return (
    text
      .split('\n')
      .map((line) => line.trim())
      .findLast((line) => line !== '') ?? ''
  );
}

async function readEnd(path: string): Promise<string> {
  const file = await open(path, 'r').catch(() => undefined); // no log, nothing in it
  if (file === undefined) return '';
  try {
    const { size } = await file.stat();
    const length = Math.min(size, LOG_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
