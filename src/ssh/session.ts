import type { Connection } from './client.js';
import type { Running } from './exit-status.js';
import { openCommand, startedOr } from './guest-shell.js';

export interface TerminalInput extends NodeJS.ReadableStream {
  readonly isTTY?: boolean | undefined;
  readonly isRaw?: boolean | undefined;
  setRawMode?(raw: boolean): unknown;
}

export interface TerminalOutput extends NodeJS.WritableStream {
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** The streams of whoever called us. */
export interface Terminal {
  readonly stdin: TerminalInput;
  readonly stdout: TerminalOutput;
  readonly stderr: NodeJS.WritableStream;
}

/** What a program gets from its shell whose reader went away: 128 + SIGPIPE. */
const BROKEN_PIPE = 141;

/**
 * A command, or without one the user's shell, with the caller's streams; on a terminal the shell has a terminal too, as `ssh` does it.
 * Resolves with the remote exit status, or 128 + the number of the signal that ended it. The terminal is given back as it was, whatever
 * happens.
 */
export async function runSession(
  connection: Connection,
  command: string | undefined,
  terminal: Terminal,
  terminalType: string,
): Promise<number> {
  const { stdin, stdout, stderr } = terminal;
  const hasTerminal = command === undefined && stdin.isTTY === true;
  const { channel, status } =
    command === undefined
      ? await openShell(connection, hasTerminal ? { ...sizeOf(stdout), term: terminalType } : false)
      : await openCommand(connection, command);
  const wasRaw = stdin.isRaw === true;
  const resize = () => {
    const { rows, cols } = sizeOf(stdout);
    channel.setWindow(rows, cols, 0, 0);
  };
  let readerGone = () => undefined as unknown;
  const brokenPipe = new Promise<number>((resolve) => {
    readerGone = () => resolve(BROKEN_PIPE);
  });
  stdout.on('error', readerGone);
  try {
    if (hasTerminal) {
      stdin.setRawMode?.(true);
      stdout.on('resize', resize);
    }
    stdin.pipe(channel);
    channel.pipe(stdout, { end: false });
    channel.stderr.pipe(stderr, { end: false });
    return await Promise.race([status, connection.ended, brokenPipe]);
  } finally {
    stdout.removeListener('resize', resize);
    stdout.removeListener('error', readerGone);
    stdin.unpipe(channel);
    stdin.pause();
    channel.unpipe(stdout);
    channel.stderr.unpipe(stderr);
    channel.close();
    if (hasTerminal) stdin.setRawMode?.(wasRaw);
  }
}

function sizeOf(stdout: TerminalOutput): { rows: number; cols: number } {
  return { rows: stdout.rows ?? 24, cols: stdout.columns ?? 80 };
}

type Pty = { readonly rows: number; readonly cols: number; readonly term: string };

function openShell({ client, ended }: Connection, pty: Pty | false): Promise<Running> {
  const opened = new Promise<Running>((resolve, reject) => {
    client.shell(pty, startedOr(resolve, reject));
  });
  return Promise.race([opened, ended]);
}
