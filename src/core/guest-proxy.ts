import type { HostInGuest } from './driver.js';
import { UsageError } from './errors.js';
import { isLoopback, parseIpAddress } from './ip-address.js';
import { hostOf } from './proxy-exceptions.js';
import { PROXY_FORMS, readProxyUrl } from './proxy-url.js';
import { redactProxy } from './redact.js';

/** A proxy as the guest's engine is to use it. */
export interface GuestProxy {
  readonly url: string;
  /** It listens on the loopback of this computer and was rewritten to the guest's view of it (P04). */
  readonly rewritten: boolean;
  /** A sentence when the guest will most likely not reach it. */
  readonly doubt?: string;
}

/** Go, in which the engine is written, knows these; its `socks5` leaves names to the proxy, as `socks5h` does elsewhere. */
const ENGINE_SCHEMES: Readonly<Record<string, string>> = {
  'http:': 'http:',
  'https:': 'https:',
  'socks:': 'socks5:',
  'socks5:': 'socks5:',
  'socks5h:': 'socks5:',
};

/**
 * A proxy setting of this computer for the engine in a guest: as a URL, of a kind that the engine knows, and with an address that means
 * this computer in the guest when it means it here (P04). `flag` is named in the UsageError for a setting that cannot be used.
 */
export function guestProxy(setting: string, flag: string, host: HostInGuest | undefined): GuestProxy {
  const read = readProxyUrl(setting);
  if (read.url === undefined) throw unusable(setting, flag, read.reason);
  const from = new URL(read.url).protocol;
  const to = ENGINE_SCHEMES[from];
  if (to === undefined) {
    throw unusable(setting, flag, `Docker engines know no proxies of the kind "${from.slice(0, -1)}"`);
  }
  const url = read.url.replace(from, to);
  if (!isThisComputer(new URL(url))) return { url, rewritten: false };
  if (host === undefined) {
    return {
      url,
      rewritten: false,
      doubt: `the proxy ${redactProxy(url)} is an address that means the guest itself there, and how the guest reaches this computer is not known`,
    };
  }
  return {
    url: withHost(url, host.address),
    rewritten: true,
    ...(!host.reachesLoopback && {
      doubt: `the proxy ${redactProxy(url)} may listen on this computer's loopback only, which the guest does not reach: let it listen on ${host.address} too`,
    }),
  };
}

/** The addresses that the engine reaches without its proxy: the user's, then the machine's own networks; none twice. */
export function guestNoProxy(list: string, host: HostInGuest | undefined): string {
  const own = ['localhost', '127.0.0.1', ...(host?.networks ?? [])];
  return [...new Set([...entriesOf(list), ...own])].join(',');
}

/** The entries of a NO_PROXY list. */
export function entriesOf(list: string): readonly string[] {
  return list.split(/[\s,]+/).filter((entry) => entry !== '');
}

/** Host and port that a proxy URL stands for. */
export function proxyPlace(url: string): { readonly host: string; readonly port: number } {
  const parsed = new URL(url);
  const usual: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443, 'socks5:': 1080 };
  return {
    host: hostOf(parsed),
    port: parsed.port === '' ? (usual[parsed.protocol] ?? 80) : Number(parsed.port),
  };
}

function isThisComputer(url: URL): boolean {
  const host = hostOf(url);
  const address = parseIpAddress(host);
  return (
    host === 'localhost' || host.endsWith('.localhost') || (address !== undefined && isLoopback(address))
  );
}

/** The host alone is exchanged: URL's own setter would encode the password anew. */
function withHost(url: string, host: string): string {
  const start = Math.max(url.lastIndexOf('@'), url.indexOf('://') + 2) + 1;
  const end = /^(?:\[[^\]]*\]|[^:/]*)/.exec(url.slice(start))?.[0].length ?? 0;
  return url.slice(0, start) + host + url.slice(start + end);
}

function unusable(setting: string, flag: string, reason: string): UsageError {
  return new UsageError({
    code: 'PROXY_INVALID',
    message: `The proxy "${redactProxy(setting)}" of ${flag} cannot be used`,
    reason,
    nextSteps: PROXY_FORMS,
  });
}
