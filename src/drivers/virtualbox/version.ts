import type { HostFacts } from '../../core/ports.js';

/** What `VBoxManage --version` says: `7.2.22_Debianr175245`. */
export interface VirtualBoxVersion {
  readonly text: string;
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** All in which the versions of VirtualBox differ for us, read once. */
export interface Dialect {
  readonly version: VirtualBoxVersion;
  /** macOS has host-only networks instead of adapters since 7.0 (P16). */
  readonly hostOnly: 'interface' | 'network';
  /** Since 6.1.28 Linux and macOS refuse host-only addresses that networks.conf does not allow (P15). */
  readonly limitsHostOnlyRange: boolean;
  /** `dhcpserver modify --mac-address M --fixed-address A` came with 6.1. */
  readonly hasFixedLeases: boolean;
  /** `--nat-pf1` (7.0) or `--natpf1`. */
  readonly flags: 'kebab' | 'joined';
  /** Below 6.0 VirtualBox does not start at all where Hyper-V runs; since then it runs on it, slowly. */
  readonly runsOnHyperV: boolean;
}

/** The newest that was tried. */
const NEWEST = { major: 7, minor: 2 };

/** Reads the version from the last line that has one: a warning of the distribution may stand before it. Undefined: there is none. */
export function parseVersion(output: string): VirtualBoxVersion | undefined {
  const lines = output.split('\n').map((line) => line.trim());
  const text = lines.findLast((line) => /^\d+\.\d+(?:\.\d+)?\S*$/.test(line));
  const [, major, minor, patch] = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(text ?? '') ?? [];
  if (text === undefined || major === undefined) return undefined;
  return { text, major: Number(major), minor: Number(minor), patch: Number(patch ?? 0) };
}

/** How this version is spoken to. */
export function dialectOf(version: VirtualBoxVersion, platform: HostFacts['platform']): Dialect {
  const isAtLeast = (major: number, minor = 0, patch = 0) => compare(version, { major, minor, patch }) >= 0;
  return {
    version,
    hostOnly: platform === 'darwin' && isAtLeast(7) ? 'network' : 'interface',
    limitsHostOnlyRange: platform !== 'win32' && isAtLeast(6, 1, 28),
    hasFixedLeases: isAtLeast(6, 1),
    flags: isAtLeast(7) ? 'kebab' : 'joined',
    runsOnHyperV: isAtLeast(6),
  };
}

/** Too old to be driven at all; 4.3 is, with a warning (contract: create-flow.md section 3). */
export function isTooOld({ major, minor }: VirtualBoxVersion): boolean {
  return major < 4 || (major === 4 && minor < 3);
}

/** Newer than any that was tried. */
export function isUnknownNewer({ major, minor }: VirtualBoxVersion): boolean {
  return major > NEWEST.major || (major === NEWEST.major && minor > NEWEST.minor);
}

/** One option of `modifyvm` in this version's spelling: `optionName(dialect, 'nat-pf', 1)` is `--natpf1` before 7.0. */
export function optionName(dialect: Pick<Dialect, 'flags'>, name: string, slot: number): string {
  return `--${dialect.flags === 'kebab' ? name : name.replaceAll('-', '')}${slot}`;
}

type Numbers = Pick<VirtualBoxVersion, 'major' | 'minor' | 'patch'>;

function compare(one: Numbers, other: Numbers): number {
  return one.major - other.major || one.minor - other.minor || one.patch - other.patch;
}
