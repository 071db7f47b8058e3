import type { FlagSpec } from './flag-spec.js';

/**
 * How this program reaches the network. Program flags, because `create`, `upgrade` and the image commands all download; the
 * original has none of them.
 */
export const NETWORK_FLAGS: readonly FlagSpec[] = [
  {
    name: 'proxy',
    type: 'string',
    env: 'MACHINE_PROXY',
    help: 'Proxy for downloads, http://HOST:PORT or the like, or "direct"',
  },
  {
    name: 'proxy-pac',
    type: 'string',
    env: 'MACHINE_PROXY_PAC',
    help: 'URL or file of a proxy auto-configuration script',
  },
  {
    name: 'ca-cert',
    type: 'string',
    env: 'MACHINE_CA_CERT',
    help: 'PEM file of authorities to trust beside those of the system',
  },
  {
    name: 'downloader',
    type: 'string',
    env: 'MACHINE_DOWNLOADER',
    help: 'built-in, or curl for proxies that want NTLM or Negotiate',
  },
];
