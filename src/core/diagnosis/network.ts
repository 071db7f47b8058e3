import type { App, Call } from '../app.js';
import type { ProxyChoice } from '../proxy.js';
import { redactProxy } from '../redact.js';
import { attempted, type Check, note, ok, problem } from './check.js';
import type { DiagnosisParts } from './parts.js';

const CONNECT_MS = 5_000;

/**
 * Which proxy each download goes through and who said so, and whether something listens there. Where nothing does, `create` fails unless the
 * boot image is here already.
 */
export async function checkNetwork(
  app: App,
  parts: DiagnosisParts,
  imageIsLocal: boolean,
  call: Call,
): Promise<readonly Check[]> {
  const options = { stopsCreate: !imageIsLocal };
  const urls = parts.downloadUrls.map((url) =>
    attempted(
      'network',
      call.signal,
      async () => [await checkUrl(app, parts, url, imageIsLocal, call)],
      options,
    ),
  );
  return (await Promise.all(urls)).flat();
}

async function checkUrl(
  app: App,
  parts: DiagnosisParts,
  url: string,
  imageIsLocal: boolean,
  call: Call,
): Promise<Check> {
  const choice = await app.proxies.resolve(url, call);
  const place = firstHop(url, choice);
  const way =
    choice.proxy === 'direct'
      ? `${url}: no proxy (${choice.from})`
      : `${url}: through ${redactProxy(choice.proxy)} (${choice.from})`;
  const isOpen = await parts.tcp.isOpen(place.host, place.port, {
    timeoutMs: CONNECT_MS,
    signal: call.signal,
  });
  if (isOpen) return ok('network', way);
  const trouble = {
    code: choice.proxy === 'direct' ? 'NETWORK_UNREACHABLE' : 'PROXY_UNREACHABLE',
    text: way,
    reason: `nothing answers at ${place.host}:${place.port}`,
    nextSteps:
      choice.proxy === 'direct'
        ? ['behind a company proxy, name it: set HTTPS_PROXY=http://HOST:PORT']
        : ['ask for the right address of the proxy, or connect to the network that it belongs to'],
  };
  return imageIsLocal ? note('network', trouble) : problem('network', { ...trouble, stopsCreate: true });
}

/** Where the first connection goes: to the proxy, or to the server itself. */
function firstHop(url: string, choice: ProxyChoice): { readonly host: string; readonly port: number } {
  const { protocol, hostname, port } = new URL(choice.proxy === 'direct' ? url : choice.proxy);
  const host = hostname.replace(/^\[|\]$/g, '');
  return { host, port: port === '' ? (DEFAULT_PORTS[protocol] ?? 443) : Number(port) };
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  'http:': 80,
  'https:': 443,
  'socks:': 1080,
  'socks4:': 1080,
  'socks4a:': 1080,
  'socks5:': 1080,
  'socks5h:': 1080,
};
