import { win32 } from 'node:path';
import { HostNotReadyError, throwIfInterrupted } from '../../core/errors.js';
import type { HostFacts } from '../../core/ports.js';
import type { VirtualBoxPorts } from './ports.js';

const PROGRAM = 'VBoxManage';
const REGISTRY_MS = 5_000;

type FindPorts = Pick<VirtualBoxPorts, 'processes' | 'facts'>;

/**
 * The absolute path of VBoxManage, in the contract's order (create-flow.md section 3): on Windows the variables that the installers of
 * Docker Toolbox and of VirtualBox set, the usual folder, the registry, PATH; elsewhere PATH, and the folders of installers that a program started
 * from a desktop may not have on it. Undefined when there is none.
 */
export async function findVBoxManage(ports: FindPorts, signal: AbortSignal): Promise<string | undefined> {
  const { processes, facts } = ports;
  if (facts.platform !== 'win32') {
    return firstFound(processes, [PROGRAM, ...usualFolders(facts).map((folder) => `${folder}/${PROGRAM}`)]);
  }
  const early = usualFolders(facts).map((folder) => win32.join(folder, `${PROGRAM}.exe`));
  const found = await firstFound(processes, early);
  if (found !== undefined) return found;
  const installed = await registryFolder(ports, signal);
  const late = installed === undefined ? [] : [win32.join(installed, `${PROGRAM}.exe`)];
  return firstFound(processes, [...late, PROGRAM]);
}

/** Where installers put VirtualBox. */
function usualFolders({ platform, env }: Pick<HostFacts, 'platform' | 'env'>): string[] {
  switch (platform) {
    case 'linux':
      return ['/usr/lib/virtualbox', '/opt/VirtualBox'];
    case 'darwin':
      return ['/usr/local/bin', '/Applications/VirtualBox.app/Contents/MacOS'];
    case 'win32':
      return [
        env['VBOX_INSTALL_PATH'],
        env['VBOX_MSI_INSTALL_PATH'],
        'C:\\Program Files\\Oracle\\VirtualBox',
      ].filter((folder): folder is string => folder !== undefined && win32.isAbsolute(folder));
  }
}

async function firstFound(
  processes: FindPorts['processes'],
  candidates: readonly string[],
): Promise<string | undefined> {
  for (const candidate of candidates) {
    const path = await processes.find(candidate);
    if (path !== undefined) return path;
  }
  return undefined;
}

async function registryFolder(
  { processes, facts }: FindPorts,
  signal: AbortSignal,
): Promise<string | undefined> {
  const reg = win32.join(facts.env['SystemRoot'] ?? 'C:\\Windows', 'System32', 'reg.exe');
  try {
    const { status, stdout } = await processes.run(
      reg,
      ['query', 'HKLM\\SOFTWARE\\Oracle\\VirtualBox', '/v', 'InstallDir'],
      { signal, timeoutMs: REGISTRY_MS },
    );
    return status === 0 ? parseRegistryText(stdout) : undefined;
  } catch {
    throwIfInterrupted(signal);
    return undefined; // no reg.exe, or none of its time: PATH is looked at next
  }
}

/** The value in `reg query` output: `    InstallDir    REG_SZ    C:\Program Files\Oracle\VirtualBox\`. */
export function parseRegistryText(output: string): string | undefined {
  const folder = /\bREG_SZ\s+(\S.*)/.exec(output)?.[1]?.trim();
  return folder !== undefined && win32.isAbsolute(folder) ? folder : undefined;
}

/** No VirtualBox here. */
export function virtualBoxNotFound(facts: Pick<HostFacts, 'platform'>): HostNotReadyError {
  return new HostNotReadyError({
    code: 'VBOX_NOT_FOUND',
    verbatim: true,
    message: 'VBoxManage not found. Make sure VirtualBox is installed and VBoxManage is in the path',
    reason:
      facts.platform === 'win32'
        ? 'it is not where VirtualBox is usually installed, the registry names no other place, and PATH has none'
        : 'there is no program VBoxManage on PATH, nor where VirtualBox is usually installed',
    nextSteps: [
      'install VirtualBox from https://www.virtualbox.org, then open a new terminal',
      'or use another hypervisor:  tmachine create --driver qemu NAME',
    ],
  });
}
