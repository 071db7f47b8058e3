import type { SentRequest } from './sender.js';

/**
 * curl's settings for one GET, to be read from its standard input (`--config -`): passwords are in no list of processes. The answer
 * comes on stdout, every head of the way before the body. `caFile` is a PEM file in place of curl's own authorities.
 * Syntax: https://curl.se/docs/manpage.html#-K
 */
export function curlConfig(request: SentRequest, caFile: string | undefined): string {
  const { proxy } = request.proxy;
  return [
    'silent',
    'show-error',
    'include',
    'globoff',
    'http1.1',
    setting('url', request.url),
    ...Object.entries(request.headers).map(([name, value]) => setting('header', `${name}: ${value}`)),
    ...(caFile === undefined ? [] : [setting('cacert', caFile)]),
    ...(proxy === 'direct' ? [setting('noproxy', '*')] : proxySettings(new URL(proxy))),
    '',
  ].join('\n');
}

function proxySettings(proxy: URL): string[] {
  const isSocks = proxy.protocol.startsWith('socks');
  const hasLogin = proxy.username !== '' || proxy.password !== '';
  const login = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const address = new URL(proxy);
  address.username = '';
  address.password = '';
  return [
    setting(
      'proxy',
      address.href
        .replace(/\/$/, '')
        .replace(/^socks:/, 'socks5h:')
        .replace(/^socks5:/, 'socks5h:')
        .replace(/^socks4:/, 'socks4a:'),
    ),
    // An empty login stands for the one that the user has at this computer (SSPI on Windows, Kerberos elsewhere).
    ...(isSocks ? [] : ['proxy-anyauth']),
    ...(hasLogin || !isSocks ? [setting('proxy-user', hasLogin ? login : ':')] : []),
    setting('noproxy', ''),
  ];
}

function setting(name: string, value: string): string {
  const quoted = value
    .replace(/["\\]/g, '\\$&')
    .replace(/\n/g, '\\n')
    .replace(/\r/g, '\\r')
    .replace(/\t/g, '\\t');
  return `${name} = "${quoted}"`;
}
