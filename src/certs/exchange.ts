import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import {
  checkServerIdentity,
  connect as connectTls,
  type PeerCertificate,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { withDeadline } from '../core/deadline.js';
import type { Clock, EngineTarget } from '../core/ports.js';
import { describe } from './facts.js';
import {
  connectFailure,
  exchangeFailure,
  handshakeFailure,
  hostPort,
  lateFailure,
  ProbeFailure,
  type Stage,
} from './probe-failure.js';

/** More than any `/version` is long. */
const MAX_BODY_BYTES = 1_048_576;

export interface EngineResponse {
  readonly body: string;
  /** The Date header, which Go's servers always send; undefined without one. */
  readonly clockMs: number | undefined;
}

export interface ExchangeOptions {
  readonly path: string;
  readonly context: SecureContext;
  readonly clock: Clock;
  /** For the TCP connection alone. */
  readonly connectMs: number;
  readonly signal: AbortSignal;
  readonly onStage: (stage: Stage) => void;
}

/**
 * One GET over TLS with both certificates, by sockets of our own: no agent, no environment, no proxy (P05). Resolves with a 2xx
 * answer, rejects with ProbeFailure. Everything is closed when it ends or the signal is raised.
 */
export async function exchange(target: EngineTarget, options: ExchangeOptions): Promise<EngineResponse> {
  options.onStage('connect');
  const tcp = connectTcp({ host: target.host, port: target.port });
  tcp.on('error', ignore); // each stage hears its errors itself; one that comes late is nobody's
  const close = () => tcp.destroy();
  options.signal.addEventListener('abort', close, { once: true });
  try {
    await withDeadline(() => connected(tcp, target), {
      ms: options.connectMs,
      clock: options.clock,
      signal: options.signal,
      late: () => lateFailure('connect', target),
    });
    options.onStage('handshake');
    const tls = await secured(tcp, target, options);
    options.onStage('answer');
    return await answered(tls, target, options.path);
  } finally {
    options.signal.removeEventListener('abort', close);
    tcp.destroy();
  }
}

function ignore(): void {
  // see where it is used
}

async function connected(tcp: Socket, { host, port }: EngineTarget): Promise<void> {
  try {
    await once(tcp, 'connect');
  } catch (error) {
    throw connectFailure(error, host, port);
  }
}

/**
 * Sets up TLS and then decides by ourselves, before the first byte of HTTP: only so the engine's certificate can be looked at
 * for the explanation. `authorized` covers chain, dates and name.
 */
async function secured(tcp: Socket, target: EngineTarget, options: ExchangeOptions): Promise<TLSSocket> {
  const tls = connectTls({
    socket: tcp,
    host: target.host,
    ...(isIP(target.host) === 0 && { servername: target.host }),
    secureContext: options.context,
    checkServerIdentity: identityFault,
    rejectUnauthorized: false,
  });
  tls.on('error', ignore); // as above
  await new Promise<void>((resolve, reject) => {
    tls.once('secureConnect', resolve);
    tls.once('error', (error) => reject(handshakeFailure(error, target, tcp.bytesRead > 0)));
    tls.once('close', () => reject(handshakeFailure(undefined, target, tcp.bytesRead > 0)));
  });
  if (!tls.authorized) throw verificationFailure(tls, target, options.clock.now());
  return tls;
}

const WRONG_NAME = 'ERR_TLS_CERT_ALTNAME_INVALID';

/**
 * Node's own rule for names; OpenSSL's for addresses, because Node 22.23 takes every IPv6 address for a wrong one (its
 * `domainToASCII` in `checkServerIdentity` makes an empty text of it).
 */
function identityFault(host: string, certificate: PeerCertificate): Error | undefined {
  if (isIP(host) === 0) return checkServerIdentity(host, certificate);
  if (new X509Certificate(certificate.raw).checkIP(host) !== undefined) return undefined;
  return Object.assign(new Error(`the certificate does not name ${host}`), { code: WRONG_NAME });
}

function verificationFailure(tls: TLSSocket, target: EngineTarget, now: number): ProbeFailure {
  const code = String(tls.authorizationError);
  const presented = tls.getPeerX509Certificate()?.toString();
  const shown = presented === undefined ? undefined : describe(presented);
  const time = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
  const outOfDate = (fault: 'expired' | 'not-yet-valid', relation: string, limit: number) =>
    new ProbeFailure(
      fault,
      `x509: certificate has expired or is not yet valid: current time ${time(now)} is ${relation} ${time(limit)}`,
    );
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return outOfDate('expired', 'after', Math.min(shown?.notAfter ?? now, describe(target.ca).notAfter));
    case 'CERT_NOT_YET_VALID':
      return outOfDate(
        'not-yet-valid',
        'before',
        Math.max(shown?.notBefore ?? now, describe(target.ca).notBefore),
      );
    case WRONG_NAME:
      return new ProbeFailure('wrong-name', wrongName(shown?.names ?? [], target.host));
    default:
      return new ProbeFailure(
        'unknown-authority',
        `x509: certificate signed by unknown authority (${code.toLowerCase().replaceAll('_', ' ')})`,
      );
  }
}

/** Go's sentence: it names the other addresses of the certificate, only when a name of this kind is in it. */
function wrongName(names: readonly string[], host: string): string {
  const kind = Math.sign(isIP(host));
  const same = names.filter((name) => Math.sign(isIP(name)) === kind);
  if (same.length > 0) return `x509: certificate is valid for ${same.join(', ')}, not ${host}`;
  return kind === 1
    ? `x509: cannot validate certificate for ${host} because it doesn't contain any IP SANs`
    : `x509: certificate is not valid for any names, but wanted to match ${host}`;
}

/** Rejects with ProbeFailure. */
async function answered(tls: TLSSocket, target: EngineTarget, path: string): Promise<EngineResponse> {
  const host = hostPort(target.host, target.port);
  const sent = request({ path, headers: { host, connection: 'close' }, createConnection: () => tls });
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      sent.once('response', resolve);
      sent.once('error', reject);
      sent.end();
    });
    const body = await readBody(response);
    const status = response.statusCode ?? 0;
    const sentAt = Date.parse(response.headers.date ?? '');
    if (status >= 200 && status < 300) return { body, clockMs: Number.isNaN(sentAt) ? undefined : sentAt };
    throw new ProbeFailure('not-ready', `HTTP ${status}: ${firstLine(body)}`);
  } catch (error) {
    throw error instanceof ProbeFailure ? error : exchangeFailure(error);
  } finally {
    sent.on('error', ignore); // the socket is closed on the way out
    sent.destroy();
  }
}

async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw new ProbeFailure('not-ready', 'the answer is too long for an engine');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0]?.slice(0, 200) ?? '';
}
