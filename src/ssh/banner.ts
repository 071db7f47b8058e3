import { connect } from 'node:net';
import { withDeadline } from '../core/deadline.js';
import type { SshTarget } from '../core/driver.js';
import { GuestError } from '../core/errors.js';
import type { Clock } from '../core/ports.js';
import { timedOut } from './failures.js';

/** A server may say other lines before its version (RFC 4253, section 4.2), but not without end. */
const MAX_GREETING_BYTES = 8_192;

/**
 * The version line of whatever SSH server listens, such as `SSH-2.0-OpenSSH_9.2`; undefined when there is none within the time.
 * Throws only the signal's reason.
 */
export async function readBanner(
  target: Pick<SshTarget, 'host' | 'port'>,
  limits: { readonly timeoutMs: number; readonly signal: AbortSignal; readonly clock: Clock },
): Promise<string | undefined> {
  const { timeoutMs, signal, clock } = limits;
  const late = () => timedOut({ ...target, user: '' });
  try {
    return await withDeadline((ended) => versionLine(target, ended), { ms: timeoutMs, clock, signal, late });
  } catch (error) {
    if (error instanceof GuestError) return undefined;
    throw error;
  }
}

function versionLine(
  { host, port }: Pick<SshTarget, 'host' | 'port'>,
  ended: AbortSignal,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = connect({ host, port });
    const finish = (line: string | undefined) => {
      ended.removeEventListener('abort', giveUp);
      socket.destroy();
      resolve(line);
    };
    const giveUp = () => finish(undefined);
    ended.addEventListener('abort', giveUp, { once: true });
    socket.on('error', giveUp);
    socket.on('close', giveUp);
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      const line = /^(SSH-[^\r\n]*)\r?\n/m.exec(heard)?.[1];
      if (line !== undefined || heard.length > MAX_GREETING_BYTES) finish(line);
    });
  });
}
