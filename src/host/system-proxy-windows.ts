import type { SystemProxy } from '../core/proxy.js';
import { parseRegistryValues } from './registry-values.js';

/** What Windows calls Internet Options, and browsers follow. */
export const INTERNET_SETTINGS = 'HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings';

/** Set by a policy: settings of the computer count in place of those of the user. */
export const POLICY_KEY = 'HKLM\\Software\\Policies\\Microsoft\\Windows\\CurrentVersion\\Internet Settings';
export const COMPUTER_SETTINGS = 'HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings';

/** Whether `reg query POLICY_KEY` says that the computer's settings count. */
export function isPerComputer(policy: string): boolean {
  return Number(parseRegistryValues(policy).get('proxysettingsperuser') ?? '1') === 0;
}

/**
 * The proxy in the output of `reg query INTERNET_SETTINGS`; undefined when none is set. ProxyServer is `HOST:PORT` for all, or
 * `http=HOST:PORT;https=HOST:PORT;socks=HOST:PORT`; ProxyOverride holds patterns parted by semicolons, `<local>` among them
 * (https://learn.microsoft.com/windows/win32/wininet/enabling-internet-functionality).
 */
export function parseInternetSettings(output: string): SystemProxy | undefined {
  const values = parseRegistryValues(output);
  const pacUrl = values.get('autoconfigurl') || undefined;
  const isOn = Number(values.get('proxyenable') ?? '0') !== 0;
  const servers = isOn ? parseServers(values.get('proxyserver') ?? '') : {};
  if (pacUrl === undefined && Object.keys(servers).length === 0) return undefined;
  return {
    name: 'Windows Internet Options',
    ...servers,
    pacUrl,
    exceptions: (values.get('proxyoverride') ?? '')
      .split(/[;\s]+/)
      // `<-loopback>` would send loopback addresses through the proxy: never here.
      .filter((entry) => entry !== '' && entry.toLowerCase() !== '<-loopback>'),
  };
}

function parseServers(setting: string): Pick<SystemProxy, 'http' | 'https' | 'socks'> {
  const servers: { http?: string; https?: string; socks?: string } = {};
  for (const entry of setting.split(/[;\s]+/).filter((part) => part !== '')) {
    const [kind = '', address] = entry.split(/=(.*)/s);
    if (address === undefined) {
      servers.http ??= entry;
      servers.https ??= entry;
    } else if (address !== '' && (kind === 'http' || kind === 'https')) {
      servers[kind] = address;
    } else if (address !== '' && kind === 'socks') {
      // WinINET speaks version 4 with it; servers that understand names in it are of version 4a.
      servers.socks = address.includes('://') ? address : `socks4a://${address}`;
    }
  }
  return servers;
}
