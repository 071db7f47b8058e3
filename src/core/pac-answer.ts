/** One way that a PAC script names: `direct`, or a proxy URL without credentials. */
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
 * The ways in a PAC script's answer, such as `PROXY a:8080; SOCKS b:1080; DIRECT`, to be tried in this order. Entries of a kind
 * that we do not know are passed over; an answer that names nothing means `direct`, as browsers have it. What comes after DIRECT is
 * kept: a direct way may be closed where a proxy is not.
 */
export function readPacAnswer(answer: string): readonly PacWay[] {
  const ways: PacWay[] = [];
  for (const entry of answer.split(';')) {
    const [kind = '', server] = entry.trim().split(/\s+/);
    const scheme = SCHEMES[kind.toUpperCase()];
    const way =
      kind.toUpperCase() === 'DIRECT'
        ? 'direct'
        : scheme !== undefined && server !== undefined
          ? `${scheme}://${server}`
          : undefined;
    if (way !== undefined && !ways.includes(way)) ways.push(way);
  }
  return ways.length === 0 ? ['direct'] : ways;
}
