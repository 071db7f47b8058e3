import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent, type RequestOptions } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { socksConnectionTo } from './socks-connection.js';

/** A way to one target, straight or through one proxy. */
export interface Connections {
  /** For a request that is to go this way. */
  readonly options: Pick<RequestOptions, 'agent' | 'createConnection'>;
  /** What the proxy answered to CONNECT; undefined when it was not asked (no proxy, plain http, SOCKS) or has not answered. */
  tunnelStatus(): number | undefined;
  close(): void;
}

export interface ConnectionSettings {
  /** Ends what is under way: a handshake with a proxy, too. */
  readonly signal: AbortSignal;
  /** For the target, when it is https; the context also for a proxy that speaks TLS. */
  readonly tls: Pick<ConnectionOptions, 'secureContext' | 'checkServerIdentity' | 'rejectUnauthorized'>;
}

/**
 * Node gives up on each address of a host after 250 ms, which is less than a handshake takes on a slow line:
 * https://github.com/nodejs/node/issues/54359. Removable when Node's own default is seconds.
 */
const ADDRESS_ATTEMPT_MS = 5_000;

/**
 * Makes a way for requests to `target`. `proxy` is `direct` or a proxy URL as `chooseProxy` (core/proxy.ts) gives it: HTTP and HTTPS
 * proxies with Basic auth, SOCKS 4a and 5.
 */
export async function connectionsTo(
  target: URL,
  proxy: string | 'direct',
  { signal, tls }: ConnectionSettings,
): Promise<Connections> {
  const timing = { signal, autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS };
  const { secureContext } = tls;
  const settings = { ...timing, ...(secureContext === undefined ? {} : { secureContext }) };
  if (proxy === 'direct') {
    const agent = target.protocol === 'https:' ? new HttpsAgent(settings) : new HttpAgent(timing);
    return { options: { agent }, tunnelStatus: () => undefined, close: () => agent.destroy() };
  }
  const proxyUrl = new URL(proxy);
  if (proxyUrl.protocol.startsWith('socks')) {
    return { ...socksConnectionTo(target, proxyUrl, { ...timing, tls }), tunnelStatus: () => undefined };
  }
  const { proxies } = await import('proxy-agent');
  const [forHttp, forHttps] = proxies[proxyUrl.protocol === 'https:' ? 'https' : 'http'];
  const ProxyAgent = await (target.protocol === 'https:' ? forHttps : forHttp)();
  const agent = new ProxyAgent(proxyUrl.href, settings);
  let status: number | undefined;
  agent.on('proxyConnect', (answer: { statusCode?: number }) => {
    status = answer.statusCode;
  });
  return { options: { agent }, tunnelStatus: () => status, close: () => agent.destroy() };
}
