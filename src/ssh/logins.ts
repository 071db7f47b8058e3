import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AgentAuthMethod, PublicKeyAuthMethod } from 'ssh2';
import type { SshTarget } from '../core/driver.js';
import { GuestError, messageOf } from '../core/errors.js';
import type { HostFacts } from '../core/ports.js';

/** The facts that decide which keys a user has. */
export type UserFacts = Pick<HostFacts, 'platform' | 'homeDirectory' | 'env'>;

export interface Logins {
  /** In the order in which they are tried. */
  readonly methods: readonly (PublicKeyAuthMethod | AgentAuthMethod)[];
  /** What is offered, for a message. */
  readonly description: string;
}

/** OpenSSH's own order. */
const DEFAULT_KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

/**
 * How to log in: the machine's key, or without one the user's agent and default keys, as `ssh` does. Throws GuestError for a key file that
 * cannot be used; default keys that cannot be used are passed over.
 */
export async function readLogins(target: SshTarget, facts: UserFacts): Promise<Logins> {
  const username = target.user;
  const agent = agentOf(facts);
  const agentMethods = agent === undefined ? [] : [{ type: 'agent' as const, username, agent }];
  if (target.keyPath !== undefined) {
    await checkKeyFile(target.keyPath, facts.platform);
    const key = await readKey(target.keyPath);
    if (key !== undefined) {
      return { methods: [{ type: 'publickey', username, key }], description: `the key "${target.keyPath}"` };
    }
    if (agent === undefined) throw keyIsLocked(target.keyPath);
    return { methods: agentMethods, description: `any key of the agent (for "${target.keyPath}")` };
  }
  const keys: PublicKeyAuthMethod[] = [];
  for (const name of DEFAULT_KEYS) {
    const path = join(facts.homeDirectory, '.ssh', name);
    const key = await checkKeyFile(path, facts.platform).then(
      () => readKey(path),
      () => undefined, // not there, or not for us: `ssh` passes over it too
    );
    if (key !== undefined) keys.push({ type: 'publickey', username, key });
  }
  const methods = [...agentMethods, ...keys];
  if (methods.length > 0) return { methods, description: "any of this user's keys (agent and ~/.ssh)" };
  throw new GuestError({
    code: 'SSH_NO_KEY',
    message: `There is no SSH key to log in with as "${username}"`,
    reason: `no agent runs, and ~/.ssh has none of ${DEFAULT_KEYS.join(', ')} without a passphrase`,
    nextSteps: ['make one with: ssh-keygen', 'or start an agent and add your key to it: ssh-add'],
  });
}

/** Where the user's agent listens; Windows has one at a fixed place. */
function agentOf({ platform, env }: UserFacts): string | undefined {
  if (env.SSH_AUTH_SOCK !== undefined && env.SSH_AUTH_SOCK !== '') return env.SSH_AUTH_SOCK;
  return platform === 'win32' ? '\\\\.\\pipe\\openssh-ssh-agent' : undefined;
}

/**
 * Throws GuestError with docker-machine's texts for a key file that is not readable, or, where files have modes, is readable for
 * others (P23).
 */
export async function checkKeyFile(path: string, platform: HostFacts['platform']): Promise<void> {
  let mode: number;
  try {
    mode = (await stat(path)).mode & 0o777;
    await readFile(path);
  } catch (error) {
    throw new GuestError({
      code: 'SSH_KEY_UNREADABLE',
      verbatim: true,
      message: `'${path}' is not readable`,
      reason: messageOf(error),
      nextSteps: ['restore the key from a backup, or give yourself the right to read it'],
      cause: error,
    });
  }
  if (platform === 'win32' || (mode & 0o077) === 0) return;
  throw new GuestError({
    code: 'SSH_KEY_TOO_OPEN',
    verbatim: true,
    message: `permissions 0${mode.toString(8).padStart(3, '0')} for '${path}' are too open`,
    reason: 'other users of this computer can read the private key',
    nextSteps: [`chmod 600 '${path}'`],
  });
}

/** The key in a file, or undefined for one with a passphrase. Throws GuestError for a file that is no private key. */
async function readKey(path: string): Promise<Buffer | undefined> {
  const { utils } = (await import('ssh2')).default;
  const content = await readFile(path);
  const parsed = utils.parseKey(content);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key !== undefined && !('message' in key)) {
    if (key.isPrivateKey()) return content;
    throw keyIsBroken(path, 'it is a public key');
  }
  if (/encrypted|passphrase/i.test(key?.message ?? '')) return undefined;
  throw keyIsBroken(path, key?.message ?? 'it is empty');
}

function keyIsBroken(path: string, reason: string): GuestError {
  return new GuestError({
    code: 'SSH_KEY_BROKEN',
    message: `"${path}" is not a private SSH key`,
    reason,
    nextSteps: ['restore the key from a backup'],
  });
}

function keyIsLocked(path: string): GuestError {
  return new GuestError({
    code: 'SSH_KEY_LOCKED',
    message: `The SSH key "${path}" has a passphrase`,
    reason: 'nobody can be asked for it here, and no SSH agent runs',
    nextSteps: [
      'start an agent and add the key to it: eval "$(ssh-agent)" && ssh-add',
      'or use a key without passphrase',
    ],
  });
}
