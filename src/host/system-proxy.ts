import { messageOf, throwIfInterrupted } from '../core/errors.js';
import type { HostFacts, ProcessRunner } from '../core/ports.js';
import type { SystemProxy } from '../core/proxy.js';
import type { Reporter } from '../core/reporter.js';
import { parseGnomeProxy } from './system-proxy-gnome.js';
import { parseScutilProxy } from './system-proxy-macos.js';
import {
  COMPUTER_SETTINGS,
  INTERNET_SETTINGS,
  isPerComputer,
  POLICY_KEY,
  parseInternetSettings,
} from './system-proxy-windows.js';

export interface SystemProxyCall {
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

interface Parts {
  readonly facts: Pick<HostFacts, 'platform' | 'env'>;
  readonly processes: ProcessRunner;
}

const LIMIT_MS = 5_000;

/**
 * The operating system's own proxy settings: Windows' Internet Options, macOS' network settings, GNOME's on Linux. Undefined when
 * there are none or they cannot be read, which `debug` tells. WPAD (a script found by broadcast or DNS alone) is not followed.
 */
export async function readSystemProxy(
  { facts, processes }: Parts,
  { reporter, signal }: SystemProxyCall,
): Promise<SystemProxy | undefined> {
  /** The output, or nothing when the program or what it is asked for is missing. */
  const outputOf = async (file: string, args: readonly string[]): Promise<string> => {
    try {
      const { status, stdout } = await processes.run(file, args, { signal, timeoutMs: LIMIT_MS });
      return status === 0 ? stdout : '';
    } catch (error) {
      throwIfInterrupted(signal);
      reporter.debug(`the system's proxy settings cannot be read: ${messageOf(error)}`);
      return '';
    }
  };
  switch (facts.platform) {
    case 'win32': {
      const reg = `${facts.env.SystemRoot ?? 'C:\\Windows'}\\System32\\reg.exe`;
      const policy = await outputOf(reg, ['query', POLICY_KEY]);
      const key = isPerComputer(policy) ? COMPUTER_SETTINGS : INTERNET_SETTINGS;
      return parseInternetSettings(await outputOf(reg, ['query', key]));
    }
    case 'darwin':
      return parseScutilProxy(await outputOf('/usr/sbin/scutil', ['--proxy']));
    case 'linux': {
      // Without a desktop session gsettings would answer with defaults, slowly.
      if ((facts.env.XDG_CURRENT_DESKTOP ?? '') === '') return undefined;
      const gsettings = await processes.find('gsettings');
      if (gsettings === undefined) return undefined;
      return parseGnomeProxy(await outputOf(gsettings, ['list-recursively', 'org.gnome.system.proxy']));
    }
  }
}
