import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { availableParallelism, homedir, hostname, tmpdir, totalmem } from 'node:os';
import { HostNotReadyError } from '../core/errors.js';
import type { HostFacts } from '../core/ports.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the facts of this computer. Throws HostNotReadyError on an operating system that tmachine does not know. */
export function readHostFacts(): HostFacts {
  const platform = knownPlatform(process.platform);
  const env = environmentOf(process.env, platform);
  return {
    platform,
    arch: process.arch,
    hostName: hostname(),
    userName: userNameFrom(env, platform),
    cpuCount: availableParallelism(),
    memoryMiB: Math.floor(totalmem() / 2 ** 20),
    homeDirectory: homeDirectoryFrom(env, platform) ?? systemHome(),
    temporaryDirectory: tmpdir(),
    // Asked for rarely, and a program has to run for it outside Linux: read when used.
    get bootId() {
      return readBootId(platform, env);
    },
    get hostId() {
      return platform === 'linux' ? readLinuxHostId() : '';
    },
    env,
  };
}

/** The platforms of the contract. Throws HostNotReadyError for any other. */
export function knownPlatform(platform: string): HostFacts['platform'] {
  if (platform === 'linux' || platform === 'darwin' || platform === 'win32') return platform;
  throw new HostNotReadyError({
    code: 'PLATFORM_UNKNOWN',
    message: `This operating system is not supported: ${platform}`,
    reason: 'tmachine knows Linux, macOS and Windows',
    nextSteps: ['run it on one of these'],
  });
}

/**
 * The environment as a plain value. Windows does not tell `Path` from `PATH`: there names are looked up in any case, as the system does.
 */
export function environmentOf(variables: Environment, platform: HostFacts['platform']): Environment {
  const copy = { ...variables };
  if (platform !== 'win32') return copy;
  const names = new Map(Object.keys(copy).map((name) => [name.toUpperCase(), name]));
  const real = (key: string | symbol) =>
    typeof key === 'string' ? (names.get(key.toUpperCase()) ?? key) : key;
  return new Proxy(copy, {
    get: (target, key) => Reflect.get(target, real(key)),
    has: (target, key) => Reflect.has(target, real(key)),
    getOwnPropertyDescriptor: (target, key) => Reflect.getOwnPropertyDescriptor(target, real(key)),
  });
}

/** Whose certificates are made: docker-machine's rule (contract: store.md section 6). */
export function userNameFrom(env: Environment, platform: HostFacts['platform']): string {
  return (platform === 'win32' ? env.USERNAME : env.USER) || 'unknown';
}

/** Where the user's files are by the environment's word, which docker-machine takes before the system's; undefined when it has none. */
export function homeDirectoryFrom(env: Environment, platform: HostFacts['platform']): string | undefined {
  return (platform === 'win32' ? env.USERPROFILE : env.HOME) || undefined;
}

function systemHome(): string {
  try {
    return homedir();
  } catch {
    return ''; // a user without an entry in the user database, as in some containers
  }
}

function readBootId(platform: HostFacts['platform'], env: Environment): string {
  switch (platform) {
    case 'linux':
      return readOrEmpty('/proc/sys/kernel/random/boot_id');
    case 'darwin':
      // A fresh UUID at each boot; kern.boottime would move when the clock is set.
      return outputOrEmpty('/usr/sbin/sysctl', ['-n', 'kern.bootsessionuuid']);
    case 'win32':
      return parseRegistryNumber(
        outputOrEmpty(`${env.SystemRoot ?? 'C:\\Windows'}\\System32\\reg.exe`, [
          'query',
          'HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Memory Management\\PrefetchParameters',
          '/v',
          'BootId',
        ]),
      );
  }
}

/** The value in `reg query` output: `    BootId    REG_DWORD    0x1f`; empty when there is none. */
export function parseRegistryNumber(output: string): string {
  return /\bREG_DWORD\s+(0x[0-9a-f]+)/i.exec(output)?.[1]?.toLowerCase() ?? '';
}

/**
 * The machine id, and the process-number space: a container that shares host name and store with its host does not see the host's
 * processes, and so cannot tell whether they live.
 */
function readLinuxHostId(): string {
  const machineId = readOrEmpty('/etc/machine-id');
  try {
    return `${machineId} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return machineId;
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return ''; // an unusual kernel or a closed /proc: the fact cannot be told
  }
}

function outputOrEmpty(file: string, args: readonly string[]): string {
  try {
    return execFileSync(file, args, {
      encoding: 'utf8',
      timeout: 5000,
      stdio: ['ignore', 'pipe', 'ignore'],
      windowsHide: true,
    }).trim();
  } catch {
    return ''; // the tool or the value is missing: the fact cannot be told
  }
}
