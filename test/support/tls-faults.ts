import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createCertificateAuthority } from '../../src/certs/authority.js';
import type { CertificateAuthority, CertifiedKey } from '../../src/core/ports.js';
import { spawnServer } from './child-server.js';
import { HeldClock } from './fake-clock.js';

/** Something on loopback that can be connected to. */
export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

/** Our own authority, working at another time than now. */
export function authorityAt(nowMs: number): CertificateAuthority {
  return createCertificateAuthority({
    clock: new HeldClock(nowMs),
    random: { bytes: (count) => randomBytes(count) },
  });
}

/** What a Docker engine answers to `/_ping` and `/version`, with and without an API version in the path. */
export const engine: RequestListener = (request, response) => {
  response.setHeader('Api-Version', '1.45');
  response.setHeader('Ostype', 'linux');
  if (request.url?.endsWith('/_ping')) {
    response.end('OK');
    return;
  }
  if (!request.url?.endsWith('/version')) {
    response.writeHead(404).end('{"message":"page not found"}');
    return;
  }
  response.setHeader('Content-Type', 'application/json');
  const version = {
    Version: '26.1.5',
    ApiVersion: '1.45',
    MinAPIVersion: '1.24',
    Os: 'linux',
    Arch: 'amd64',
  };
  response.end(JSON.stringify(version));
};

/** An engine that demands certificates of `ca`, on 127.0.0.1 or another address of this computer. */
export async function startEngine(
  server: CertifiedKey,
  ca: string,
  answer: RequestListener = engine,
  address = '127.0.0.1',
): Promise<Listener> {
  const https = createHttpsServer(
    { cert: server.certificate, key: server.key, ca, requestCert: true, rejectUnauthorized: true },
    answer,
  );
  return listen(https, address);
}

/** A server that does with each TCP connection what the test says. */
export async function startRaw(onConnection: (socket: Socket) => void): Promise<Listener> {
  return listen(
    createServer((socket) => {
      socket.on('error', () => undefined); // the other side hanging up is what many tests are about
      onConnection(socket);
    }),
    '127.0.0.1',
  );
}

async function listen(server: Server, address: string): Promise<Listener> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.listen(0, address);
  await once(server, 'listening');
  return {
    port: portOf(server),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** A port on which nothing listens. */
export async function closedPort(): Promise<number> {
  const server = await startRaw(() => undefined);
  await server.close();
  return server.port;
}

/**
 * OpenSSL's own server, which refuses clients that `ca` has not signed with the TLS alert that says so (Node's server just hangs up).
 * It answers HTTP with a page of its own.
 */
export async function startOpensslServer(
  server: CertifiedKey,
  ca: string,
  args: readonly string[] = [],
): Promise<Listener> {
  const folder = await mkdtemp(join(tmpdir(), 'tmachine-s-server-'));
  await writeFile(join(folder, 'ca.pem'), ca);
  await writeFile(join(folder, 'cert.pem'), server.certificate);
  await writeFile(join(folder, 'key.pem'), server.key);
  const fixed = [
    '-cert',
    'cert.pem',
    '-key',
    'key.pem',
    '-CAfile',
    'ca.pem',
    '-Verify',
    '2',
    '-verify_return_error',
  ];
  const child = spawnServer('openssl', ['s_server', '-accept', '127.0.0.1:0', '-www', ...fixed, ...args], {
    cwd: folder,
    reads: 'stdout',
  });
  const port = Number(await waitForText(child, /ACCEPT 127\.0\.0\.1:(\d+)/));
  return {
    port,
    close: async () => {
      await end(child);
      await rm(folder, { recursive: true });
    },
  };
}

/** A port that takes no connection and refuses none, as behind a firewall that swallows packets: a stopped process, its queue full. */
export async function startBlackHole(): Promise<Listener> {
  const script =
    "require('net').createServer().listen({port:0,host:'127.0.0.1',backlog:1},function(){console.log('pid and port '+process.pid+' '+this.address().port)})";
  const child = spawnServer(process.execPath, ['-e', script], { reads: 'stdout' });
  const [pid = 0, port = 0] = (await waitForText(child, /pid and port (\d+ \d+)/)).split(' ').map(Number);
  process.kill(pid, 'SIGSTOP');
  const waiting = Array.from({ length: 4 }, () =>
    connect({ port, host: '127.0.0.1' }).on('error', () => undefined),
  );
  await Promise.race(waiting.map((socket) => once(socket, 'connect')));
  return {
    port,
    close: async () => {
      for (const socket of waiting) socket.destroy();
      await end(child);
    },
  };
}

async function waitForText(child: ChildProcess, pattern: RegExp): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    const match = pattern.exec(text);
    if (match?.[1] !== undefined) return match[1];
  }
  throw new Error(`the program ended without saying ${pattern}: ${text}`);
}

async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}
