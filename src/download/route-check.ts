import { promises as dns } from 'node:dns';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Call } from '../core/app.js';
import { InterruptedError, TmachineError } from '../core/errors.js';
import type { Hop, RouteChecker } from '../core/ports.js';
import { describeProxy, type ProxyChoice } from '../core/proxy.js';
import { redactUrl } from '../core/redact.js';
import { get, type HttpTools, waysOf } from './http.js';
import { presentedIssuer } from './presented-issuer.js';
import { explainStatus } from './status-faults.js';
import { errorCode, errorText } from './technical-error.js';
import { TransferFault } from './transfer-fault.js';

const CONNECT_MS = 10_000;
const MOST_REDIRECTS = 5;

/** Looks at the way to a URL step by step, as a download would take it; stops at the first step that fails. */
export function createRouteChecker(tools: HttpTools): RouteChecker {
  return {
    async check(url, call) {
      const hops: Hop[] = [];
      let target: string | undefined = url;
      for (let redirects = 0; target !== undefined && redirects <= MOST_REDIRECTS; redirects += 1) {
        target = await checkOne(target, hops, tools, call);
      }
      return hops;
    },
  };
}

/** Adds the hops to one URL, by the first way that is open as a download does; returns where it redirects to. */
async function checkOne(url: string, hops: Hop[], tools: HttpTools, call: Call): Promise<string | undefined> {
  let ways: readonly ProxyChoice[];
  try {
    ways = waysOf(await tools.proxies.resolve(url, call));
  } catch (error) {
    hops.push(failed('proxy', failureOf(error, call)));
    return undefined;
  }
  for (const [index, way] of ways.entries()) {
    const tried: Hop[] = [];
    try {
      return await walk(url, way, tried, tools, call);
    } catch (error) {
      const failure = failureOf(error, call);
      const next = ways[index + 1];
      if (next === undefined || !isClosed(error)) {
        tried.push(failed(nameAfter(tried), failure));
        return undefined;
      }
      const text = `${withoutSubject(failure)}; going on with ${describeProxy(next)}`;
      tried.push({ name: nameAfter(tried), ok: true, text, reason: failure.reason, nextSteps: [] });
      tools.proxies.avoid?.(way.proxy);
    } finally {
      hops.push(...tried);
    }
  }
  return undefined;
}

/** Goes one way, and adds its hops as they succeed; returns where it redirects to. */
async function walk(
  url: string,
  way: ProxyChoice,
  hops: Hop[],
  tools: HttpTools,
  call: Call,
): Promise<string | undefined> {
  const add = (name: Hop['name'], text: string) => void hops.push({ name, ok: true, text, nextSteps: [] });
  add('proxy', `${describeProxy(way)} for ${redactUrl(url)}`);
  const { host, port } = placeOf(url, way);
  const address = await addressOf(host, way);
  add('name', host === address ? `${address} is an address` : `${host} is ${address}`);
  await connectTo(address, port, way, call.signal, tools);
  add('connection', `${host}:${port} answers`);
  return request(url, way, add, tools, call);
}

/** Where a download goes on with the next way. */
function isClosed(error: unknown): boolean {
  if (error instanceof TransferFault) return error.neverReached;
  return error instanceof TmachineError && ['NAME_NOT_FOUND', 'UNREACHABLE'].includes(error.code);
}

/** What the user is told; what is no expected failure is thrown on. */
function failureOf(error: unknown, call: Call): TmachineError {
  const failure = error instanceof TransferFault ? error.failure : error;
  if (call.signal.aborted || failure instanceof InterruptedError) throw error;
  if (!(failure instanceof TmachineError)) throw error;
  return failure;
}

function failed(name: Hop['name'], failure: TmachineError): Hop {
  const { reason, nextSteps } = failure;
  return { name, ok: false, text: withoutSubject(failure), reason, nextSteps };
}

function withoutSubject({ message }: TmachineError): string {
  return message.replace(/^Cannot download [^ ]+: /, '');
}

/** Enough to see the answer: a proxy that looks for viruses would first fetch all that it is asked for. */
const FIRST_BYTE = { range: 'bytes=0-0' };

async function request(
  url: string,
  choice: ProxyChoice,
  add: (name: Hop['name'], text: string) => void,
  tools: HttpTools,
  call: Call,
): Promise<string | undefined> {
  const pinned = { ...tools, proxies: { resolve: async () => choice } };
  const asked = { url, headers: FIRST_BYTE, followRedirects: false, ...call };
  const seen = await get(asked, pinned, async (answer) => {
    // Whatever the server itself says, a login page of its own too, shows that the way is open.
    const isRefusal = answer.fromProxy || answer.headers['x-squid-error'] !== undefined;
    if (answer.status === 407 || (isRefusal && answer.status >= 400))
      throw explainStatus(answer, tools.clock.now());
    return { status: answer.status, location: answer.headers.location };
  });
  const target = new URL(url);
  if (target.protocol === 'https:') {
    const issuer = await presentedIssuer(target, choice.proxy, call.signal);
    add('certificate', issuer === undefined ? 'trusted' : `trusted, signed by "${issuer.name}"`);
  }
  const { status, location } = seen;
  const isRedirect = status >= 300 && location !== undefined && URL.canParse(location, url);
  add('answer', isRedirect ? `${status}, redirected` : `${status}`);
  return isRedirect ? new URL(location, url).href : undefined;
}

/** Whom this computer connects to: the proxy, else the server. */
function placeOf(url: string, { proxy }: ProxyChoice): { readonly host: string; readonly port: number } {
  const peer = new URL(proxy === 'direct' ? url : proxy);
  const usual: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };
  return {
    host: peer.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: peer.port === '' ? (usual[peer.protocol] ?? 1080) : Number(peer.port),
  };
}

async function addressOf(host: string, { proxy, from }: ProxyChoice): Promise<string> {
  try {
    return (await dns.lookup(host)).address;
  } catch (error) {
    throw new TmachineError({
      code: 'NAME_NOT_FOUND',
      message: `the name ${host} cannot be resolved`,
      reason: errorText(error),
      nextSteps: [
        proxy === 'direct'
          ? 'a network that resolves no outside names has a proxy: ask for its address and give it with --proxy'
          : `check the name of the proxy, which comes from ${from}`,
      ],
      cause: error,
    });
  }
}

async function connectTo(
  host: string,
  port: number,
  { proxy, from }: ProxyChoice,
  signal: AbortSignal,
  { clock }: HttpTools,
): Promise<void> {
  const limit = new AbortController();
  const timer = clock.sleep(CONNECT_MS, AbortSignal.any([limit.signal, signal])).then(
    () => limit.abort(),
    () => undefined, // it was in time
  );
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.any([limit.signal, signal]) });
  } catch (error) {
    throw new TmachineError({
      code: 'UNREACHABLE',
      message:
        errorCode(error) === 'ECONNREFUSED'
          ? `${host}:${port} refuses connections`
          : `${host}:${port} cannot be reached`,
      reason: limit.signal.aborted ? `no answer within ${CONNECT_MS / 1000} s` : errorText(error),
      nextSteps: [
        proxy === 'direct'
          ? 'check address and port, and whether this network needs a proxy: --proxy http://HOST:PORT'
          : `check address and port of the proxy, which come from ${from}, and whether a firewall is in between`,
      ],
      cause: error,
    });
  } finally {
    socket.destroy();
    limit.abort();
    await timer;
  }
}

/** The step that failed is the one after the last that did not. */
function nameAfter(hops: readonly Hop[]): Hop['name'] {
  switch (hops.at(-1)?.name) {
    case 'proxy':
      return 'name';
    case 'name':
      return 'connection';
    case 'connection':
      return 'answer';
    default:
      return 'proxy';
  }
}
