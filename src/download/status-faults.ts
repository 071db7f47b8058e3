import type { IncomingHttpHeaders } from 'node:http';
import { DownloadError } from '../core/errors.js';
import { describeOrigin, describeProxy } from '../core/proxy.js';
import { redactUrl } from '../core/redact.js';
import type { Exchange } from './network-faults.js';
import { NO_RETRY, type Retry, TransferFault } from './transfer-fault.js';

/** An answer that is not the file. */
export interface Refusal extends Exchange {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The proxy itself answered, in place of opening a tunnel: certain for https only. */
  readonly fromProxy: boolean;
  /** NTLM and Negotiate have been tried, too. */
  readonly triedAllLogins?: boolean;
}

/** Longer than this we do not wait for a server that names a time. */
const LONGEST_WAIT_MS = 120_000;

/** Says what an HTTP status means for the user, and whether to ask again. `nowMs` is for a Retry-After that is a date. */
export function explainStatus(refusal: Refusal, nowMs: number): TransferFault {
  // tinyproxy answers a wrong login with 401.
  if (refusal.status === 407 || (refusal.status === 401 && refusal.fromProxy)) return proxyLogin(refusal);
  const who = whoAnswered(refusal);
  const subject = `Cannot download ${redactUrl(refusal.url)}: ${who} answers ${refusal.status}`;
  const hint = squidHint(refusal.headers);
  if (refusal.status === 429 || refusal.status >= 500 || refusal.status === 408) {
    const afterMs = retryAfterMs(refusal.headers['retry-after'], nowMs);
    const tooLong = afterMs !== undefined && afterMs > LONGEST_WAIT_MS;
    return fault(refusal, {
      code: refusal.status === 429 ? 'TOO_MANY_REQUESTS' : 'SERVER_TROUBLE',
      message: `${subject} (${refusal.status === 429 ? 'too many requests' : 'trouble on its side'})`,
      reason: tooLong ? `it asks to wait ${Math.ceil(afterMs / 60_000)} minutes before the next try` : hint,
      nextSteps: [
        'run the command again later',
        ...(refusal.fromProxy
          ? [`if it stays so, ask whoever runs the proxy whether it reaches ${new URL(refusal.url).host}`]
          : []),
      ],
      retry: tooLong ? NO_RETRY : { tries: 5, afterMs },
    });
  }
  if (refusal.status === 404 || refusal.status === 410) {
    return fault(refusal, {
      code: 'NOT_FOUND',
      message: `${subject} (not found)`,
      reason: hint,
      nextSteps: ['check the URL'],
      retry: NO_RETRY,
    });
  }
  if (refusal.status === 401 || refusal.status === 403) {
    const throughProxy = refusal.proxy.proxy !== 'direct';
    return fault(refusal, {
      code: 'FORBIDDEN',
      message: `${subject} (${refusal.status === 401 ? 'it wants a login' : 'forbidden'})`,
      reason: hint,
      nextSteps: throughProxy
        ? [`ask whoever runs the proxy to allow ${new URL(refusal.url).host}`]
        : ['check the URL and whether it needs a login'],
      retry: NO_RETRY,
    });
  }
  return fault(refusal, {
    code: 'UNEXPECTED_STATUS',
    message: `${subject}, which is no download`,
    reason: hint,
    nextSteps: ['check the URL'],
    retry: NO_RETRY,
  });
}

/**
 * Milliseconds in a Retry-After header: seconds or an HTTP date (RFC 9110 section 10.2.3); undefined when absent or unreadable.
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

function proxyLogin(refusal: Refusal): TransferFault {
  const offered = [refusal.headers['proxy-authenticate'] ?? refusal.headers['www-authenticate'] ?? []]
    .flat()
    .flatMap((value) => value.split(','));
  const schemes = offered
    .map((value) => /^\s*([A-Za-z][\w-]*)(\s|$)/.exec(value)?.[1])
    .filter((scheme) => scheme !== undefined);
  const wantsBasic = schemes.some((scheme) => scheme.toLowerCase() === 'basic');
  const hasLogin = refusal.proxy.proxy !== 'direct' && new URL(refusal.proxy.proxy).username !== '';
  const kinds = schemes.length === 0 ? 'an unnamed kind' : [...new Set(schemes)].join(', ');
  return fault(refusal, {
    code: 'PROXY_LOGIN',
    stage: 'proxy',
    message: `Cannot download ${redactUrl(refusal.url)}: the proxy ${describeProxy(refusal.proxy)} ${
      hasLogin ? 'does not accept the login' : 'wants a login'
    }`,
    reason: `it answers ${refusal.status} and offers logins of the kind ${kinds}`,
    nextSteps: loginSteps(refusal, kinds, hasLogin, wantsBasic || schemes.length === 0),
    retry: NO_RETRY,
  });
}

function loginSteps(refusal: Refusal, kinds: string, hasLogin: boolean, takesBasic: boolean): string[] {
  if (takesBasic) {
    return [
      ...(hasLogin
        ? [
            `check user name and password (${describeOrigin(refusal.proxy)}) before the next try: some networks lock an account after a few`,
          ]
        : []),
      'set the proxy with a login: http://USER:PASSWORD@HOST:PORT, where @ is written %40, : is %3A, / is %2F and # is %23',
    ];
  }
  if (refusal.triedAllLogins === true) {
    return [
      'check user name and password in the proxy setting: http://DOMAIN%5CUSER:PASSWORD@HOST:PORT',
      `see that your curl knows ${kinds}: curl --version lists it`,
    ];
  }
  return [
    `run the command again with --downloader curl, which speaks ${kinds}`,
    'or run a local helper that does, such as px or cntlm, and set HTTPS_PROXY to its address',
  ];
}

function whoAnswered(refusal: Refusal): string {
  const host = new URL(refusal.url).host;
  if (refusal.proxy.proxy === 'direct') return host;
  if (refusal.fromProxy || refusal.headers['x-squid-error'] !== undefined) {
    return `the proxy ${describeProxy(refusal.proxy)}`;
  }
  return `${host} or the proxy ${describeProxy(refusal.proxy)}`;
}

/** squid names its reason in a header: `ERR_ACCESS_DENIED 0`. */
function squidHint(headers: IncomingHttpHeaders): string | undefined {
  const word = [headers['x-squid-error'] ?? []].flat()[0]?.split(' ')[0];
  return word === undefined ? undefined : `the proxy says ${word.replace(/[^\w]/g, '')}`;
}

function fault(
  refusal: Refusal,
  details: {
    readonly code: string;
    readonly stage?: DownloadError['stage'];
    readonly message: string;
    readonly reason: string | undefined;
    readonly nextSteps: readonly string[];
    readonly retry: Retry;
  },
): TransferFault {
  const { retry, ...rest } = details;
  return new TransferFault(
    new DownloadError({ stage: refusal.fromProxy ? 'proxy' : 'status', ...rest }),
    retry,
  );
}
