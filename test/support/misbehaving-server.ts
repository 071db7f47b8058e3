import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** How one request is answered, well or badly. */
export type Behaviour = (request: IncomingMessage, response: ServerResponse) => void;

export interface MisbehavingServer {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  readonly port: number;
  /** Every request so far. */
  readonly requests: readonly { readonly path: string; readonly headers: IncomingMessage['headers'] }[];
  /** Consecutive requests for `path` get these; the last one stays. */
  on(path: string, ...behaviours: readonly Behaviour[]): void;
  /** Resolves when `count` requests have come in. */
  seen(count: number): Promise<void>;
  close(): Promise<void>;
}

/** An HTTP server on loopback that fails in the ways that networks do. With `tls` (PEM) it serves https under the name localhost. */
export async function startMisbehavingServer(tls?: {
  readonly key: string;
  readonly cert: string;
}): Promise<MisbehavingServer> {
  const scripts = new Map<string, Behaviour[]>();
  const requests: { path: string; headers: IncomingMessage['headers'] }[] = [];
  const sockets = new Set<Socket>();
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? '/';
    requests.push({ path, headers: request.headers });
    const script = scripts.get(path) ?? [];
    const behaviour = script.length > 1 ? script.shift() : script[0];
    (behaviour ?? status(404))(request, response);
    server.emit('answering');
  };
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server.address());
  return {
    origin: tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`,
    port,
    requests,
    on: (path, ...behaviours) => void scripts.set(path, [...behaviours]),
    seen: async (count) => {
      while (requests.length < count) await once(server, 'answering');
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export function portOf(address: string | AddressInfo | null): number {
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

export interface FileVersion {
  readonly content: Uint8Array;
  readonly etag?: string;
  readonly lastModified?: string;
}

/** A well-behaved file: Range with If-Range, If-None-Match, If-Modified-Since. */
export function file(version: FileVersion): Behaviour {
  return (request, response) => {
    const { content } = version;
    const headers = validatorHeaders(version);
    const notModified =
      (version.etag !== undefined && request.headers['if-none-match'] === version.etag) ||
      (version.lastModified !== undefined && request.headers['if-modified-since'] === version.lastModified);
    if (notModified) return void response.writeHead(304, headers).end();
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? Number.NaN);
    const condition = request.headers['if-range'];
    if (
      Number.isNaN(start) ||
      (condition !== undefined && condition !== (version.etag ?? version.lastModified))
    ) {
      return void response.writeHead(200, { ...headers, 'content-length': content.length }).end(content);
    }
    if (start >= content.length) {
      return void response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
    }
    const rest = content.subarray(start);
    const range = `bytes ${start}-${content.length - 1}/${content.length}`;
    response.writeHead(206, { ...headers, 'content-length': rest.length, 'content-range': range }).end(rest);
  };
}

/** A whole answer whatever was asked for. */
export function fileWithoutRanges(version: FileVersion): Behaviour {
  return (_, response) => {
    const headers = { ...validatorHeaders(version), 'content-length': version.content.length };
    response.writeHead(200, headers).end(version.content);
  };
}

/** The rest that was asked for, without a look at If-Range. */
export function fileWithBlindRanges(version: FileVersion): Behaviour {
  return (request, response) => {
    delete request.headers['if-range'];
    file(version)(request, response);
  };
}

/** Of a range it sends at most `bytes`, and ends as if that were all: allowed, and done by some mirrors. */
export function fileInSlices(bytes: number, version: FileVersion): Behaviour {
  return (request, response) => {
    const total = version.content.length;
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const slice = version.content.subarray(start, start + bytes);
    const range = `bytes ${start}-${start + slice.length - 1}/${total}`;
    response.writeHead(206, {
      ...validatorHeaders(version),
      'content-length': slice.length,
      'content-range': range,
    });
    response.end(slice);
  };
}

/** Lets `bytes` of the answer's body through, then resets the connection. */
export function cutAfter(bytes: number, behaviour: Behaviour): Behaviour {
  return limited(bytes, behaviour, ({ socket }) => {
    // Node resets plain sockets only; a TLS one ends without its farewell, which is as bad.
    if (socket instanceof TLSSocket) socket.destroy();
    else socket?.resetAndDestroy();
  });
}

/** Lets `bytes` of the answer's body through, then sends nothing more, and `onStalled` is called. */
export function stallAfter(bytes: number, behaviour: Behaviour, onStalled: () => void): Behaviour {
  return limited(bytes, behaviour, onStalled);
}

/** Answers nothing at all, not even a status. */
export function silent(onRequest: () => void): Behaviour {
  return () => onRequest();
}

/** Announces more bytes than it sends, then ends as if all were well. */
export function shortOf(announced: number, version: FileVersion): Behaviour {
  return (_, response) => {
    response.writeHead(200, { ...validatorHeaders(version), 'content-length': announced });
    response.write(version.content, () => response.socket?.end());
  };
}

/** Sends the file in chunks, without saying how long it is. */
export function withoutLength(version: FileVersion): Behaviour {
  return (_, response) => void response.writeHead(200, validatorHeaders(version)).end(version.content);
}

export function status(code: number, headers: Record<string, string> = {}, body = ''): Behaviour {
  return (_, response) => void response.writeHead(code, headers).end(body);
}

export function redirect(location: string, code = 302): Behaviour {
  return status(code, { location });
}

/** What a captive portal or a proxy shows in place of the file. */
export function webPage(title: string): Behaviour {
  const html = `<!DOCTYPE html>\n<html><head><title>${title}</title></head><body>Please log in.</body></html>`;
  return status(200, { 'content-type': 'text/html' }, html);
}

function validatorHeaders(version: FileVersion): Record<string, string> {
  return {
    'content-type': 'application/octet-stream',
    'accept-ranges': 'bytes',
    ...(version.etag === undefined ? {} : { etag: version.etag }),
    ...(version.lastModified === undefined ? {} : { 'last-modified': version.lastModified }),
  };
}

/** Runs `behaviour` but sends only the first bytes of its body, then does `after`. */
function limited(bytes: number, behaviour: Behaviour, after: (response: ServerResponse) => void): Behaviour {
  return (request, response) => {
    const end = response.end.bind(response);
    const cut = (body: unknown) => {
      const content = body instanceof Uint8Array ? body : Buffer.from(String(body ?? ''));
      if (content.length <= bytes) return end(content);
      response.write(content.subarray(0, bytes), () => after(response));
      return response;
    };
    Object.assign(response, { end: cut });
    behaviour(request, response);
  };
}
