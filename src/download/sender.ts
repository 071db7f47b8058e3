import type { IncomingHttpHeaders } from 'node:http';
import type { TrustedAuthorities } from '../core/ports.js';
import type { Exchange } from './network-faults.js';

/** One GET, the way it goes being settled. */
export interface SentRequest extends Exchange {
  readonly headers: Readonly<Record<string, string>>;
  /** Trusted beside Node's own list. */
  readonly authorities: readonly TrustedAuthorities[];
  /** Ends it at once. */
  readonly signal: AbortSignal;
}

export interface SentAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The proxy itself answered, in place of opening a tunnel: certain for https only. */
  readonly fromProxy: boolean;
  /** NTLM and Negotiate have been tried, too. */
  readonly triedAllLogins?: boolean;
  /** Throws TransferFault when the connection breaks. */
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Sends a GET and hands the answer, whatever its status, to `use`; the connection is closed when that has ended. Throws
 * TransferFault when no answer comes, and what `use` throws.
 */
export type Sender = <T>(request: SentRequest, use: (answer: SentAnswer) => Promise<T>) => Promise<T>;
