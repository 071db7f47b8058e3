import { type IncomingHttpHeaders, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import {
  checkServerIdentity,
  createSecureContext,
  type PeerCertificate,
  rootCertificates,
  type SecureContext,
} from 'node:tls';
import type { TrustedAuthorities } from '../core/ports.js';
import { connectionsTo } from './agent.js';
import { type ByteStream, eagerBody } from './eager-body.js';
import { type Exchange, explainNetworkError } from './network-faults.js';
import type { Sender } from './sender.js';

/** Sends by got, with all that got would do by itself switched off: one request, one connection. */
export const sendByGot: Sender = async (request, use) => {
  const target = new URL(request.url);
  const secureContext = secureContextOf(request.authorities);
  const tls = {
    ...(secureContext === undefined ? {} : { secureContext }),
    // Through a proxy, https-proxy-agent 9 would check the certificate of an address against the name "localhost".
    checkServerIdentity: (_: string, certificate: PeerCertificate) =>
      checkServerIdentity(bareHost(target), certificate),
  };
  const connections = await connectionsTo(target, request.proxy.proxy, { signal: request.signal, tls });
  const { got } = await import('got');
  const stream = got.stream(target, {
    // Not got's own `agent` option: its type wants an https.Agent, which the proxy agents serve as, but are not.
    request: (address, options, onResponse) =>
      (address.protocol === 'https:' ? requestHttps : requestHttp)(
        address,
        { ...options, ...connections.options, ...tls },
        onResponse,
      ),
    headers: { ...request.headers },
    decompress: false,
    followRedirect: false,
    throwHttpErrors: false,
    retry: { limit: 0 },
    signal: request.signal,
  });
  // Errors reach us through the promise and the loop below; between the two the stream must not end the process.
  stream.on('error', () => undefined);
  try {
    const { head, body } = await firstAnswer(stream).catch((error: unknown) => {
      throw explainNetworkError(error, request);
    });
    const { statusCode: status, headers } = head;
    const tunnelStatus = connections.tunnelStatus();
    const fromProxy = tunnelStatus !== undefined && tunnelStatus !== 200;
    return await use({ status, headers, fromProxy, body: explained(body, request) });
  } finally {
    stream.destroy();
    connections.close();
  }
};

/** Undefined for Node's own list alone, which it has ready. Node takes a list of ours in place of its own, not beside it. */
function secureContextOf(authorities: readonly TrustedAuthorities[]): SecureContext | undefined {
  const extra = authorities.flatMap(({ certificates }) => certificates);
  return extra.length === 0 ? undefined : createSecureContext({ ca: [...rootCertificates, ...extra] });
}

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

interface AnswerHead {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
}

/** The part of got's stream that is used here. */
interface AnswerStream extends ByteStream {
  once(event: 'response', listener: (answer: AnswerHead) => void): unknown;
  once(event: 'error', listener: (error: Error) => void): unknown;
}

function firstAnswer(
  stream: AnswerStream,
): Promise<{ readonly head: AnswerHead; readonly body: AsyncGenerator<Uint8Array> }> {
  return new Promise((resolve, reject) => {
    stream.once('response', (head) => resolve({ head, body: eagerBody(stream) }));
    stream.once('error', reject);
  });
}

async function* explained(body: AsyncGenerator<Uint8Array>, exchange: Exchange): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw explainNetworkError(error, exchange);
  }
}
