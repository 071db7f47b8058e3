import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SshTarget } from '../core/driver.js';
import { GuestError } from '../core/errors.js';
import type { HostFacts, ProcessRunner, SshConnectOptions } from '../core/ports.js';
import { checkKeyFile } from './logins.js';

export interface ExternalWorld {
  readonly processes: ProcessRunner;
  readonly facts: Pick<HostFacts, 'platform' | 'temporaryDirectory'>;
}

/** Under this name the guest stands in the file of known hosts: its address may be any text, and may move. */
const ALIAS = 'tmachine';

/**
 * `ssh NAME -L ...`: OpenSSH's own client with the caller's options and terminal, and docker-machine's base options (contract:
 * create-flow.md section 7) but for two: the host key is demanded (P24), and errors are shown (P23). Without a pinned key the first one
 * shown is taken, as on every first contact. Resolves with its exit status. Throws GuestError when there is no such program.
 */
export async function runExternalSsh(
  target: SshTarget,
  args: readonly string[],
  options: SshConnectOptions,
  { processes, facts }: ExternalWorld,
): Promise<number> {
  const file = await processes.find('ssh');
  if (file === undefined) throw noProgram(args[0] ?? '');
  if (target.keyPath !== undefined) await checkKeyFile(target.keyPath, facts.platform);
  const folder = await mkdtemp(join(facts.temporaryDirectory, 'tmachine-ssh-'));
  try {
    const knownHosts = join(folder, 'known_hosts');
    const line = options.hostKey === undefined ? '' : `${ALIAS} ${options.hostKey}\n`;
    await writeFile(knownHosts, line, { mode: 0o600 });
    const words = externalArguments(target, args, {
      knownHosts,
      pinned: options.hostKey !== undefined,
      platform: facts.platform,
    });
    return await processes.attach(file, words, { signal: options.signal });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The whole command line but the program. Pure. */
export function externalArguments(
  { host, port, user, keyPath }: SshTarget,
  args: readonly string[],
  {
    knownHosts,
    pinned,
    platform,
  }: {
    readonly knownHosts: string;
    readonly pinned: boolean;
    readonly platform: HostFacts['platform'];
  },
): string[] {
  const settings = [
    'ConnectionAttempts=3',
    'ConnectTimeout=10',
    'ControlMaster=no',
    'ControlPath=none',
    'LogLevel=error',
    'PasswordAuthentication=no',
    'ServerAliveInterval=60',
    `StrictHostKeyChecking=${pinned ? 'yes' : 'accept-new'}`,
    `UserKnownHostsFile=${configPath(knownHosts, platform)}`,
    'GlobalKnownHostsFile=none',
    `HostKeyAlias=${ALIAS}`,
    'CheckHostIP=no',
  ];
  return [
    '-F',
    platform === 'win32' ? 'none' : '/dev/null',
    ...settings.flatMap((setting) => ['-o', setting]),
    `${user}@${host}`,
    ...(keyPath === undefined ? [] : ['-o', 'IdentitiesOnly=yes', ...identity(keyPath, platform)]),
    '-p',
    String(port),
    ...args,
  ];
}

/** `-i` looks for the file before it replaces `%h` and the like in its name, so a name with `%` has no spelling there. */
function identity(keyPath: string, platform: HostFacts['platform']): string[] {
  return keyPath.includes('%') ? ['-o', `IdentityFile=${configPath(keyPath, platform)}`] : ['-i', keyPath];
}

/** A path in a setting: quoted for its spaces, `%` is the beginning of a token, and a backslash takes the next sign literally. */
function configPath(path: string, platform: HostFacts['platform']): string {
  const slashed = platform === 'win32' ? path.replaceAll('\\', '/') : path;
  return `"${slashed.replaceAll('%', '%%')}"`;
}

function noProgram(option: string): GuestError {
  return new GuestError({
    code: 'SSH_PROGRAM_MISSING',
    message: 'There is no ssh program on this computer',
    reason: `an option such as "${option}" is for OpenSSH's own client; commands and logins do not need it`,
    nextSteps: [
      'install it (Debian: apt-get install openssh-client; Windows: the optional feature "OpenSSH Client")',
      'or leave the options out: tmachine ssh NAME COMMAND',
    ],
  });
}
