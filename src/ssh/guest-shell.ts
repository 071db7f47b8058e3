import type { ClientCallback, ClientChannel } from 'ssh2';
import { withDeadline } from '../core/deadline.js';
import { GuestError, messageOf, TimedOutError } from '../core/errors.js';
import type { Clock, GuestResult, GuestShell } from '../core/ports.js';
import type { Connection } from './client.js';
import { type Running, watch } from './exit-status.js';
import { quote } from './quote.js';

/** As much as our own programs may say on one stream. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

/** A command that hangs (a broken disk, a service that never stops) must not hold the machine's lock for ever. */
const DEFAULT_LIMIT_MS = 15 * 60_000;

/**
 * Scripts in a guest over an open connection. A script and its arguments together may be 128 KiB long (Linux's limit for one
 * argument); whatever is larger goes in as `input`.
 */
export function guestShell(
  connection: Connection,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): GuestShell {
  return {
    run: async (script, args = [], { input = '', timeoutMs = DEFAULT_LIMIT_MS } = {}) => {
      const output = new Output();
      const command = ['sh', '-c', script, 'sh', ...args].map(quote).join(' ');
      const work = () => Promise.race([runCommand(connection, command, input, output), connection.ended]);
      return withDeadline(work, {
        ms: timeoutMs,
        clock,
        signal,
        late: () => output.tooLate(timeoutMs),
      }).finally(() => output.stop());
    },
  };
}

/** What a command has said so far, and the way to end it. */
class Output {
  readonly stdout: Buffer[] = [];
  readonly stderr: Buffer[] = [];
  #channel: ClientChannel | undefined;
  #stopped = false;

  listenTo(channel: ClientChannel): void {
    this.#channel = channel;
    if (this.#stopped) channel.close();
  }

  /** Lets go of a command that has not ended: without a terminal sshd leaves it running, but it is not heard any more. */
  stop(): void {
    this.#stopped = true;
    this.#channel?.close();
  }

  tooLate(timeoutMs: number): TimedOutError {
    const said = Buffer.concat([...this.stdout, ...this.stderr])
      .toString('utf8')
      .trim();
    const lastSeen = said.split('\n').at(-1) ?? '';
    return new TimedOutError({
      code: 'GUEST_COMMAND_TIMED_OUT',
      message: `A command in the guest did not end within ${Math.round(timeoutMs / 1000)} s`,
      reason: lastSeen === '' ? 'it said nothing' : `the last it said: ${lastSeen}`,
      nextSteps: ['look at the machine: tmachine ssh NAME'],
      lastSeen,
    });
  }
}

async function runCommand(
  connection: Connection,
  command: string,
  input: string | Uint8Array,
  output: Output,
): Promise<GuestResult> {
  const { channel, status } = await openCommand(connection, command);
  output.listenTo(channel);
  const tooLong = new Promise<never>((_, reject) => {
    collect(channel, output.stdout, reject);
    collect(channel.stderr, output.stderr, reject);
  });
  channel.end(input);
  try {
    return {
      status: await Promise.race([status, tooLong]),
      stdout: Buffer.concat(output.stdout).toString('utf8'),
      stderr: Buffer.concat(output.stderr).toString('utf8'),
    };
  } finally {
    output.stop();
  }
}

function collect(
  stream: NodeJS.ReadableStream,
  chunks: Buffer[],
  tooMuch: (error: GuestError) => void,
): void {
  let length = 0;
  stream.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= MAX_OUTPUT_BYTES) chunks.push(chunk);
    else {
      tooMuch(
        new GuestError({
          code: 'GUEST_OUTPUT_TOO_LONG',
          message: 'A command in the guest said more than 16 MiB',
          reason: 'that is more than any command of ours says: its output is not used',
        }),
      );
    }
  });
}

/** Starts a command; without `pty`, for programs. Throws GuestError when sshd does not let us. */
export function openCommand({ client, ended }: Connection, command: string): Promise<Running> {
  const opened = new Promise<Running>((resolve, reject) => {
    client.exec(command, startedOr(resolve, reject));
  });
  return Promise.race([opened, ended]);
}

/** The callback of ssh2's `exec` and `shell`. */
export function startedOr(
  resolve: (running: Running) => void,
  reject: (error: GuestError) => void,
): ClientCallback {
  return (error, channel) => {
    if (error === undefined || error === null) resolve(watch(channel));
    else reject(commandRefused(error));
  };
}

/** sshd took the login but starts nothing: a forced command, a full process table, no shell. */
function commandRefused(error: unknown): GuestError {
  return new GuestError({
    code: 'SSH_COMMAND_REFUSED',
    message: 'The guest would not start a command',
    reason: messageOf(error),
    nextSteps: ["look at the end of the machine's console, and at its memory and disk"],
    cause: error,
  });
}
