import { PROXY_VARIABLES } from './proxy.js';
import type { VariableChange } from './variable-change.js';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Remembers which addresses `env` put into NO_PROXY, so that `env -u` takes back those and no others: an address that the
 * user had there before stays.
 */
const MEMORY = 'TMACHINE_NO_PROXY';

/** True when programs started from this environment would use a proxy (P05). */
export function hasProxy(env: Environment): boolean {
  return PROXY_VARIABLES.some((name) => !/^no_proxy$/i.test(name) && (env[name] ?? '') !== '');
}

/**
 * The changes that keep `address` (a host, or `host:port`) away from the proxy. As in docker-machine the variable is
 * `no_proxy` when that is in use, else `NO_PROXY`, and the address comes last; when both are in use both are changed, since
 * Go programs read the one and curl the other first. Repeatable: an address that is there already is not added again.
 * On Windows the two names are one variable.
 */
export function addNoProxy(
  address: string,
  env: Environment,
  platform: 'linux' | 'darwin' | 'win32',
): readonly VariableChange[] {
  const host = hostOf(address);
  const names = variablesInUse(env, platform);
  const changes: VariableChange[] = [];
  let added = false;
  for (const name of names.length > 0 ? names : ['NO_PROXY']) {
    const old = lookUp(env, name, platform);
    const covered = entriesOf(old).some((entry) => entry === host || entry === '*');
    added ||= !covered;
    changes.push({ name, value: covered ? old : [...(old === '' ? [] : [old]), host].join(',') });
  }
  if (!added) return changes;
  const remembered = entriesOf(lookUp(env, MEMORY, platform)).filter((entry) => entry !== host);
  return [...changes, { name: MEMORY, value: [...remembered, host].join(',') }];
}

/** Takes back exactly what `addNoProxy` added in this environment; nothing when it added nothing. */
export function removeNoProxy(
  env: Environment,
  platform: 'linux' | 'darwin' | 'win32',
): readonly VariableChange[] {
  const added = new Set(entriesOf(lookUp(env, MEMORY, platform)));
  if (added.size === 0) return [];
  const changes = variablesInUse(env, platform).flatMap((name) => {
    const old = lookUp(env, name, platform);
    const kept = old.split(',').filter((entry) => !added.has(entry.trim()));
    const value = kept.join(',');
    return value === old ? [] : [{ name, value: value === '' ? undefined : value }];
  });
  return [...changes, { name: MEMORY, value: undefined }];
}

function variablesInUse(env: Environment, platform: string): readonly string[] {
  const names = ['no_proxy', 'NO_PROXY'].filter((name) => lookUp(env, name, platform) !== '');
  return platform === 'win32' ? names.slice(0, 1) : names;
}

function lookUp(env: Environment, name: string, platform: string): string {
  if (platform !== 'win32') return env[name] ?? '';
  const key = Object.keys(env).find((candidate) => candidate.toUpperCase() === name.toUpperCase());
  return key === undefined ? '' : (env[key] ?? '');
}

function entriesOf(list: string): readonly string[] {
  return list
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

/** Without the port that `none` machines have in their address, and without the brackets of an IPv6 address. */
function hostOf(address: string): string {
  const bracketed = /^\[([^\]]+)\]/.exec(address);
  if (bracketed?.[1] !== undefined) return bracketed[1];
  return /^[^:]+:\d+$/.test(address) ? address.replace(/:\d+$/, '') : address;
}
