import { newBaseDriver } from '../../core/base-driver.js';
import type { DriverOption, FlagValues } from '../../core/driver.js';
import { UsageError } from '../../core/errors.js';
import { integerFlag, stringFlag } from '../../core/flag-values.js';
import { parseCidr } from './cidr.js';
import {
  NETWORK_CHOICES,
  NIC_TYPES,
  PROMISCUOUS_MODES,
  UI_TYPES,
  type VirtualBoxSettings,
} from './settings.js';
import { parseShareFolder } from './share-folders.js';

export const DEFAULT_CIDR = '192.168.99.1/24';
const CIDR_EXAMPLE = `for example:  --virtualbox-hostonly-cidr ${DEFAULT_CIDR}`;
const DEFAULTS = { memoryMb: 1024, cpuCount: 1, diskMb: 20000, nicType: '82540EM' } as const;

/** Measured with our own guest image: below it the engine never answers. */
const LEAST_MEMORY_MB = 256;
/** `VBoxManage list systemproperties`: Maximum guest RAM size. */
const MOST_MEMORY_MB = 2_097_152;
/** boot2docker puts a swap partition of 1000 MB on the disk before it makes the one for data. */
const LEAST_DISK_MB = 1200;
/** What the format of our disks can address. */
const MOST_DISK_MB = 2_000_000;
/** docker-machine's own limit (contract: create-flow.md section 4). */
const MOST_CPUS = 32;

/** docker-machine's flags and words; `virtualbox-network` is ours. */
export const VIRTUALBOX_OPTIONS: readonly DriverOption[] = [
  {
    name: 'virtualbox-memory',
    type: 'int',
    default: DEFAULTS.memoryMb,
    env: 'VIRTUALBOX_MEMORY_SIZE',
    help: 'Size of memory for host in MB',
  },
  {
    name: 'virtualbox-cpu-count',
    type: 'int',
    default: DEFAULTS.cpuCount,
    env: 'VIRTUALBOX_CPU_COUNT',
    help: 'number of CPUs for the machine (-1 to use the number of CPUs available)',
  },
  {
    name: 'virtualbox-disk-size',
    type: 'int',
    default: DEFAULTS.diskMb,
    env: 'VIRTUALBOX_DISK_SIZE',
    help: 'Size of disk for host in MB',
  },
  {
    name: 'virtualbox-boot2docker-url',
    type: 'string',
    default: '',
    env: 'VIRTUALBOX_BOOT2DOCKER_URL',
    help: 'The URL of the boot2docker image. Defaults to the latest available version',
  },
  {
    name: 'virtualbox-import-boot2docker-vm',
    type: 'string',
    default: '',
    env: 'VIRTUALBOX_BOOT2DOCKER_IMPORT_VM',
    help: 'The name of a Boot2Docker VM to import',
  },
  {
    name: 'virtualbox-host-dns-resolver',
    type: 'bool',
    env: 'VIRTUALBOX_HOST_DNS_RESOLVER',
    help: 'Use the host DNS resolver',
  },
  {
    name: 'virtualbox-nat-nictype',
    type: 'string',
    default: DEFAULTS.nicType,
    env: 'VIRTUALBOX_NAT_NICTYPE',
    help: 'Specify the Network Adapter Type',
  },
  {
    name: 'virtualbox-hostonly-cidr',
    type: 'string',
    default: DEFAULT_CIDR,
    env: 'VIRTUALBOX_HOSTONLY_CIDR',
    help: 'Specify the Host Only CIDR',
  },
  {
    name: 'virtualbox-hostonly-nictype',
    type: 'string',
    default: DEFAULTS.nicType,
    env: 'VIRTUALBOX_HOSTONLY_NIC_TYPE',
    help: 'Specify the Host Only Network Adapter Type',
  },
  {
    name: 'virtualbox-hostonly-nicpromisc',
    type: 'string',
    default: 'deny',
    env: 'VIRTUALBOX_HOSTONLY_NIC_PROMISC',
    help: 'Specify the Host Only Network Adapter Promiscuous Mode',
  },
  {
    name: 'virtualbox-ui-type',
    type: 'string',
    default: 'headless',
    env: 'VIRTUALBOX_UI_TYPE',
    help: 'Specify the UI Type: (gui|sdl|headless|separate)',
  },
  {
    name: 'virtualbox-hostonly-no-dhcp',
    type: 'bool',
    env: 'VIRTUALBOX_HOSTONLY_NO_DHCP',
    help: 'Disable the Host Only DHCP Server',
  },
  {
    name: 'virtualbox-no-share',
    type: 'bool',
    env: 'VIRTUALBOX_NO_SHARE',
    help: 'Disable the mount of your home directory',
  },
  {
    name: 'virtualbox-no-dns-proxy',
    type: 'bool',
    env: 'VIRTUALBOX_NO_DNS_PROXY',
    help: 'Disable proxying all DNS requests to the host',
  },
  {
    name: 'virtualbox-no-vtx-check',
    type: 'bool',
    env: 'VIRTUALBOX_NO_VTX_CHECK',
    help: 'Disable checking for the availability of hardware virtualization before the vm is started',
  },
  {
    name: 'virtualbox-share-folder',
    type: 'slice',
    default: [],
    env: 'VIRTUALBOX_SHARE_FOLDER',
    help: 'Mount the specified directory instead of the default home location. Format: dir:name',
  },
  {
    name: 'virtualbox-network',
    type: 'string',
    default: 'hostonly',
    env: 'VIRTUALBOX_NETWORK',
    help: `How the machine is reached: (${NETWORK_CHOICES.join('|')}); nat uses ports of 127.0.0.1`,
  },
];

/** Flags to settings. Throws UsageError for a value that can never work. */
export function parseVirtualBoxOptions(
  flags: FlagValues,
  machine: { readonly name: string; readonly storePath: string },
  sshKeyPath: string,
): VirtualBoxSettings {
  const isOn = (flag: string) => flags[`virtualbox-${flag}`] === true;
  const text = (flag: string) => stringFlag(flags, `virtualbox-${flag}`);
  return {
    base: newBaseDriver(machine, { SSHUser: 'docker', SSHKeyPath: sshKeyPath }, flags),
    memoryMb: size(flags, 'virtualbox-memory', DEFAULTS.memoryMb, LEAST_MEMORY_MB, MOST_MEMORY_MB),
    cpuCount: cpuCount(flags),
    diskMb: size(flags, 'virtualbox-disk-size', DEFAULTS.diskMb, LEAST_DISK_MB, MOST_DISK_MB),
    natNicType: choice('virtualbox-nat-nictype', text('nat-nictype') || DEFAULTS.nicType, NIC_TYPES),
    boot2dockerUrl: text('boot2docker-url'),
    importVm: text('import-boot2docker-vm'),
    hostDnsResolver: isOn('host-dns-resolver'),
    hostOnlyCidr: cidr(text('hostonly-cidr') || DEFAULT_CIDR),
    hostOnlyNicType: choice(
      'virtualbox-hostonly-nictype',
      text('hostonly-nictype') || DEFAULTS.nicType,
      NIC_TYPES,
    ),
    hostOnlyPromiscMode: choice(
      'virtualbox-hostonly-nicpromisc',
      text('hostonly-nicpromisc') || 'deny',
      PROMISCUOUS_MODES,
    ),
    uiType: choice('virtualbox-ui-type', text('ui-type') || 'headless', UI_TYPES),
    noDhcp: isOn('hostonly-no-dhcp'),
    noShare: isOn('no-share'),
    dnsProxy: !isOn('no-dns-proxy'),
    noVtxCheck: isOn('no-vtx-check'),
    shareFolders: shareFolders(flags),
    network: choice('virtualbox-network', text('network') || 'hostonly', NETWORK_CHOICES),
    uuid: '',
    natMac: '',
    hostOnlyMac: '',
    enginePort: 0,
    lease: '',
    adapter: '',
    isNew: false,
  };
}

function size(flags: FlagValues, flag: string, fallback: number, least: number, most: number): number {
  const value = integerFlag(flags, flag, fallback);
  if (value < least)
    throw refusal(
      flag,
      value,
      `the guest needs at least ${least} MB`,
      `give it more:  --${flag} ${fallback}`,
    );
  if (value > most)
    throw refusal(
      flag,
      value,
      `VirtualBox allows at most ${most} MB`,
      `give it less:  --${flag} ${fallback}`,
    );
  return value;
}

/** Below 1: as many as this computer has, as with docker-machine. */
function cpuCount(flags: FlagValues): number {
  const value = integerFlag(flags, 'virtualbox-cpu-count', DEFAULTS.cpuCount);
  if (value <= MOST_CPUS) return value;
  throw refusal(
    'virtualbox-cpu-count',
    value,
    `a machine has at most ${MOST_CPUS} processors`,
    'give it fewer, or -1 for as many as this computer has',
  );
}

function cidr(given: string): string {
  const parsed = parseCidr(given);
  if (parsed === undefined) {
    throw refusal(
      'virtualbox-hostonly-cidr',
      given,
      'it is not an IPv4 address with a prefix length',
      CIDR_EXAMPLE,
    );
  }
  if (parsed.prefix > 29 || parsed.prefix < 8) {
    throw refusal(
      'virtualbox-hostonly-cidr',
      given,
      'the prefix length must be between /8 and /29',
      CIDR_EXAMPLE,
    );
  }
  if (parsed.address === parsed.network || parsed.address === parsed.broadcast) {
    throw new UsageError({
      code: 'VBOX_CIDR_NETWORK',
      verbatim: true,
      message: 'host-only cidr must be specified with a host address, not a network address',
      nextSteps: [CIDR_EXAMPLE],
    });
  }
  return given;
}

function shareFolders(flags: FlagValues): readonly string[] {
  const given = flags['virtualbox-share-folder'];
  const texts = (Array.isArray(given) ? given : [given]).filter(
    (it): it is string => typeof it === 'string' && it !== '',
  );
  const names = new Set<string>();
  for (const text of texts) {
    const { name } = parseShareFolder(text);
    if (names.has(name)) {
      throw refusal(
        'virtualbox-share-folder',
        text,
        `two folders cannot both be called "${name}"`,
        'give each a name of its own:  --virtualbox-share-folder DIR:NAME',
      );
    }
    names.add(name);
  }
  return texts;
}

function choice<T extends string>(flag: string, given: string, known: readonly T[]): T {
  const found = known.find((it) => it === given);
  if (found !== undefined) return found;
  throw refusal(
    flag,
    given,
    `${JSON.stringify(given)} is not among its values`,
    `use one of: ${known.join(', ')}`,
  );
}

function refusal(flag: string, value: string | number, reason: string, nextStep: string): UsageError {
  return new UsageError({
    message: `--${flag} cannot be ${JSON.stringify(value)}`,
    reason,
    nextSteps: [nextStep],
  });
}
