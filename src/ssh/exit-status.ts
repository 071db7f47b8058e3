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

/**
 * Resolves, once all that a command said has been read on both streams, with its exit status, or 128 + the number of the signal that ended
 * it. Throws GuestError when the channel closes without either.
 */
export async function channelStatus(channel: ClientChannel): Promise<number> {
  let status: number | undefined;
  channel.on('exit', (code: number | null, signal?: string) => {
    status = exitStatus(code, signal);
  });
  const closed = (stream: NodeJS.EventEmitter) =>
    new Promise<void>((resolve) => {
      stream.once('close', resolve);
    });
  await Promise.all([closed(channel), closed(channel.stderr)]);
  if (status !== undefined) return status;
  throw new GuestError({
    code: 'GUEST_COMMAND_CUT',
    message: 'A command in the guest ended without saying how',
    reason: 'the connection was closed in the middle of it',
    nextSteps: ['look whether the machine still runs: tmachine ls'],
  });
}

/** What a shell would say of the same end: the status, or 128 + the signal's number (128 for a signal without one). */
function exitStatus(code: number | null, signal: string | undefined): number {
  return code ?? 128 + (SIGNALS[(signal ?? '').replace(/^SIG/, '')] ?? 0);
}
