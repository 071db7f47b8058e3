import { connect, type Socket } from 'node:net';
import type { Client } from 'ssh2';
import { withDeadline } from '../core/deadline.js';
import type { SshTarget } from '../core/driver.js';
import { InterruptedError, TmachineError, throwIfInterrupted } from '../core/errors.js';
import type { Clock, SshConnectOptions } from '../core/ports.js';
import {
  connectFailure,
  connectionLost,
  handshakeFailed,
  hostKeyChanged,
  hungUp,
  loginRefused,
  timedOut,
} from './failures.js';
import { type Logins, readLogins, type UserFacts } from './logins.js';

/** A guest that went away is noticed after a minute of silence. */
const KEEPALIVE_MS = 15_000;
const KEEPALIVE_MISSES = 3;
/** How long a guest may take to close a connection before we just drop it. */
const CLOSE_MS = 1_000;

/** A login in a guest. */
export interface Connection {
  readonly client: Client;
  /** The key that the guest showed, as `type base64`. */
  readonly hostKey: string;
  /** Rejects when the connection ends for any reason, with the caller's interruption or GuestError; never resolves. */
  readonly ended: Promise<never>;
  close(): Promise<void>;
}

export interface ClientWorld {
  /** From sign of life to sign of life while nothing else is sent; default 15 s. */
  readonly keepaliveMs?: number;
  readonly clock: Clock;
  readonly facts: UserFacts;
}

/**
 * Logs in. The host key is compared with the pinned one before any key of ours is offered (P24). The signal ends the connection
 * at once, now and later. Throws GuestError with the cause told apart, or the signal's reason.
 */
export async function openConnection(
  target: SshTarget,
  options: SshConnectOptions,
  world: ClientWorld,
): Promise<Connection> {
  const logins = await readLogins(target, world.facts);
  return withDeadline((starting) => logIn(target, options, { ...world, logins, starting }), {
    ms: options.timeoutMs,
    clock: world.clock,
    signal: options.signal,
    late: () => timedOut(target),
  });
}

interface LoginWorld extends ClientWorld {
  readonly logins: Logins;
  /** Raised when connecting and logging in takes too long. */
  readonly starting: AbortSignal;
}

async function logIn(target: SshTarget, options: SshConnectOptions, world: LoginWorld): Promise<Connection> {
  const { Client } = (await import('ssh2')).default;
  const socket = await connectTcp(target, world.starting);
  throwIfInterrupted(world.starting);
  const client = new Client();
  const seen: Seen = { hostKey: '', error: undefined };
  client.on('error', (error) => {
    // An agent that does not answer is passed over, as `ssh` does; the next login is tried.
    if (error.level !== 'agent') seen.error ??= error;
  });
  const closed = new Promise<void>((resolve) => client.on('close', resolve));
  const drop = () => socket.destroy();
  world.starting.addEventListener('abort', drop, { once: true });

  const ready = new Promise<void>((resolve) => client.on('ready', resolve));
  client.connect({
    sock: socket,
    username: target.user,
    readyTimeout: 0, // the whole of it is limited by our own clock
    keepaliveInterval: world.keepaliveMs ?? KEEPALIVE_MS,
    keepaliveCountMax: KEEPALIVE_MISSES,
    algorithms: { serverHostKey: hostKeyAlgorithms(options.hostKey) },
    hostVerifier: (key: Buffer) => {
      seen.hostKey = hostKeyOf(key);
      return options.hostKey === undefined || options.hostKey === seen.hostKey;
    },
    authHandler: [...world.logins.methods],
  });
  const answer = await Promise.race([ready.then(() => 'ready'), closed.then(() => 'closed')]);
  world.starting.removeEventListener('abort', drop);
  if (answer === 'closed') throw loginFailure(target, options, socket, seen, world.logins);
  return connectionOf(client, target, options.signal, { socket, seen, closed, clock: world.clock });
}

/** What the protocol told while the login was on its way. */
interface Seen {
  hostKey: string;
  error: (Error & { level?: string }) | undefined;
}

async function connectTcp(target: SshTarget, starting: AbortSignal): Promise<Socket> {
  throwIfInterrupted(starting);
  const socket = connect({ host: target.host, port: target.port, noDelay: true });
  const drop = () => socket.destroy();
  starting.addEventListener('abort', drop, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (error) => reject(connectFailure(error, target)));
    });
    return socket;
  } finally {
    starting.removeEventListener('abort', drop);
  }
}

/** The names of the signatures that a type of host key makes (RFC 8332 for RSA). */
const RSA_SIGNATURES = ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'] as const;
const HOST_KEY_ALGORITHMS = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  ...RSA_SIGNATURES,
] as const;

/** The pinned type first: a guest may get keys of other types later, and must still show the one that is known. */
function hostKeyAlgorithms(pinned: string | undefined): (typeof HOST_KEY_ALGORITHMS)[number][] {
  const type = pinned?.split(' ')[0];
  const isPinned = (name: string) =>
    type === 'ssh-rsa' ? RSA_SIGNATURES.some((rsa) => rsa === name) : name === type;
  return [...HOST_KEY_ALGORITHMS.filter(isPinned), ...HOST_KEY_ALGORITHMS.filter((name) => !isPinned(name))];
}

/** `type base64`; the type stands at the head of the key itself. */
function hostKeyOf(key: Buffer): string {
  const type = key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1');
  return `${type} ${key.toString('base64')}`;
}

function loginFailure(
  target: SshTarget,
  options: SshConnectOptions,
  socket: Socket,
  { hostKey, error }: Seen,
  logins: Logins,
): TmachineError {
  if (options.hostKey !== undefined && hostKey !== '' && hostKey !== options.hostKey) {
    return hostKeyChanged(target, options.hostKey, hostKey);
  }
  if (
    error?.level === 'client-authentication' ||
    /too many authentication failures/i.test(error?.message ?? '')
  ) {
    return loginRefused(target, logins.description, error);
  }
  if (socket.bytesRead === 0) return hungUp(target, error);
  return error?.level === 'handshake' || error?.level === 'protocol'
    ? handshakeFailed(target, error)
    : connectionLost(target, error);
}

function connectionOf(
  client: Client,
  target: SshTarget,
  signal: AbortSignal,
  { socket, seen, closed, clock }: { socket: Socket; seen: Seen; closed: Promise<void>; clock: Clock },
): Connection {
  // A signal of its own: many connections may share the caller's, and Node warns from eleven listeners on.
  const interrupted = AbortSignal.any([signal]);
  const ended = new Promise<never>((_, reject) => {
    const interrupt = () => {
      socket.destroy();
      reject(signal.reason instanceof TmachineError ? signal.reason : new InterruptedError());
    };
    interrupted.addEventListener('abort', interrupt, { once: true });
    if (interrupted.aborted) interrupt();
    // By the event itself, not by `closed`: the reason must be known before the channels hear that they are closed.
    client.on('close', () => {
      interrupted.removeEventListener('abort', interrupt);
      reject(connectionLost(target, seen.error));
    });
  });
  ended.catch(() => undefined); // whoever uses the connection then hears it; when nobody does, it is no fault
  return {
    client,
    hostKey: seen.hostKey,
    ended,
    close: async () => {
      client.end();
      const patience = new AbortController();
      await Promise.race([closed, clock.sleep(CLOSE_MS, patience.signal).catch(() => undefined)]);
      patience.abort();
      socket.destroy();
    },
  };
}
