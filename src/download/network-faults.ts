import { DownloadError, type ErrorDetails } from '../core/errors.js';
import { describeProxy, type ProxyChoice } from '../core/proxy.js';
import { redactProxy, redactUrl } from '../core/redact.js';
import type { PresentedIssuer } from './presented-issuer.js';
import { errorCode, errorText, innermost } from './technical-error.js';
import { NO_RETRY, type Retry, TransferFault } from './transfer-fault.js';

/** Whom we were talking to when it failed. */
export interface Exchange {
  readonly url: string;
  readonly proxy: ProxyChoice;
}

type Explanation = Pick<ErrorDetails, 'code' | 'nextSteps'> & {
  readonly stage: DownloadError['stage'];
  readonly message: string;
  readonly retry: Retry;
};

/** For a connection that broke on the way: worth many tries, because each goes on where the last one ended. */
const BROKEN: Retry = { tries: 5 };
/** For a connection that never came about. */
const UNREACHED: Retry = { tries: 3 };

/** Words of OpenSSL and Node for a certificate that nobody here vouches for. */
const UNTRUSTED =
  /^(UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|CERT_UNTRUSTED)$/;
const OTHER_CERTIFICATE = /^(CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|ERR_TLS_CERT_ALTNAME_INVALID)$/;
/** TLS was spoken to something that does not speak it. */
const NOT_TLS = /^(ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG|EPROTO)$/;

/** The SOCKS client keeps the socket's text but not its code. */
const SOCKET_WORD = /\bE(CONN[A-Z]+|NOTFOUND|AI_AGAIN|HOSTUNREACH|NETUNREACH|TIMEDOUT)\b/;

/**
 * Says what a network error means for the user. `error` is what Node's sockets, got or a proxy agent threw; its technical text
 * becomes the reason. Never contains credentials.
 */
export function explainNetworkError(error: unknown, exchange: Exchange): TransferFault {
  const root = innermost(error);
  const text = errorText(root);
  const code = errorCode(root) ?? SOCKET_WORD.exec(text)?.[0] ?? errorCode(error) ?? '';
  const { retry, message, ...rest } = explain(code, text, exchange);
  const failure = new DownloadError({
    ...rest,
    message: `Cannot download ${redactUrl(exchange.url)}: ${message}`,
    reason: text === '' ? code : text,
    cause: root,
  });
  return new TransferFault(failure, retry, NEVER_REACHED.has(failure.code));
}

/** The failure of an untrusted certificate, with whom it is from. */
export function withIssuer(fault: TransferFault, issuer: PresentedIssuer): TransferFault {
  const { stage, code, message, cause, nextSteps } = fault.failure;
  const mark = issuer.fingerprint === undefined ? '' : `, SHA-256 fingerprint ${issuer.fingerprint}`;
  const failure = new DownloadError({
    stage,
    code,
    message,
    reason: `it is signed by "${issuer.name}"${mark} (${fault.failure.reason ?? code})`,
    nextSteps,
    cause,
  });
  return new TransferFault(failure, fault.retry);
}

/** Codes of failures before anything was exchanged with the server. */
const NEVER_REACHED = new Set(['NAME_NOT_FOUND', 'UNREACHABLE', 'PROXY_REFUSED', 'PROXY_NOT_TLS']);

function explain(code: string, text: string, exchange: Exchange): Explanation {
  const host = new URL(exchange.url).host;
  const viaProxy = exchange.proxy.proxy !== 'direct';
  const peer = viaProxy ? `the proxy ${describeProxy(exchange.proxy)}` : host;
  if (/socks/i.test(text)) return socksFault(text, exchange);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    const wanted = viaProxy ? `the proxy's name in ${describeProxy(exchange.proxy)}` : `the name ${host}`;
    return {
      stage: viaProxy ? 'proxy' : 'connect',
      code: 'NAME_NOT_FOUND',
      message: `${wanted} cannot be resolved`,
      nextSteps: viaProxy ? checkProxy(exchange) : setProxy(),
      retry: code === 'EAI_AGAIN' ? UNREACHED : NO_RETRY,
    };
  }
  if (code === 'ECONNREFUSED' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH' || code === 'ETIMEDOUT') {
    return {
      stage: viaProxy ? 'proxy' : 'connect',
      code: 'UNREACHABLE',
      message: code === 'ECONNREFUSED' ? `${peer} refuses connections` : `${peer} cannot be reached`,
      nextSteps: viaProxy ? checkProxy(exchange) : setProxy(),
      retry: UNREACHED,
    };
  }
  if (UNTRUSTED.test(code)) {
    return {
      stage: 'tls',
      code: 'TLS_UNTRUSTED',
      message: `nobody that this computer trusts vouches for the certificate shown for ${host}${
        exchange.proxy.proxy.startsWith('https:')
          ? `, or that of the proxy ${describeProxy(exchange.proxy)}`
          : ''
      }`,
      nextSteps: [
        ...(code === 'DEPTH_ZERO_SELF_SIGNED_CERT'
          ? [
              'if the server is one that you know, which signs for itself, give its certificate: --ca-cert FILE',
            ]
          : []),
        'a proxy that inspects TLS shows its own certificates: get the company CA as a PEM file from whoever runs it, and run the command again with --ca-cert FILE, or with MACHINE_CA_CERT=FILE set',
        "or have it added to this computer's own certificates",
      ],
      retry: NO_RETRY,
    };
  }
  if (OTHER_CERTIFICATE.test(code)) {
    return {
      stage: 'tls',
      code: 'TLS_INVALID',
      message: `the certificate shown for ${host} is not valid`,
      nextSteps: [
        "check this computer's clock, and whether a proxy or login page answers in the server's place",
      ],
      retry: NO_RETRY,
    };
  }
  if (NOT_TLS.test(code)) return notTls(exchange, host);
  if (code.startsWith('HPE_')) {
    return {
      stage: viaProxy ? 'proxy' : 'connect',
      code: 'NOT_HTTP',
      message: `${peer} does not answer in HTTP`,
      nextSteps: viaProxy ? checkProxy(exchange) : [`check the port in ${redactUrl(exchange.url)}`],
      retry: NO_RETRY,
    };
  }
  return {
    stage: 'connect',
    code: 'CONNECTION_CUT',
    message: `the connection to ${peer} was cut`,
    // Some networks cut what does not go through their proxy.
    nextSteps: viaProxy ? ['run the command again'] : ['run the command again', ...setProxy()],
    retry: BROKEN,
  };
}

function socksFault(text: string, exchange: Exchange): Explanation {
  const login = /authentication|no acceptable auth/i.test(text);
  return {
    stage: 'proxy',
    code: login ? 'PROXY_LOGIN' : 'PROXY_REFUSED',
    message: login
      ? `the proxy ${describeProxy(exchange.proxy)} does not accept the login`
      : `the proxy ${describeProxy(exchange.proxy)} makes no connection to ${new URL(exchange.url).host}`,
    nextSteps: checkProxy(exchange),
    retry: login ? NO_RETRY : UNREACHED,
  };
}

/** `https://` before the address of a proxy that wants plain HTTP is the usual slip; some servers make it the other way round. */
function notTls(exchange: Exchange, host: string): Explanation {
  if (exchange.proxy.proxy.startsWith('https:')) {
    return {
      stage: 'proxy',
      code: 'PROXY_NOT_TLS',
      message: `the proxy ${describeProxy(exchange.proxy)} does not speak TLS`,
      nextSteps: [
        `write it with http:// in front: ${redactProxy(exchange.proxy.proxy.replace(/^https:/, 'http:'))}`,
      ],
      retry: NO_RETRY,
    };
  }
  return {
    stage: 'tls',
    code: 'NOT_TLS',
    message: `${host} does not speak TLS`,
    nextSteps: ['check the scheme and the port of the URL'],
    retry: NO_RETRY,
  };
}

/** The other side has been silent for `idleMs`; `begun`: it had answered before. */
export function stalledFault(exchange: Exchange, idleMs: number, begun: boolean): TransferFault {
  const isDirect = exchange.proxy.proxy === 'direct';
  const failure = new DownloadError({
    stage: isDirect ? 'connect' : 'proxy',
    code: 'STALLED',
    message: `Cannot download ${redactUrl(exchange.url)}: nothing has arrived for ${Math.round(idleMs / 1000)} s`,
    reason: isDirect
      ? 'the connection is open, but silent'
      : `the connection goes through ${describeProxy(exchange.proxy)} and is open, but silent`,
    nextSteps: [
      isDirect
        ? 'run the command again; some networks swallow what does not go through their proxy: set HTTPS_PROXY=http://HOST:PORT'
        : 'run the command again; a proxy that looks for viruses may need long before it lets a big file through: ask whoever runs it',
    ],
  });
  return new TransferFault(failure, BROKEN, !begun);
}

function setProxy(): string[] {
  return ['if this network needs a proxy, set HTTPS_PROXY=http://HOST:PORT and run the command again'];
}

function checkProxy(exchange: Exchange): string[] {
  return [`check the proxy address (${exchange.proxy.from}): ${redactProxy(exchange.proxy.proxy)}`];
}
