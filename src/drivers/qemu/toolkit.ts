import { access, constants, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HostNotReadyError, messageOf, ToolError, throwIfInterrupted } from '../../core/errors.js';
import { isJsonObject } from '../../core/json.js';
import type { HostFacts, Random } from '../../core/ports.js';
import type { QemuPorts } from './ports.js';

export type Accelerator = 'kvm' | 'hvf' | 'whpx' | 'tcg';

/** The QEMU of this computer. */
export interface Toolkit {
  readonly path: string;
  readonly version: QemuVersion;
  /** What this QEMU was built with, such as `tcg`, `kvm`. */
  readonly accelerators: readonly string[];
  /** What trying them has shown since this computer was booted. */
  readonly trials: Readonly<Record<string, Trial>>;
}

export interface QemuVersion {
  readonly major: number;
  readonly minor: number;
}

/** Whether an accelerator ran a guest, and what was seen. */
export interface Trial {
  readonly isUsable: boolean;
  readonly evidence: string;
}

const PROGRAM = 'qemu-system-x86_64';
const QUESTION_MS = 20_000;

/**
 * Finds QEMU and asks it who it is; the answer is remembered until the program changes or the computer reboots. Throws HostNotReadyError
 * with the way to install it when there is none, or when it does not run.
 */
export async function findToolkit(ports: QemuPorts, signal: AbortSignal): Promise<Toolkit> {
  const path = await findProgram(ports);
  if (path === undefined) throw await missingQemu(ports);
  const remembered = await recall(path, ports);
  if (remembered !== undefined) return remembered;
  const ask = async (args: readonly string[]) => {
    try {
      const { stdout, stderr } = await ports.processes.run(path, args, { signal, timeoutMs: QUESTION_MS });
      return stdout + stderr;
    } catch (error) {
      throwIfInterrupted(signal);
      throw brokenQemu(path, error);
    }
  };
  const version = parseVersion(await ask(['--version']));
  if (version === undefined) throw brokenQemu(path, new Error('it does not tell its version'));
  const toolkit = {
    path,
    version,
    accelerators: parseAccelerators(await ask(['-accel', 'help'])),
    trials: {},
  };
  await remember(toolkit, ports);
  return toolkit;
}

/** From `qemu-system-x86_64 --version`. */
export function parseVersion(output: string): QemuVersion | undefined {
  const match = /QEMU emulator version (\d+)\.(\d+)/.exec(output);
  return match === null ? undefined : { major: Number(match[1]), minor: Number(match[2]) };
}

/** From `qemu-system-x86_64 -accel help`: one name a line after a heading. */
export function parseAccelerators(output: string): string[] {
  return output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^[a-z]+$/.test(line));
}

async function findProgram(ports: QemuPorts): Promise<string | undefined> {
  const onPath = await ports.processes.find(PROGRAM);
  if (onPath !== undefined) return onPath;
  for (const path of usualPlaces(ports.facts)) {
    if (await isThere(path, constants.F_OK)) return path;
  }
  return undefined;
}

async function isThere(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}

/** Where installers put QEMU without a place on PATH: always on Windows, and on macOS for whoever is not in a login shell. */
export function usualPlaces(facts: Pick<HostFacts, 'platform' | 'env'>): string[] {
  switch (facts.platform) {
    case 'win32':
      return [facts.env['ProgramFiles'], facts.env['ProgramW6432'], 'C:\\Program Files']
        .filter((folder) => folder !== undefined && folder !== '')
        .map((folder) => `${folder}\\qemu\\${PROGRAM}.exe`);
    case 'darwin':
      return ['/opt/homebrew/bin', '/usr/local/bin', '/opt/local/bin'].map(
        (folder) => `${folder}/${PROGRAM}`,
      );
    case 'linux':
      return [];
  }
}

/** What could not be found, and how this computer gets it. */
async function missingQemu(ports: QemuPorts): Promise<HostNotReadyError> {
  return new HostNotReadyError({
    code: 'QEMU_NOT_FOUND',
    message: 'QEMU not found. Make sure QEMU is installed and qemu-system-x86_64 is in the path',
    reason: `there is no program ${PROGRAM} on PATH${ports.facts.platform === 'win32' ? ' nor in Program Files' : ''}`,
    nextSteps: await installCommands(ports),
  });
}

const LINUX_INSTALLERS = [
  { tool: 'apt-get', system: 'Debian, Ubuntu', command: 'sudo apt-get install qemu-system-x86' },
  { tool: 'dnf', system: 'Fedora', command: 'sudo dnf install qemu-system-x86' },
  { tool: 'pacman', system: 'Arch', command: 'sudo pacman -S qemu-system-x86' },
  { tool: 'zypper', system: 'openSUSE', command: 'sudo zypper install qemu-x86' },
] as const;

/** The command that fits the package manager found here; all of them when none is. */
export async function installCommands(ports: Pick<QemuPorts, 'processes' | 'facts'>): Promise<string[]> {
  switch (ports.facts.platform) {
    case 'darwin':
      return ['install it with: brew install qemu'];
    case 'win32':
      return [
        'install it with: winget install --exact --id SoftwareFreedomConservancy.QEMU',
        'or with: choco install qemu',
      ];
    case 'linux': {
      for (const { tool, command } of LINUX_INSTALLERS) {
        if ((await ports.processes.find(tool)) !== undefined) return [`install it with: ${command}`];
      }
      return LINUX_INSTALLERS.map(({ system, command }) => `${system}: ${command}`);
    }
  }
}

function brokenQemu(path: string, error: unknown): HostNotReadyError {
  const detail =
    error instanceof ToolError ? (error.stderr.trim().split('\n').at(-1) ?? '') : messageOf(error);
  return new HostNotReadyError({
    code: 'QEMU_BROKEN',
    message: `QEMU does not run: ${path}`,
    reason: detail === '' ? messageOf(error) : detail,
    nextSteps: [`see what it says with: ${path} --version`, 'install it again'],
    cause: error,
  });
}

const MEMORY_FILE = 'qemu.json';

/** Keeps what was learned. Only time is lost when it cannot be written, so a failure is not reported. */
export async function remember(toolkit: Toolkit, ports: QemuPorts): Promise<void> {
  const identity = await identityOf(toolkit.path, ports);
  if (identity === undefined) return;
  const target = join(ports.sharedDirectory, MEMORY_FILE);
  const temporary = `${target}.${randomId(ports.random)}`;
  const { version, accelerators, trials } = toolkit;
  try {
    await mkdir(ports.sharedDirectory, { recursive: true, mode: 0o700 });
    await writeFile(temporary, JSON.stringify({ identity, version, accelerators, trials }), { mode: 0o600 });
    await ports.files.replace(temporary, target);
  } catch {
    await ports.files.discard(temporary);
  }
}

async function recall(path: string, ports: QemuPorts): Promise<Toolkit | undefined> {
  const identity = await identityOf(path, ports);
  if (identity === undefined) return undefined;
  try {
    const stored: unknown = JSON.parse(await readFile(join(ports.sharedDirectory, MEMORY_FILE), 'utf8'));
    return isJsonObject(stored) && stored['identity'] === identity ? parseToolkit(path, stored) : undefined;
  } catch {
    return undefined; // absent or damaged: asked again
  }
}

/**
 * Changes with all that may change what works: the program, a boot, and whether we may use Linux' KVM (a user joins its group). Undefined when
 * a reboot could not be noticed.
 */
async function identityOf(path: string, ports: QemuPorts): Promise<string | undefined> {
  if (ports.facts.bootId === '') return undefined;
  try {
    const { mtimeMs, size } = await stat(path);
    const kvm = await isThere('/dev/kvm', constants.R_OK | constants.W_OK);
    return [path, mtimeMs, size, ports.facts.bootId, kvm ? 'kvm' : 'no kvm'].join(' ');
  } catch {
    return undefined;
  }
}

function parseToolkit(path: string, stored: object): Toolkit | undefined {
  const { version, accelerators, trials } = { version: {}, accelerators: [], trials: {}, ...stored };
  if (!isJsonObject(version) || !Array.isArray(accelerators) || !isJsonObject(trials)) return undefined;
  const { major, minor } = { major: undefined, minor: undefined, ...version };
  if (typeof major !== 'number' || typeof minor !== 'number') return undefined;
  return {
    path,
    version: { major, minor },
    accelerators: accelerators.filter((it) => typeof it === 'string'),
    trials: Object.fromEntries(Object.entries(trials).flatMap(parseTrial)),
  };
}

function parseTrial([name, stored]: [string, unknown]): [string, Trial][] {
  if (!isJsonObject(stored)) return [];
  const { isUsable, evidence } = { isUsable: undefined, evidence: '', ...stored };
  return typeof isUsable === 'boolean' && typeof evidence === 'string'
    ? [[name, { isUsable, evidence }]]
    : [];
}

/** Eight hexadecimal digits: enough that two never meet in one directory. */
export function randomId(random: Random): string {
  return Buffer.from(random.bytes(4)).toString('hex');
}
