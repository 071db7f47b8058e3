import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';

/** Connections to one target, straight or through one proxy. */
export interface Connections {
  readonly agent: HttpAgent;
  /** What the proxy answered to CONNECT; undefined when it was not asked (no proxy, plain http, SOCKS) or has not answered. */
  tunnelStatus(): number | undefined;
  close(): void;
}

/**
 * Node gives up on each address of a host after 250 ms, which is less than a handshake takes on a slow line:
 * https://github.com/nodejs/node/issues/54359. Removable when Node's own default is seconds.
 */
const ADDRESS_ATTEMPT_MS = 5_000;

/**
 * Makes an agent for requests to `target`. `proxy` is `direct` or a proxy URL as `chooseProxy` (core/proxy.ts) gives it:
 * HTTP and HTTPS proxies with Basic auth, SOCKS 4a and 5. Names are resolved by the SOCKS server (as Go does it): networks that
 * need one rarely resolve outside names. The signal ends a handshake with an HTTP or HTTPS proxy that does not come to an end;
 * one with a SOCKS server ends by the SOCKS client's own limit of 30 s.
 */
export async function connectionsTo(
  target: URL,
  proxy: string | 'direct',
  options: { readonly signal: AbortSignal; readonly certificates: readonly string[] | undefined },
): Promise<Connections> {
  const settings = {
    signal: options.signal,
    autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS,
    ...(options.certificates === undefined ? {} : { ca: [...options.certificates] }),
  };
  if (proxy === 'direct') {
    const agent = target.protocol === 'https:' ? new HttpsAgent(settings) : new HttpAgent(settings);
    return { agent, tunnelStatus: () => undefined, close: () => agent.destroy() };
  }
  const { proxies } = await import('proxy-agent');
  const remote = withRemoteNames(new URL(proxy));
  const scheme = Object.entries(proxies).find(([name]) => `${name}:` === remote.protocol);
  if (scheme === undefined) throw new TypeError(`no agent for proxies of the kind ${remote.protocol}`);
  const [forHttp, forHttps] = scheme[1];
  const ProxyAgent = await (target.protocol === 'https:' ? forHttps : forHttp)();
  const agent = new ProxyAgent(remote.href, settings);
  let status: number | undefined;
  agent.on('proxyConnect', (answer: { statusCode?: number }) => {
    status = answer.statusCode;
  });
  return { agent, tunnelStatus: () => status, close: () => agent.destroy() };
}

function withRemoteNames(proxy: URL): URL {
  const remote = new URL(proxy);
  if (proxy.protocol === 'socks5:' || proxy.protocol === 'socks:') remote.protocol = 'socks5h:';
  if (proxy.protocol === 'socks4:') remote.protocol = 'socks4a:';
  return remote;
}
