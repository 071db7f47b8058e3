import { mkdtemp, rm, symlink } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { messageOf, TmachineError, throwIfInterrupted } from '../../core/errors.js';
import { isJsonObject, type JsonObject } from '../../core/json.js';
import type { Clock } from '../../core/ports.js';
import { systemErrorCode } from '../../core/system-error.js';

/** Where a QEMU listens for its owner. */
export type MonitorAddress =
  | {
      readonly kind: 'unix';
      /** Of the socket; may be longer than a socket's path may be. */
      readonly directory: string;
      readonly fileName: string;
      /** Where a short way to `directory` may be laid for the time of a connection. */
      readonly temporaryDirectory: string;
    }
  | {
      /** On 127.0.0.1; whoever lacks the key is turned away in the handshake. */
      readonly kind: 'tls';
      readonly port: number;
      readonly key: Uint8Array;
    };

export interface MonitorOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** For the whole exchange. QEMU serves one client at a time: another tmachine may be before us. */
  readonly timeoutMs: number;
}

/** QEMU did not do what it was asked. */
export class MonitorError extends TmachineError {
  /** absent: nobody listens; silent: somebody does, but does not answer in time; refused: the command failed. */
  readonly fault: 'absent' | 'silent' | 'refused';

  constructor(fault: MonitorError['fault'], reason: string, cause?: unknown) {
    super({ code: 'QEMU_MONITOR', message: 'QEMU does not answer on its control socket', reason, cause });
    this.fault = fault;
  }
}

/** The name that QEMU's key file gives our key. */
export const MONITOR_USER = 'tmachine';

export type MonitorCommand = 'system_powerdown' | 'quit' | 'query-status' | 'cont';

const TURN_PAUSE_MS = 20;
/** Certain, however long it took to find out. */
const NOBODY_THERE: ReadonlySet<string> = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTDIR', 'ENOTSOCK']);

/**
 * Sends one command and returns QEMU's answer; the connection lives only so long. Read line by line: events come at any time, also glued
 * to an answer. Throws MonitorError, or the signal's reason.
 */
export async function askMonitor(
  address: MonitorAddress,
  command: MonitorCommand,
  options: MonitorOptions,
): Promise<JsonObject> {
  throwIfInterrupted(options.signal);
  const ended = new AbortController();
  let socket: Socket | undefined;
  let isLate = false;
  /** QEMU keeps a queue of two; a further client is told to try again. */
  const waitForTurn = async (error: unknown): Promise<undefined> => {
    if (systemErrorCode(error) !== 'EAGAIN') throw error;
    await options.clock.sleep(TURN_PAUSE_MS, options.signal);
  };
  const cut = () => {
    isLate = true;
    socket?.destroy();
  };
  const deadline = options.clock
    .sleep(options.timeoutMs, AbortSignal.any([ended.signal, options.signal]))
    .then(cut, () => options.signal.aborted && cut());
  try {
    while (socket === undefined) {
      socket = await dial(address).catch(waitForTurn);
      // The deadline may have passed while there was no socket to cut.
      if (isLate) throw new Error('no connection in time');
    }
    return await converse(socket, command, address.kind);
  } catch (error) {
    throwIfInterrupted(options.signal);
    if (error instanceof MonitorError) throw error;
    const isLateOnly = isLate && !NOBODY_THERE.has(systemErrorCode(error) ?? '');
    if (isLateOnly) throw new MonitorError('silent', `no answer within ${options.timeoutMs} ms`, error);
    throw new MonitorError('absent', messageOf(error), error);
  } finally {
    ended.abort();
    socket?.destroy();
    await deadline;
  }
}

/** The greeting, the handshake that every QMP connection begins with, then the command. */
async function converse(
  socket: Socket,
  command: MonitorCommand,
  kind: MonitorAddress['kind'],
): Promise<JsonObject> {
  let isGreeted = false;
  for await (const line of linesOf(socket)) {
    const message: unknown = JSON.parse(line);
    if (!isJsonObject(message)) continue;
    if (!isGreeted && 'QMP' in message) {
      isGreeted = true;
      await send(socket, { execute: 'qmp_capabilities', id: 'hello' }, kind);
    } else if ('error' in message) {
      throw new MonitorError('refused', `"${command}": ${describeRefusal(message['error'])}`);
    } else if ('return' in message && message['id'] === 'hello') {
      await send(socket, { execute: command, id: 'command' }, kind);
    } else if ('return' in message && message['id'] === 'command') {
      return isJsonObject(message['return']) ? message['return'] : {};
    }
    // Anything else is an event.
  }
  throw new Error('the connection was closed');
}

/**
 * QEMU reads commands byte by byte, and forgets to look for bytes that its TLS layer has decrypted already: it waits for ever after the first
 * one of a record (seen with QEMU 7.2). So over TLS every byte is a record of its own.
 */
async function send(socket: Socket, message: JsonObject, kind: MonitorAddress['kind']): Promise<void> {
  const line = `${JSON.stringify(message)}\n`;
  for (const piece of kind === 'tls' ? line : [line]) {
    await new Promise<void>((resolve, reject) => {
      socket.write(piece, (error) => (error ? reject(error) : resolve()));
    });
  }
}

function describeRefusal(error: unknown): string {
  return isJsonObject(error) && typeof error['desc'] === 'string' ? error['desc'] : JSON.stringify(error);
}

async function* linesOf(socket: Socket): AsyncGenerator<string> {
  socket.setEncoding('utf8');
  let rest = '';
  for await (const chunk of socket) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield line;
  }
}

function dial(address: MonitorAddress): Promise<Socket> {
  return address.kind === 'unix' ? dialUnix(address) : dialTls(address);
}

/** Linux takes 107 bytes as a socket's path, macOS 103. */
const LONGEST_SOCKET_PATH = 100;

async function dialUnix(address: Extract<MonitorAddress, { kind: 'unix' }>): Promise<Socket> {
  const { connect: connectSocket } = await import('node:net');
  const path = join(address.directory, address.fileName);
  if (Buffer.byteLength(path) <= LONGEST_SOCKET_PATH) return opened(connectSocket({ path }));
  // The limit is for the text of the path, not for where it leads.
  const shortDirectory = await mkdtemp(join(shortest(address.temporaryDirectory), 'tm-'));
  try {
    const link = join(shortDirectory, 'm');
    await symlink(address.directory, link);
    return await opened(connectSocket({ path: join(link, address.fileName) }));
  } finally {
    await rm(shortDirectory, { recursive: true, force: true });
  }
}

/** A user's temporary directory may itself be too long for a socket below it. */
function shortest(temporaryDirectory: string): string {
  return Buffer.byteLength(temporaryDirectory) <= 60 ? temporaryDirectory : '/tmp';
}

async function dialTls(address: Extract<MonitorAddress, { kind: 'tls' }>): Promise<Socket> {
  const { connect: connectTls } = await import('node:tls');
  const socket = connectTls({
    host: '127.0.0.1',
    port: address.port,
    // The key proves both sides to each other; there are no certificates, and TLS 1.3 has no cipher list for keys in OpenSSL.
    ciphers: 'PSK',
    maxVersion: 'TLSv1.2',
    checkServerIdentity: () => undefined,
    pskCallback: () => ({ identity: MONITOR_USER, psk: address.key }),
  });
  return opened(socket, 'secureConnect');
}

async function opened(socket: Socket, event: 'connect' | 'secureConnect' = 'connect'): Promise<Socket> {
  await new Promise<void>((resolve, reject) => {
    socket.once(event, resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
  });
  // From here on the reader meets errors; without a listener a late one would end the process.
  socket.on('error', () => {});
  return socket;
}
