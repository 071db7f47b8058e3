import { createHash } from 'node:crypto';
import type { SshTarget } from '../core/driver.js';
import { GuestError, messageOf } from '../core/errors.js';
import { systemErrorCode } from '../core/system-error.js';

/** `host:port` for a message; brackets around an IPv6 address. */
export function placeOf({ host, port }: SshTarget): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** No TCP connection. */
export function connectFailure(error: unknown, target: SshTarget): GuestError {
  const message = `Could not connect to SSH at ${placeOf(target)}`;
  switch (codeOf(error)) {
    case 'ECONNREFUSED':
      return new GuestError({
        code: 'SSH_REFUSED',
        message,
        reason: 'nothing listens on that port: the machine is not running, or is still starting',
        nextSteps: ['look whether it runs: tmachine ls'],
        cause: error,
      });
    case 'ECONNRESET':
    case 'ECONNABORTED':
      return hungUp(target, error);
    case 'ETIMEDOUT':
      return timedOut(target);
    default:
      return new GuestError({
        code: 'SSH_NO_ROUTE',
        message,
        reason: `this computer has no way to that address (${messageOf(error)})`,
        nextSteps: [
          "look at the machine's address: tmachine ls",
          'look at the network and the VPN of this computer',
        ],
        cause: error,
      });
  }
}

/** The time for connecting and logging in is over. */
export function timedOut(target: SshTarget): GuestError {
  return new GuestError({
    code: 'SSH_TIMED_OUT',
    message: `Could not log in by SSH at ${placeOf(target)} in time`,
    reason:
      'nobody answered: the machine hangs or is still starting, or a firewall or VPN swallows the packets',
    nextSteps: ['look whether it runs: tmachine ls'],
  });
}

/** Accepted and closed without a greeting: a port forwarder with nothing behind it, or an sshd that takes nobody now. */
export function hungUp(target: SshTarget, cause?: unknown): GuestError {
  return new GuestError({
    code: 'SSH_HUNG_UP',
    message: `SSH at ${placeOf(target)} hung up before it said anything`,
    reason: 'the guest is still starting or stopping, or its sshd takes no more connections for now',
    nextSteps: ['wait a moment and run the command again', 'look whether the machine runs: tmachine ls'],
    cause,
  });
}

/** P24: the pinned key and the shown one differ. Nothing has been sent but the key exchange. */
export function hostKeyChanged(target: SshTarget, pinned: string, shown: string): GuestError {
  return new GuestError({
    code: 'SSH_HOST_KEY_CHANGED',
    message: `The SSH host key at ${placeOf(target)} is not the one of this machine`,
    reason: `the key known is ${describeKey(pinned)}, the key shown is ${describeKey(shown)}: the guest was made anew, or another computer answers in its place; the login was not tried`,
    nextSteps: [
      'if you did not replace the guest, find out who answers at that address before you go on',
      'if you did, take the new key and set the guest up again: tmachine provision --accept-new-host-key NAME',
    ],
  });
}

/** As OpenSSH shows a key: `ED25519 SHA256:...`. */
function describeKey(key: string): string {
  const [type = '', base64 = ''] = key.split(' ');
  const digest = createHash('sha256').update(Buffer.from(base64, 'base64')).digest('base64');
  const name = type.replace(/^ssh-|-sha2-.*$/g, '').toUpperCase();
  return `${name} SHA256:${digest.replace(/=+$/, '')}`;
}

/** The guest accepts none of our keys. `tried`: what was offered, in words. */
export function loginRefused(target: SshTarget, tried: string, cause: unknown): GuestError {
  return new GuestError({
    code: 'SSH_LOGIN_REFUSED',
    message: `SSH at ${placeOf(target)} refused the login of "${target.user}"`,
    reason: `the guest does not accept ${tried}`,
    nextSteps: [
      target.keyPath === undefined
        ? 'put the public key of this computer into ~/.ssh/authorized_keys of that user'
        : `put "${target.keyPath}.pub" into ~/.ssh/authorized_keys of that user, on the machine's console`,
    ],
    cause,
  });
}

/** Whatever else goes wrong before the login stands: no common algorithm, a broken protocol. */
export function handshakeFailed(target: SshTarget, error: unknown): GuestError {
  return new GuestError({
    code: 'SSH_HANDSHAKE_FAILED',
    message: `Could not agree on an SSH connection with ${placeOf(target)}`,
    reason: messageOf(error),
    nextSteps: [
      'make sure that an sshd of this machine answers there and no other program',
      'an sshd that allows only very new or very old algorithms has to allow others too',
    ],
    cause: error,
  });
}

/** The connection broke after the login. */
export function connectionLost(target: SshTarget, cause: unknown): GuestError {
  return new GuestError({
    code: 'SSH_CONNECTION_LOST',
    message: `The SSH connection to ${placeOf(target)} was lost`,
    reason: cause === undefined ? 'the guest closed it' : messageOf(cause),
    nextSteps: ['look whether the machine still runs: tmachine ls'],
    cause,
  });
}

/** Several addresses tried in turn give one error with a list, whose first member speaks for all. */
function codeOf(error: unknown): string | undefined {
  const hasList = typeof error === 'object' && error !== null && 'errors' in error;
  return systemErrorCode(hasList && Array.isArray(error.errors) ? error.errors[0] : error);
}
