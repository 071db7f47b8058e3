import { HostNotReadyError, UsageError } from './errors.js';
import { isInRange, isLoopback, parseIpAddress } from './ip-address.js';

/** The environment variables that name a proxy or the hosts that need none. */
export const PROXY_VARIABLES = [
  'HTTPS_PROXY',
  'https_proxy',
  'HTTP_PROXY',
  'http_proxy',
  'ALL_PROXY',
  'all_proxy',
  'NO_PROXY',
  'no_proxy',
] as const;

type ProxyVariable = (typeof PROXY_VARIABLES)[number];

/** Why this proxy, or why none: shown to the user. */
export type ProxyOrigin =
  | 'flag'
  | ProxyVariable
  | 'PAC script'
  | 'system settings'
  | 'system exceptions'
  | 'loopback address'
  | 'machine address'
  | 'no proxy set';

export interface ProxyChoice {
  /** `direct`, or a URL with scheme (http, https, socks4, socks4a, socks5, socks5h), perhaps with credentials. */
  readonly proxy: string | 'direct';
  readonly from: ProxyOrigin;
}

/** The operating system's own proxy setting, as read by whoever knows how. */
export interface SystemProxy {
  readonly http?: string | undefined;
  readonly https?: string | undefined;
  /** In the form of NO_PROXY entries. */
  readonly exceptions: readonly string[];
}

/** All that can name a proxy, strongest first. */
export interface ProxySources {
  /** `--proxy`: a proxy URL, or `direct`. */
  readonly flag?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What a PAC script answered for this very URL, such as `PROXY a:8080; DIRECT`. */
  readonly pac?: string | undefined;
  readonly system?: SystemProxy | undefined;
  /** Addresses of machines: never reached through a proxy (P05). */
  readonly machineAddresses?: readonly string[];
}

/**
 * The one place that decides which proxy a URL goes through. Loopback and machine addresses never use one; NO_PROXY holds for
 * every source, the flag too, as with curl and with the docker client's own rules; then the first of flag, environment, PAC
 * script and system settings that says something. An empty variable counts as not set, the upper case form wins (both as in
 * Go, whose rules docker-machine and the docker client follow).
 * Throws UsageError for an unusable flag and HostNotReadyError for an unusable proxy from elsewhere.
 */
export function chooseProxy(url: string, sources: ProxySources): ProxyChoice {
  const target = new URL(url);
  const host = hostOf(target);
  const address = parseIpAddress(host);
  if (host === 'localhost' || host.endsWith('.localhost') || (address !== undefined && isLoopback(address))) {
    return { proxy: 'direct', from: 'loopback address' };
  }
  if (sources.machineAddresses?.some((machine) => sameHost(machine, host)) === true) {
    return { proxy: 'direct', from: 'machine address' };
  }
  const exceptions = firstSet(sources.env, ['NO_PROXY', 'no_proxy']);
  if (exceptions !== undefined && isException(target, exceptions.value.split(/[\s,]+/))) {
    return { proxy: 'direct', from: exceptions.variable };
  }
  return (
    fromFlag(sources) ?? fromEnvironment(target, sources) ?? fromPac(sources) ?? fromSystem(target, sources)
  );
}

/** The choice in words, without secrets: `http://user:***@proxy:8080 (HTTPS_PROXY)`, `direct (NO_PROXY)`. */
export function describeProxy(choice: ProxyChoice): string {
  return `${redactUrl(choice.proxy)} (${choice.from})`;
}

/**
 * A URL that may be printed: passwords, user names without a password (tokens are sent so) and query values with telling
 * names are masked. Works on text that is no proper URL too, where it rather masks too much.
 */
export function redactUrl(text: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:\/*/i.exec(text)?.[0] ?? '';
  const hasScheme = scheme.endsWith('//');
  const start = hasScheme ? scheme.length : 0;
  const rest = text.slice(start);
  const authority = /^[^/?#]*/.exec(rest)?.[0] ?? '';
  // An unencoded "/", "?" or "#" in a password ends the authority early; what is left of it then has no proper port.
  const isCut = !authority.includes('@') && /:(?!\d*$)/.test(authority.replace(/^\[[^\]]*\]/, ''));
  const at = isCut ? rest.lastIndexOf('@') : authority.lastIndexOf('@');
  const name = rest.slice(0, Math.max(at, 0));
  const masked = at < 0 ? '' : name.includes(':') ? `${name.slice(0, name.indexOf(':'))}:***@` : '***@';
  return (text.slice(0, start) + masked + rest.slice(at + 1)).replace(
    /([?&][^=&#]*(?:sig|token|key|secret|password|credential|auth)[^=&#]*=)[^&#]*/gi,
    '$1***',
  );
}

/** True when `target` is one of the exceptions, each in the form of a NO_PROXY entry. */
function isException(target: URL, entries: readonly string[]): boolean {
  const host = hostOf(target);
  const port = target.port === '' ? (target.protocol === 'https:' ? '443' : '80') : target.port;
  return entries.some((entry) => entry !== '' && matchesException(entry.toLowerCase(), host, port));
}

/**
 * Go's rules: `*`; `corp.example` with its subdomains; `.corp.example` and `*.corp.example` for subdomains only; an address; a
 * range `10.0.0.0/8`; each but the range also with `:port`.
 */
function matchesException(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  const address = parseIpAddress(host);
  if (address !== undefined && entry.includes('/')) return isInRange(address, entry);
  const { name, port: entryPort } = splitPort(entry);
  if (entryPort !== undefined && entryPort !== port) return false;
  if (address !== undefined) return sameHost(name, host);
  const pattern = name.replace(/^\*(?=\.)/, '').replace(/\.$/, '');
  return pattern.startsWith('.') ? host.endsWith(pattern) : host === pattern || host.endsWith(`.${pattern}`);
}

/** `host:80`, `[::1]:80`, `::1` and `host`. */
function splitPort(entry: string): { name: string; port: string | undefined } {
  const match = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry);
  return match === null ? { name: entry, port: undefined } : { name: match[1] ?? '', port: match[2] };
}

function sameHost(one: string, other: string): boolean {
  const first = parseIpAddress(one);
  const second = parseIpAddress(other);
  if (first === undefined || second === undefined) return one.toLowerCase() === other.toLowerCase();
  return first.bits === second.bits && first.value === second.value;
}

function hostOf(url: URL): string {
  return url.hostname
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();
}

function firstSet<V extends ProxyVariable>(
  env: ProxySources['env'],
  variables: readonly V[],
): { variable: V; value: string } | undefined {
  for (const variable of variables) {
    const value = env[variable]?.trim();
    if (value !== undefined && value !== '') return { variable, value };
  }
  // Windows does not care for case in names of variables: there it may be "Https_Proxy".
  const mixed = Object.entries(env).find(
    ([name, value]) => value?.trim() && variables.some((variable) => variable === name.toUpperCase()),
  );
  const variable = variables.find((name) => name === mixed?.[0].toUpperCase());
  return variable === undefined ? undefined : { variable, value: mixed?.[1]?.trim() ?? '' };
}

function fromFlag(sources: ProxySources): ProxyChoice | undefined {
  if (sources.flag === undefined || sources.flag === '') return undefined;
  if (sources.flag === 'direct') return { proxy: 'direct', from: 'flag' };
  return { proxy: proxyUrl(sources.flag, 'flag'), from: 'flag' };
}

/**
 * Go and curl use HTTP_PROXY for http only. We take it for https too when nothing else is set: many set only this one, and a
 * network that needs a proxy for http has no direct way for https.
 */
function fromEnvironment(target: URL, sources: ProxySources): ProxyChoice | undefined {
  const setting =
    target.protocol === 'https:'
      ? firstSet(sources.env, [
          'HTTPS_PROXY',
          'https_proxy',
          'ALL_PROXY',
          'all_proxy',
          'HTTP_PROXY',
          'http_proxy',
        ])
      : firstSet(sources.env, ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy']);
  if (setting === undefined) return undefined;
  return { proxy: proxyUrl(setting.value, setting.variable), from: setting.variable };
}

const PAC_SCHEMES: Readonly<Record<string, string>> = {
  PROXY: 'http',
  HTTP: 'http',
  HTTPS: 'https',
  SOCKS: 'socks5h',
  SOCKS4: 'socks4a',
  SOCKS5: 'socks5h',
};

/** The first entry of a PAC answer that we understand; an empty answer means "direct", as browsers have it. */
function fromPac(sources: ProxySources): ProxyChoice | undefined {
  if (sources.pac === undefined) return undefined;
  for (const entry of sources.pac.split(';')) {
    const [kind = '', server] = entry.trim().split(/\s+/);
    const scheme = PAC_SCHEMES[kind.toUpperCase()];
    if (scheme !== undefined && server !== undefined) {
      return { proxy: proxyUrl(`${scheme}://${server}`, 'PAC script'), from: 'PAC script' };
    }
    if (kind.toUpperCase() === 'DIRECT') break;
  }
  return { proxy: 'direct', from: 'PAC script' };
}

function fromSystem(target: URL, sources: ProxySources): ProxyChoice {
  const proxy = target.protocol === 'https:' ? sources.system?.https : sources.system?.http;
  if (sources.system === undefined || proxy === undefined || proxy === '') {
    return { proxy: 'direct', from: 'no proxy set' };
  }
  if (isException(target, sources.system.exceptions)) return { proxy: 'direct', from: 'system exceptions' };
  return { proxy: proxyUrl(proxy, 'system settings'), from: 'system settings' };
}

const SCHEMES = ['http:', 'https:', 'socks:', 'socks4:', 'socks4a:', 'socks5:', 'socks5h:'];

/** A proxy setting as a URL. `proxy:8080` is an HTTP proxy, as everywhere; a stray `%` in a password stands for itself. */
function proxyUrl(setting: string, from: ProxyOrigin): string {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(setting) ? setting : `http://${setting}`;
  const at = withScheme.lastIndexOf('@');
  const userInfo = withScheme.slice(0, at + 1).replace(/%(?![0-9a-f]{2})/gi, '%25');
  const text = userInfo + withScheme.slice(at + 1);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    url === undefined ||
    url.hostname === '' ||
    !['', '/'].includes(url.pathname) ||
    url.search + url.hash !== ''
  ) {
    throw unusable(
      setting,
      from,
      'it is not of the form http://USER:PASSWORD@HOST:PORT, or has a character in USER or PASSWORD that must be encoded',
    );
  }
  if (!SCHEMES.includes(url.protocol)) {
    throw unusable(setting, from, `proxies of the kind "${url.protocol.slice(0, -1)}" are not known`);
  }
  if (!isDecodable(url.username) || !isDecodable(url.password)) {
    throw unusable(setting, from, 'the encoded characters in its user name or password are not UTF-8');
  }
  return text;
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function unusable(setting: string, from: ProxyOrigin, reason: string): HostNotReadyError | UsageError {
  const details = {
    code: 'PROXY_INVALID',
    message: `The proxy "${redactUrl(setting)}" (${from}) cannot be used`,
    reason,
    nextSteps: [
      'write it as http://HOST:PORT, https://HOST:PORT or socks5h://HOST:PORT',
      'in a user name or password write @ as %40, : as %3A, / as %2F, # as %23, ? as %3F and \\ as %5C',
    ],
  };
  return from === 'flag' ? new UsageError(details) : new HostNotReadyError(details);
}
