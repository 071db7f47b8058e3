import { HostNotReadyError, UsageError } from './errors.js';
import { isLoopback, parseIpAddress } from './ip-address.js';
import { readPacAnswer } from './pac-answer.js';
import { hostOf, isNoProxyHost, isSystemException } from './proxy-exceptions.js';
import { PROXY_FORMS, readProxyUrl } from './proxy-url.js';
import { redactProxy, redactUrl } from './redact.js';

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
  | '--proxy'
  | 'MACHINE_PROXY'
  | ProxyVariable
  | 'PAC script'
  | 'system settings'
  | 'system exceptions'
  | 'loopback address'
  | 'no proxy set';

/** `direct`, or a URL with scheme (http, https, socks4, socks4a, socks5, socks5h), perhaps with credentials. */
export type ProxyUrl = string | 'direct';

export interface ProxyChoice {
  readonly proxy: ProxyUrl;
  readonly from: ProxyOrigin;
  /** More about where it came from: the address of the PAC script, or the operating system's name for its settings. */
  readonly where?: string | undefined;
  /** What to try, in this order, when the proxy cannot be reached: a PAC script may name several. Absent: nothing. */
  readonly failover?: readonly ProxyUrl[] | undefined;
  /** What goes around the proxy: entries of NO_PROXY, and those of the system's settings when the proxy is theirs. Absent: nothing. */
  readonly exceptions?: readonly string[] | undefined;
}

/** The operating system's own proxy setting, as read by whoever knows how. */
export interface SystemProxy {
  /** What was read: `Windows Internet settings`. */
  readonly name?: string | undefined;
  /** Proxy URLs, or `HOST:PORT` of an HTTP proxy. */
  readonly http?: string | undefined;
  readonly https?: string | undefined;
  /** For what has no proxy of its own. */
  readonly socks?: string | undefined;
  /** In the form that `isSystemException` (proxy-exceptions.ts) reads. */
  readonly exceptions: readonly string[];
  /** The address of a PAC script; it counts before the proxies above. */
  readonly pacUrl?: string | undefined;
}

/** What a PAC script answered. */
export interface PacAnswer {
  /** For this very URL, such as `PROXY a:8080; DIRECT`. */
  readonly answer: string;
  /** The script's address. */
  readonly script: string;
}

/** All that can name a proxy, strongest first. */
export interface ProxySources {
  /** `--proxy`: a proxy URL, or `direct`. */
  readonly flag?: string | undefined;
  /** `--proxy` when absent; the variable MACHINE_PROXY gives the same. */
  readonly flagFrom?: '--proxy' | 'MACHINE_PROXY' | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of `--proxy-pac`, or of the script that the system's settings name. */
  readonly pac?: PacAnswer | undefined;
  readonly system?: SystemProxy | undefined;
}

/**
 * The one place that decides which proxy a URL goes through. Loopback addresses never use one; NO_PROXY holds for every source, the flag too,
 * as with curl and with the docker client's own rules; then the first of flag, environment, PAC script and system settings that says something.
 * Machines are not asked about here: the connections to them (engine, SSH) know no proxy (P05).
 * Throws UsageError for an unusable flag and HostNotReadyError for an unusable proxy from elsewhere.
 */
export function chooseProxy(url: string, sources: ProxySources): ProxyChoice {
  const target = new URL(url);
  const host = hostOf(target);
  const address = parseIpAddress(host);
  if (host === 'localhost' || host.endsWith('.localhost') || (address !== undefined && isLoopback(address))) {
    return { proxy: 'direct', from: 'loopback address' };
  }
  const noProxy = firstSet(sources.env, ['NO_PROXY', 'no_proxy']);
  const entries = noProxy?.value.split(/[\s,]+/).filter((entry) => entry !== '') ?? [];
  if (noProxy !== undefined && isNoProxyHost(target, entries)) {
    return { proxy: 'direct', from: noProxy.variable };
  }
  const choice =
    fromFlag(sources) ?? fromEnvironment(target, sources) ?? fromPac(sources) ?? fromSystem(target, sources);
  const ofSystem = choice.from === 'system settings' ? (sources.system?.exceptions ?? []) : [];
  const exceptions = [...entries, ...ofSystem];
  return choice.proxy === 'direct' || exceptions.length === 0 ? choice : { ...choice, exceptions };
}

/** The choice in words, without secrets: `http://user:***@proxy:8080 (HTTPS_PROXY)`, `direct (NO_PROXY)`. */
export function describeProxy(choice: ProxyChoice): string {
  return `${redactProxy(choice.proxy)} (${describeOrigin(choice)})`;
}

/** Where the choice came from, in words, without secrets: `HTTPS_PROXY`, `PAC script http://wpad/wpad.dat`. */
export function describeOrigin(choice: ProxyChoice): string {
  if (choice.where === undefined) return choice.from;
  return choice.from === 'PAC script'
    ? `${choice.from} ${redactUrl(choice.where)}`
    : `${choice.from}: ${choice.where}`;
}

/**
 * The rule for a variable that is there in both cases, NO_PROXY and no_proxy alike: the upper case form counts, unless it is empty, which is as
 * not set. So does Go, in which docker-machine, the docker client and the engine are written (golang.org/x/net/http/httpproxy); curl has it the
 * other way round. `variableOf` (engine-change.ts) is the same for an engine's environment; `env` changes both (no-proxy.ts).
 */
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

function fromFlag({ flag, flagFrom: from = '--proxy' }: ProxySources): ProxyChoice | undefined {
  if (flag === undefined || flag === '') return undefined;
  return { proxy: flag === 'direct' ? flag : proxyUrl(flag, { from }), from };
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
  const origin = { from: setting.variable };
  return { proxy: proxyUrl(setting.value, origin), ...origin };
}

function fromPac({ pac }: ProxySources): ProxyChoice | undefined {
  if (pac === undefined) return undefined;
  const origin = { from: 'PAC script', where: pac.script } as const;
  const [proxy = 'direct', ...failover] = readPacAnswer(pac.answer).map((way) =>
    way === 'direct' ? way : proxyUrl(way, origin),
  );
  return { proxy, ...origin, failover };
}

function fromSystem(target: URL, { system }: ProxySources): ProxyChoice {
  const own = target.protocol === 'https:' ? system?.https : system?.http;
  const proxy = own === undefined || own === '' ? system?.socks : own;
  if (system === undefined || proxy === undefined || proxy === '') {
    return { proxy: 'direct', from: 'no proxy set' };
  }
  const where = system.name;
  if (isSystemException(target, system.exceptions)) {
    return { proxy: 'direct', from: 'system exceptions', where };
  }
  const origin = { from: 'system settings', where } as const;
  return { proxy: proxyUrl(proxy, origin), ...origin };
}

function proxyUrl(setting: string, origin: Omit<ProxyChoice, 'proxy'>): string {
  const read = readProxyUrl(setting);
  if (read.url !== undefined) return read.url;
  const details = {
    code: 'PROXY_INVALID',
    message: `The proxy "${redactProxy(setting)}" (${describeOrigin({ proxy: setting, ...origin })}) cannot be used`,
    reason: read.reason,
    nextSteps: PROXY_FORMS,
  };
  throw origin.from === '--proxy' || origin.from === 'MACHINE_PROXY'
    ? new UsageError(details)
    : new HostNotReadyError(details);
}
