import { isInRange, parseIpAddress } from './ip-address.js';

/**
 * True when `target` is one of the exceptions, each in the form of a NO_PROXY entry. Go's rules: `*`; `corp.example` with its
 * subdomains; `.corp.example` and `*.corp.example` for subdomains only; an address; a range `10.0.0.0/8`; each but the range also
 * with `:port`.
 */
export function isNoProxyHost(target: URL, entries: readonly string[]): boolean {
  const host = hostOf(target);
  const port = portOf(target);
  return entries.some((entry) => entry !== '' && matchesNoProxy(entry.toLowerCase(), host, port));
}

/**
 * True when `target` is one of the operating system's exceptions, in their common form: an exact name or address, `*` for any text
 * (`*.corp.example`, `10.*`), a range `10.0.0.0/8`, `<local>` for names without a dot; each but the range also with `:port`, and
 * with a scheme before it (`https://intranet`), as Windows allows.
 */
export function isSystemException(target: URL, entries: readonly string[]): boolean {
  const host = hostOf(target);
  const port = portOf(target);
  return entries.some((entry) => matchesPattern(entry.trim().toLowerCase(), target.protocol, host, port));
}

/**
 * An exception of the operating system as an entry of NO_PROXY: `10.*` is 10.0.0.0/8, `*.corp.example` is .corp.example, schemes go. Entries of
 * NO_PROXY stay what they are. Undefined for what it has no form for: `<local>`, and `*` within a name.
 */
export function noProxyEntry(exception: string): string | undefined {
  const entry = exception
    .trim()
    .replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')
    .replace(/\/$/, '');
  const network = /^((?:\d{1,3}\.){1,3})\*(?:\.\*)*$/.exec(entry)?.[1]?.split('.').slice(0, -1);
  if (network !== undefined)
    return `${[...network, '0', '0', '0'].slice(0, 4).join('.')}/${8 * network.length}`;
  const name = entry.replace(/^\*(?=[^*:])/, '');
  return entry === '*' || /^[^*<>:][^*<>]*$|^::/.test(name) ? name : undefined;
}

/** The host of a URL: lower case, without brackets and without the dot at the end. */
export function hostOf(url: URL): string {
  return url.hostname
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();
}

/** True for two spellings of one address, and for names that differ by case only. */
function sameHost(one: string, other: string): boolean {
  const first = parseIpAddress(one);
  const second = parseIpAddress(other);
  if (first === undefined || second === undefined) return one.toLowerCase() === other.toLowerCase();
  return first.bits === second.bits && first.value === second.value;
}

function matchesNoProxy(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  const address = parseIpAddress(host);
  if (address !== undefined && entry.includes('/')) return isInRange(address, entry);
  const { name, port: entryPort } = splitPort(entry);
  if (entryPort !== undefined && entryPort !== port) return false;
  if (address !== undefined) return sameHost(name, host);
  const pattern = name.replace(/^\*(?=\.)/, '').replace(/\.$/, '');
  return pattern.startsWith('.') ? host.endsWith(pattern) : host === pattern || host.endsWith(`.${pattern}`);
}

function matchesPattern(entry: string, protocol: string, host: string, port: string): boolean {
  if (entry === '') return false;
  const address = parseIpAddress(host);
  if (entry === '<local>') return address === undefined && !host.includes('.');
  const scheme = /^([a-z][a-z0-9+.-]*:)\/\//.exec(entry);
  if (scheme !== null && scheme[1] !== protocol) return false;
  const rest = entry.slice(scheme?.[0].length ?? 0);
  if (address !== undefined && rest.includes('/')) return isInRange(address, rest);
  const { name, port: entryPort } = splitPort(rest);
  if (entryPort !== undefined && entryPort !== port) return false;
  if (!name.includes('*')) return sameHost(name.replace(/\.$/, ''), host);
  const parts = name.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(host);
}

/** `host:80`, `[::1]:80`, `::1` and `host`. */
function splitPort(entry: string): { name: string; port: string | undefined } {
  const match = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry);
  return match === null ? { name: entry, port: undefined } : { name: match[1] ?? '', port: match[2] };
}

function portOf(url: URL): string {
  if (url.port !== '') return url.port;
  return url.protocol === 'https:' ? '443' : '80';
}
