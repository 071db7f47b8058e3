import { isIP } from 'node:net';
import type { EngineFault, EngineTarget } from '../core/ports.js';

/** A failed probe. Never leaves this folder: it becomes an EngineAnswer. */
export class ProbeFailure extends Error {
  readonly fault: EngineFault;
  /** `said-expired`: our certificate was refused for its dates. `cut`: the connection ended without a word. */
  readonly hint: 'said-expired' | 'cut' | undefined;

  constructor(fault: EngineFault, detail: string, hint?: 'said-expired' | 'cut') {
    super(detail);
    this.fault = fault;
    this.hint = hint;
  }
}

/** How far an exchange has come; whoever ends it for its time says where it stood. */
export type Stage = 'connect' | 'handshake' | 'answer';

/** Go's words for the three places where time can run out. */
export function lateFailure(stage: Stage, { host, port }: EngineTarget): ProbeFailure {
  const details = {
    connect: `dial tcp ${hostPort(host, port)}: i/o timeout`,
    handshake: 'net/http: TLS handshake timeout',
    answer: 'net/http: timeout awaiting response headers',
  };
  return new ProbeFailure('timed-out', details[stage]);
}

/** `host:port` as Go writes it. */
export function hostPort(host: string, port: number): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * A failure before TCP stands. The details are the words of docker-machine (Go's net package), which users search for.
 */
export function connectFailure(error: unknown, host: string, port: number): ProbeFailure {
  const dial = `dial tcp ${hostPort(host, port)}`;
  const { code, message } = systemError(error);
  switch (code) {
    case 'ECONNREFUSED':
      return new ProbeFailure('port-closed', `${dial}: connect: connection refused`);
    case 'ECONNRESET':
    case 'ECONNABORTED':
      return nothingBehind(host, port);
    case 'ETIMEDOUT':
      return new ProbeFailure('timed-out', `${dial}: connect: connection timed out`);
    case 'EHOSTUNREACH':
      return new ProbeFailure('no-route', `${dial}: connect: no route to host`);
    case 'ENETUNREACH':
      return new ProbeFailure('no-route', `${dial}: connect: network is unreachable`);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new ProbeFailure('no-route', `dial tcp: lookup ${host}: no such host`);
    default:
      return new ProbeFailure('no-route', `${dial}: ${code === '' ? message : code}`);
  }
}

/** A failure while TLS is set up. `answered`: the other side has sent something. */
export function handshakeFailure(
  error: unknown,
  { host, port }: EngineTarget,
  answered: boolean,
): ProbeFailure {
  const refused = alertFailure(error);
  if (refused !== undefined) return refused;
  if (tlsReason(error) !== undefined) {
    return new ProbeFailure('not-tls', 'tls: first record does not look like a TLS handshake');
  }
  return answered ? new ProbeFailure('not-ready', 'tls: handshake: EOF') : nothingBehind(host, port);
}

/**
 * Accepted, then closed without a word: the forwarder of QEMU's user network for a port on which the guest does not listen. It closes
 * now with a reset, now without, now earlier, now later; the words stay the same, so that a wait sees that nothing has changed.
 */
function nothingBehind(host: string, port: number): ProbeFailure {
  return new ProbeFailure('port-closed', `read tcp ${hostPort(host, port)}: connection reset by peer`);
}

/** A failure after TLS stands. With TLS 1.3 the server's refusal of our certificate comes only now (RFC 8446, 4.4.2.4). */
export function exchangeFailure(error: unknown): ProbeFailure {
  const refused = alertFailure(error);
  if (refused !== undefined) return refused;
  const { code, message } = systemError(error);
  return CUTS.has(code)
    ? new ProbeFailure('not-ready', 'EOF', 'cut')
    : new ProbeFailure('not-ready', message);
}

const CUTS: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/** TLS alerts that speak of certificates, in Go's words (RFC 8446, section 6.2). */
const REFUSALS: Readonly<Record<string, string>> = {
  BAD_CERTIFICATE: 'bad certificate',
  UNSUPPORTED_CERTIFICATE: 'unsupported certificate',
  CERTIFICATE_REVOKED: 'revoked certificate',
  CERTIFICATE_EXPIRED: 'expired certificate',
  CERTIFICATE_UNKNOWN: 'unknown certificate',
  CERTIFICATE_REQUIRED: 'certificate required',
  UNKNOWN_CA: 'unknown certificate authority',
  ACCESS_DENIED: 'access denied',
  DECRYPT_ERROR: 'error decrypting message',
};

/** The other side's TLS alert, if that is what the error is. */
function alertFailure(error: unknown): ProbeFailure | undefined {
  const alert = /ALERT_([A-Z_]+)$/.exec(tlsReason(error) ?? '')?.[1];
  if (alert === undefined) return undefined;
  const refusal = REFUSALS[alert];
  if (refusal !== undefined) {
    const hint = alert === 'CERTIFICATE_EXPIRED' ? 'said-expired' : undefined;
    return new ProbeFailure('client-refused', `remote error: tls: ${refusal}`, hint);
  }
  return new ProbeFailure('not-tls', `remote error: tls: ${alert.toLowerCase().replaceAll('_', ' ')}`);
}

/** OpenSSL's own reason, such as `SSLV3_ALERT_BAD_CERTIFICATE`. With `EPROTO` it stands in the text only. */
function tlsReason(error: unknown): string | undefined {
  const { code, message } = systemError(error);
  if (code.startsWith('ERR_SSL_')) return code.slice('ERR_SSL_'.length);
  if (code !== 'EPROTO') return undefined;
  const reason = /:SSL routines:[^:]*:([^:]+)/.exec(message)?.[1] ?? '';
  return reason.toUpperCase().replaceAll(' ', '_');
}

/** Code and text of what Node throws. Several addresses tried in turn give one error with a list, whose first member speaks for all. */
function systemError(error: unknown): { readonly code: string; readonly message: string } {
  const first: unknown = isRecord(error) && Array.isArray(error.errors) ? error.errors[0] : error;
  if (!isRecord(first)) return { code: '', message: String(first) };
  return {
    code: typeof first.code === 'string' ? first.code : '',
    message: typeof first.message === 'string' ? first.message : '',
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
