import { DownloadError, throwIfInterrupted } from '../core/errors.js';
import type { Clock, ProxyResolver, TrustedAuthorities, TrustStore } from '../core/ports.js';
import { describeProxy, type ProxyChoice } from '../core/proxy.js';
import { redactUrl } from '../core/redact.js';
import type { Reporter } from '../core/reporter.js';
import { type ActivityWatch, watchActivity } from './activity.js';
import { sendByGot } from './got-sender.js';
import { type Exchange, stalledFault, withIssuer } from './network-faults.js';
import { presentedIssuer } from './presented-issuer.js';
import type { Sender, SentAnswer } from './sender.js';
import { NO_RETRY, TransferFault } from './transfer-fault.js';

/** What every request needs of the world. */
export interface HttpTools {
  readonly clock: Clock;
  /** Asked for each hop of a redirect. */
  readonly proxies: ProxyResolver;
  /** Authorities beside Node's own; default: none. */
  readonly trust?: TrustStore | undefined;
  /** What sends; default: got. */
  readonly send?: Sender | undefined;
  /** Silence that ends a try; default 60 s: virus-scanning proxies keep a file for long before its first byte. */
  readonly idleMs?: number | undefined;
}

export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly followRedirects: boolean;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

export interface HttpAnswer extends Exchange, SentAnswer {}

const DEFAULT_IDLE_MS = 60_000;
const MOST_REDIRECTS = 10;

/**
 * Sends a GET and hands the answer, whatever its status, to `read`; the connection is closed when that has ended.
 * One try. Throws TransferFault when the network fails, stalls or redirects astray; what `read` throws otherwise; or the
 * signal's reason.
 */
export async function get<T>(
  request: HttpRequest,
  tools: HttpTools,
  read: (answer: HttpAnswer) => Promise<T>,
): Promise<T> {
  let url = request.url;
  let headers = request.headers;
  for (let hops = 0; ; hops++) {
    const outcome = await getOnce({ ...request, url, headers }, tools, read);
    if (!('redirect' in outcome)) return outcome.result;
    const next = redirectTarget(url, outcome.redirect, outcome.exchange);
    if (hops >= MOST_REDIRECTS) throw astray(request.url, outcome.exchange, 'it is redirected in a circle');
    if (new URL(next).origin !== new URL(url).origin) headers = withoutLogin(headers);
    url = next;
  }
}

type Outcome<T> =
  | { readonly result: T }
  | { readonly redirect: string | undefined; readonly exchange: Exchange };

async function getOnce<T>(
  request: HttpRequest,
  tools: HttpTools,
  read: (answer: HttpAnswer) => Promise<T>,
): Promise<Outcome<T>> {
  throwIfInterrupted(request.signal);
  const choice = await tools.proxies.resolve(request.url, request);
  const ways = waysOf(choice);
  for (const [index, way] of ways.entries()) {
    const next = ways[index + 1];
    try {
      return await getTrusting(way, request, tools, read);
    } catch (error) {
      if (isRefusedLogin(error, way)) tools.proxies.refused?.(way.proxy, error.failure);
      if (next === undefined || !(error instanceof TransferFault) || !error.neverReached) throw error;
      request.reporter.debug(`${error.failure.message}; going on with ${describeProxy(next)}`);
      tools.proxies.avoid?.(way.proxy);
    }
  }
  throw new TypeError('a choice has at least one way');
}

/** A login was given, and the proxy does not take it. */
function isRefusedLogin(error: unknown, { proxy }: ProxyChoice): error is TransferFault {
  const isRefusal = error instanceof TransferFault && error.failure.code === 'PROXY_LOGIN';
  return isRefusal && proxy !== 'direct' && new URL(proxy).username !== '';
}

/** The proxy, then those that a PAC script named after it, each a choice of its own. */
export function waysOf(choice: ProxyChoice): readonly ProxyChoice[] {
  const { failover = [], ...first } = choice;
  return [first, ...failover.map((proxy) => ({ ...first, proxy }))];
}

/** With the system's own authorities only when those at hand do not vouch for the other side: reading them takes its time. */
async function getTrusting<T>(
  way: ProxyChoice,
  request: HttpRequest,
  tools: HttpTools,
  read: (answer: HttpAnswer) => Promise<T>,
): Promise<Outcome<T>> {
  const named = (await tools.trust?.named(request)) ?? [];
  try {
    return await getBy({ way, authorities: named }, request, tools, read);
  } catch (error) {
    if (!isUntrusted(error)) throw error;
    const system = (await tools.trust?.system(request)) ?? [];
    if (system.length === 0) throw await whoShowedIt(error, way, request, tools);
    try {
      return await getBy({ way, authorities: [...named, ...system] }, request, tools, read);
    } catch (second) {
      throw isUntrusted(second) ? await whoShowedIt(second, way, request, tools) : second;
    }
  }
}

function isUntrusted(error: unknown): error is TransferFault {
  return error instanceof TransferFault && error.failure.code === 'TLS_UNTRUSTED';
}

async function whoShowedIt(
  fault: TransferFault,
  way: ProxyChoice,
  request: HttpRequest,
  tools: HttpTools,
): Promise<TransferFault> {
  const watch = watchActivity(tools.clock, tools.idleMs ?? DEFAULT_IDLE_MS, request.signal);
  try {
    const issuer = await presentedIssuer(new URL(request.url), way.proxy, watch.signal);
    return issuer === undefined ? fault : withIssuer(fault, issuer);
  } finally {
    watch.end();
  }
}

interface Route {
  readonly way: ProxyChoice;
  readonly authorities: readonly TrustedAuthorities[];
}

async function getBy<T>(
  route: Route,
  request: HttpRequest,
  tools: HttpTools,
  read: (answer: HttpAnswer) => Promise<T>,
): Promise<Outcome<T>> {
  const exchange: Exchange = { url: request.url, proxy: route.way };
  const idleMs = tools.idleMs ?? DEFAULT_IDLE_MS;
  const watch = watchActivity(tools.clock, idleMs, request.signal);
  try {
    const { authorities } = route;
    const send = tools.send ?? sendByGot;
    return await exchangeWith(exchange, request, { authorities, send }, watch, read);
  } catch (error) {
    throwIfInterrupted(request.signal);
    if (watch.stalled()) throw stalledFault(exchange, idleMs, watch.hasSeen());
    throw error;
  } finally {
    watch.end();
  }
}

async function exchangeWith<T>(
  exchange: Exchange,
  request: HttpRequest,
  { authorities, send }: Pick<Route, 'authorities'> & { readonly send: Sender },
  watch: ActivityWatch,
  read: (answer: HttpAnswer) => Promise<T>,
): Promise<Outcome<T>> {
  const headers = { 'user-agent': 'tmachine', 'accept-encoding': 'identity', ...request.headers };
  return send({ ...exchange, headers, authorities, signal: watch.signal }, async (answer) => {
    watch.seen();
    const { status } = answer;
    request.reporter.debug(`GET ${redactUrl(exchange.url)}: ${status}, ${describeProxy(exchange.proxy)}`);
    if (request.followRedirects && [301, 302, 303, 307, 308].includes(status)) {
      return { redirect: answer.headers.location, exchange };
    }
    return { result: await read({ ...answer, ...exchange, body: watched(answer.body, watch) }) };
  });
}

async function* watched(body: AsyncIterable<Uint8Array>, watch: ActivityWatch): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    watch.seen();
    yield chunk;
  }
}

function redirectTarget(from: string, location: string | undefined, exchange: Exchange): string {
  if (location === undefined || !URL.canParse(location, from)) {
    throw astray(from, exchange, 'it is redirected to nowhere');
  }
  const next = new URL(location, from);
  if (next.protocol !== 'https:' && next.protocol !== 'http:') {
    throw astray(from, exchange, `it is redirected to ${next.protocol}, which is no download`);
  }
  if (new URL(from).protocol === 'https:' && next.protocol === 'http:') {
    throw astray(from, exchange, `it is redirected from https to unencrypted http, to ${next.host}`);
  }
  return next.href;
}

function astray(url: string, exchange: Exchange, what: string): TransferFault {
  const failure = new DownloadError({
    stage: 'status',
    code: 'REDIRECTED_ASTRAY',
    message: `Cannot download ${redactUrl(url)}: ${what}`,
    reason: `a login page or a proxy (here ${describeProxy(exchange.proxy)}) may be in between`,
    nextSteps: ['open the URL in a browser: it may show a page that has to be confirmed first'],
  });
  return new TransferFault(failure, NO_RETRY);
}

function withoutLogin(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'),
  );
}
