import { readProxyUrl } from './proxy-url.js';

/** One way that a PAC script names: `direct`, or a proxy URL, which rarely has credentials. */
export type PacWay = string | 'direct';

const SCHEMES: Readonly<Record<string, string>> = {
  PROXY: 'http',
  HTTP: 'http',
  HTTPS: 'https',
  SOCKS: 'socks5h',
  SOCKS4: 'socks4a',
  SOCKS5: 'socks5h',
};

/**
 * The ways in a PAC script's answer, such as `PROXY a:8080; SOCKS b:1080; DIRECT`, to be tried in this order. Entries of no use are
 * passed over; an answer that names nothing means `direct`, as browsers have it. What comes after DIRECT is kept: a direct way may
 * be closed where a proxy is not.
 */
export function readPacAnswer(answer: string): readonly PacWay[] {
  const ways = entriesOf(answer)
    .map(wayOf)
    .filter((way) => way !== undefined);
  return ways.length === 0 ? ['direct'] : [...new Set(ways)];
}

/** The entries of a PAC script's answer that are passed over: of a kind that we do not know, or without a proper address. */
export function unusablePacEntries(answer: string): readonly string[] {
  return entriesOf(answer).filter((entry) => wayOf(entry) === undefined);
}

function entriesOf(answer: string): readonly string[] {
  return answer
    .split(';')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

function wayOf(entry: string): PacWay | undefined {
  const [kind = '', server = ''] = entry.split(/\s+/);
  if (kind.toUpperCase() === 'DIRECT') return 'direct';
  const scheme = SCHEMES[kind.toUpperCase()];
  return scheme === undefined ? undefined : readProxyUrl(`${scheme}://${server}`).url;
}
