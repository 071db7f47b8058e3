import type { HostFacts } from '../core/ports.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** What programs need to find their files, their user and their desktop. Everything else could change what they print. */
const KEPT = new Set(
  [
    ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TMPDIR', 'TEMP', 'TMP', 'TZ', 'DISPLAY', 'WAYLAND_DISPLAY'],
    ['XAUTHORITY', 'DBUS_SESSION_BUS_ADDRESS', 'SSH_AUTH_SOCK'],
    ['SYSTEMROOT', 'WINDIR', 'SYSTEMDRIVE', 'COMSPEC', 'PATHEXT', 'USERPROFILE', 'USERNAME', 'USERDOMAIN'],
    ['HOMEDRIVE', 'HOMEPATH', 'APPDATA', 'LOCALAPPDATA', 'PROGRAMDATA', 'PROGRAMFILES', 'PROGRAMFILES(X86)'],
    [
      'PROGRAMW6432',
      'COMMONPROGRAMFILES',
      'ALLUSERSPROFILE',
      'PUBLIC',
      'COMPUTERNAME',
      'NUMBER_OF_PROCESSORS',
    ],
    ['PROCESSOR_ARCHITECTURE', 'PSMODULEPATH'],
  ].flat(),
);
const KEPT_FAMILIES = /^(VBOX_|XDG_)/;

/**
 * The environment of a program whose output is read: English messages, and nothing of the caller's that a tool might obey. Variables in
 * `added` come on top; `undefined` removes one.
 */
export function toolEnvironment(
  { env, platform }: Pick<HostFacts, 'env' | 'platform'>,
  added: Environment = {},
): Record<string, string> {
  const kept = Object.entries(env).filter(([name]) => {
    const upper = platform === 'win32' ? name.toUpperCase() : name;
    return KEPT.has(upper) || KEPT_FAMILIES.test(upper);
  });
  // C.UTF-8 has the messages of C, and paths with other letters than ASCII survive it. Where it is missing, the C library falls back to C.
  const locale = platform === 'linux' ? 'C.UTF-8' : 'C';
  return defined(kept, Object.entries({ LC_ALL: locale, ...added }), platform);
}

/** The caller's own environment with changes: for a program that the user sees. */
export function terminalEnvironment(
  { env, platform }: Pick<HostFacts, 'env' | 'platform'>,
  added: Environment = {},
): Record<string, string> {
  return defined(Object.entries(env), Object.entries(added), platform);
}

type Entry = readonly [string, string | undefined];

function defined(
  base: readonly Entry[],
  added: readonly Entry[],
  platform: HostFacts['platform'],
): Record<string, string> {
  const key = (name: string) => (platform === 'win32' ? name.toUpperCase() : name);
  // The same variable in two spellings is undefined behaviour on Windows: the later one replaces the earlier.
  const merged = new Map<string, Entry>();
  for (const entry of [...base, ...added]) merged.set(key(entry[0]), entry);
  const result: Record<string, string> = {};
  for (const [name, value] of merged.values()) if (value !== undefined) result[name] = value;
  return result;
}
