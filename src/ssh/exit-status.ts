import type { ClientChannel } from 'ssh2';
import { GuestError } from '../core/errors.js';

/** The signals that SSH knows (RFC 4254, section 6.10), by their numbers in Linux, where our guests are. */
const SIGNALS: Readonly<Record<string, number>> = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  ABRT: 6,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
};

/** A command or shell that sshd has started. */
export interface Running {
  readonly channel: ClientChannel;
  /**
   * Resolves, once all that it said has been read on both streams, with its exit status, or 128 + the number of the signal that ended it.
   * Rejects with GuestError when the channel closes without either.
   */
  readonly status: Promise<number>;
}

/**
 * Listens for the end of what has just been started. To be called in the very callback that hands over the channel: of a quick command
 * the exit status stands in the same packet, and nobody hears it a moment later.
 */
export function watch(channel: ClientChannel): Running {
  let status: number | undefined;
  channel.on('exit', (code: number | null, signal?: string) => {
    status = exitStatus(code, signal);
  });
  channel.on('error', () => undefined); // writing to a command that has ended; its status says all
  const closed = (stream: NodeJS.EventEmitter) =>
    new Promise<void>((resolve) => {
      stream.once('close', resolve);
    });
  const ended = Promise.all([closed(channel), closed(channel.stderr)]).then(() => {
    if (status !== undefined) return status;
    throw new GuestError({
      code: 'GUEST_COMMAND_CUT',
      message: 'A command in the guest ended without saying how',
      reason: 'the connection was closed in the middle of it',
      nextSteps: ['look whether the machine still runs: tmachine ls'],
    });
  });
  ended.catch(() => undefined); // heard by whoever still waits for it
  return { channel, status: ended };
}

/** What a shell would say of the same end: the status, or 128 + the signal's number (128 for a signal without one). */
function exitStatus(code: number | null, signal: string | undefined): number {
  return code ?? 128 + (SIGNALS[(signal ?? '').replace(/^SIG/, '')] ?? 0);
}
