const SCHEMES = ['http:', 'https:', 'socks:', 'socks4:', 'socks4a:', 'socks5:', 'socks5h:'];

/** What to do about a setting that `readProxyUrl` refuses. */
export const PROXY_FORMS: readonly string[] = [
  'write it as http://HOST:PORT, https://HOST:PORT or socks5h://HOST:PORT',
  'in a user name or password write @ as %40, : as %3A, / as %2F, # as %23, ? as %3F, \\ as %5C and a space as %20',
];

/**
 * A proxy setting as a URL, or why it is none. `proxy:8080` is an HTTP proxy, as everywhere; a stray `%` in a password stands for
 * itself.
 */
export function readProxyUrl(
  setting: string,
): { readonly url: string } | { readonly url?: never; readonly reason: string } {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(setting) ? setting : `http://${setting}`;
  const at = withScheme.lastIndexOf('@');
  const userInfo = withScheme.slice(0, at + 1).replace(/%(?![0-9a-f]{2})/gi, '%25');
  const text = userInfo + withScheme.slice(at + 1);
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (
    url === undefined ||
    /\s/.test(setting) ||
    url.hostname === '' ||
    !['', '/'].includes(url.pathname) ||
    url.search + url.hash !== ''
  ) {
    return {
      reason:
        'it is not of the form http://USER:PASSWORD@HOST:PORT, or has a character in USER or PASSWORD that must be encoded',
    };
  }
  if (!SCHEMES.includes(url.protocol)) {
    return { reason: `proxies of the kind "${url.protocol.slice(0, -1)}" are not known` };
  }
  if (!isDecodable(url.username) || !isDecodable(url.password)) {
    return { reason: 'the encoded characters in its user name or password are not UTF-8' };
  }
  return { url: text };
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}
