import { type BaseDriver, integerField, newBaseDriver, stringField } from '../../core/base-driver.js';
import type { DriverMachine, DriverSettings } from '../../core/driver.js';
import type { JsonObject } from '../../core/json.js';

export const NETWORK_CHOICES = ['hostonly', 'nat'] as const;
export type NetworkChoice = (typeof NETWORK_CHOICES)[number];
export const UI_TYPES = ['gui', 'sdl', 'headless', 'separate'] as const;
export const PROMISCUOUS_MODES = ['deny', 'allow-vms', 'allow-all'] as const;
/** `VBoxManage modifyvm`: --nic-typeN, of all versions from 5 to 7.2. */
export const NIC_TYPES = [
  'Am79C970A',
  'Am79C973',
  '82540EM',
  '82543GC',
  '82545EM',
  'virtio',
  'usbnet',
] as const;

/** A machine as this driver sees it. */
export interface VirtualBoxSettings {
  /** `SSHPort` is the NAT port on 127.0.0.1; `IPAddress` the last address that the guest was seen to have. */
  readonly base: BaseDriver;
  /** Below 1: as many as this computer has. */
  readonly cpuCount: number;
  readonly memoryMb: number;
  readonly diskMb: number;
  readonly natNicType: string;
  readonly boot2dockerUrl: string;
  readonly importVm: string;
  readonly hostDnsResolver: boolean;
  readonly hostOnlyCidr: string;
  readonly hostOnlyNicType: string;
  readonly hostOnlyPromiscMode: string;
  readonly uiType: string;
  readonly noDhcp: boolean;
  readonly noShare: boolean;
  readonly dnsProxy: boolean;
  readonly noVtxCheck: boolean;
  /** As given, `dir:name`; docker-machine knows the first. */
  readonly shareFolders: readonly string[];

  // What docker-machine's record has no field for:

  /** `nat` as asked for, or since no host-only network could be had. */
  readonly network: NetworkChoice;
  /** The virtual machine, whatever it is called; empty for one of docker-machine's, which is known by its name and place. */
  readonly uuid: string;
  /** Twelve hexadecimal digits; empty when not known. */
  readonly natMac: string;
  readonly hostOnlyMac: string;
  /** On 127.0.0.1, in a NAT machine; else 0. */
  readonly enginePort: number;
  /** The address that the host-only network's DHCP server keeps for this machine; empty: none. */
  readonly lease: string;
  /** The host-only adapter of the last start. */
  readonly adapter: string;
  /** Made and never started: VirtualBox need not be asked how it is configured. */
  readonly isNew: boolean;
}

/**
 * The stored form: docker-machine's `Driver` object for virtualbox, key for key (contract: store.md section 3), so that either program
 * manages the other's machines; the rest is in the notes.
 */
export function storeSettings(settings: VirtualBoxSettings): DriverSettings {
  return {
    config: {
      ...settings.base,
      VBoxManager: {},
      HostInterfaces: {},
      CPU: settings.cpuCount,
      Memory: settings.memoryMb,
      DiskSize: settings.diskMb,
      NatNicType: settings.natNicType,
      Boot2DockerURL: settings.boot2dockerUrl,
      Boot2DockerImportVM: settings.importVm,
      HostDNSResolver: settings.hostDnsResolver,
      HostOnlyCIDR: settings.hostOnlyCidr,
      HostOnlyNicType: settings.hostOnlyNicType,
      HostOnlyPromiscMode: settings.hostOnlyPromiscMode,
      UIType: settings.uiType,
      HostOnlyNoDHCP: settings.noDhcp,
      NoShare: settings.noShare,
      DNSProxy: settings.dnsProxy,
      NoVTXCheck: settings.noVtxCheck,
      ShareFolder: settings.shareFolders[0] ?? '',
    },
    extra: {
      network: settings.network,
      uuid: settings.uuid,
      natMac: settings.natMac,
      hostOnlyMac: settings.hostOnlyMac,
      enginePort: settings.enginePort,
      lease: settings.lease,
      adapter: settings.adapter,
      ...(settings.isNew && { isNew: true }),
      ...(settings.shareFolders.length > 1 && { moreShareFolders: settings.shareFolders.slice(1) }),
    },
  };
}

/** The settings of a stored machine, also of one that docker-machine made. A field that is missing has docker-machine's default. */
export function parseSettings(machine: DriverMachine): VirtualBoxSettings {
  const { config, extra } = machine.settings;
  const share = stringField(config, 'ShareFolder');
  return {
    base: {
      ...newBaseDriver(machine, {
        IPAddress: stringField(config, 'IPAddress'),
        SSHUser: stringField(config, 'SSHUser') || 'docker',
        SSHPort: integerField(config, 'SSHPort'),
        SSHKeyPath: stringField(config, 'SSHKeyPath'),
      }),
      StorePath: stringField(config, 'StorePath', machine.storePath),
      SwarmMaster: config['SwarmMaster'] === true,
      SwarmHost: stringField(config, 'SwarmHost'),
      SwarmDiscovery: stringField(config, 'SwarmDiscovery'),
    },
    cpuCount: integerField(config, 'CPU', 1),
    memoryMb: integerField(config, 'Memory', 1024),
    diskMb: integerField(config, 'DiskSize', 20000),
    natNicType: stringField(config, 'NatNicType') || '82540EM',
    boot2dockerUrl: stringField(config, 'Boot2DockerURL'),
    importVm: stringField(config, 'Boot2DockerImportVM'),
    hostDnsResolver: config['HostDNSResolver'] === true,
    hostOnlyCidr: stringField(config, 'HostOnlyCIDR') || '192.168.99.1/24',
    hostOnlyNicType: stringField(config, 'HostOnlyNicType') || '82540EM',
    hostOnlyPromiscMode: stringField(config, 'HostOnlyPromiscMode') || 'deny',
    uiType: stringField(config, 'UIType') || 'headless',
    noDhcp: config['HostOnlyNoDHCP'] === true,
    noShare: config['NoShare'] === true,
    dnsProxy: config['DNSProxy'] !== false,
    noVtxCheck: config['NoVTXCheck'] === true,
    shareFolders: [...(share === '' ? [] : [share]), ...textList(extra, 'moreShareFolders')],
    network: stringField(extra, 'network') === 'nat' ? 'nat' : 'hostonly',
    uuid: stringField(extra, 'uuid'),
    natMac: stringField(extra, 'natMac'),
    hostOnlyMac: stringField(extra, 'hostOnlyMac'),
    enginePort: integerField(extra, 'enginePort'),
    lease: stringField(extra, 'lease'),
    adapter: stringField(extra, 'adapter'),
    isNew: extra['isNew'] === true,
  };
}

/** The same machine with another common part. */
export function withBase(settings: VirtualBoxSettings, base: Partial<BaseDriver>): VirtualBoxSettings {
  return { ...settings, base: { ...settings.base, ...base } };
}

function textList(extra: JsonObject, key: string): readonly string[] {
  const value = extra[key];
  return Array.isArray(value) ? value.filter((it) => typeof it === 'string') : [];
}
