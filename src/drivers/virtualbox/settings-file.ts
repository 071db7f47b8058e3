import type { HostFacts } from '../../core/ports.js';
import type { SharedFolder } from './share-folders.js';

/** A port of 127.0.0.1 that leads into the guest. */
export interface Forward {
  readonly name: string;
  readonly hostPort: number;
  readonly guestPort: number;
}

/** A virtual machine before it exists. */
export interface MachinePlan {
  readonly name: string;
  readonly uuid: string;
  readonly memoryMb: number;
  readonly cpuCount: number;
  /** Absolute. */
  readonly imagePath: string;
  readonly imageUuid: string;
  readonly diskPath: string;
  readonly diskUuid: string;
  readonly consolePath: string;
  readonly dnsProxy: boolean;
  readonly hostDnsResolver: boolean;
  readonly nat: { readonly nicType: string; readonly mac: string };
  readonly forwards: readonly Forward[];
  /** The card of the host-only network; it is connected at the start. Absent: the machine has none. */
  readonly hostOnly?: { readonly nicType: string; readonly mac: string };
  readonly shares: readonly SharedFolder[];
}

/** VirtualBox 4.3 writes this one, and all later ones read it; they bring it up to date when they change something. */
const FORMAT = '1.14';
const SYSTEMS = { linux: 'linux', darwin: 'macosx', win32: 'windows' } as const;

/**
 * VirtualBox's own settings file of a machine with all that docker-machine's 13 calls of `createvm`, `modifyvm`, `storagectl` and so on set
 * (contract: create-flow.md section 4), for one call of `registervm`. `now` is in milliseconds since 1970.
 */
export function renderSettingsFile(plan: MachinePlan, platform: HostFacts['platform'], now: number): string {
  return `<?xml version="1.0"?>
<VirtualBox xmlns="http://www.innotek.de/VirtualBox-settings" version="${FORMAT}-${SYSTEMS[platform]}">
  <Machine ${attributes({
    uuid: `{${plan.uuid}}`,
    name: plan.name,
    OSType: 'Linux26_64',
    snapshotFolder: 'Snapshots',
    lastStateChange: new Date(now).toISOString().replace(/\.\d+/, ''),
  })}>
    <MediaRegistry>
      <HardDisks>
        <HardDisk ${attributes({ uuid: `{${plan.diskUuid}}`, location: plan.diskPath, format: 'VMDK', type: 'Normal' })}/>
      </HardDisks>
      <DVDImages>
        <Image ${attributes({ uuid: `{${plan.imageUuid}}`, location: plan.imagePath })}/>
      </DVDImages>
    </MediaRegistry>
    <ExtraData>
${lines(plan.shares, ({ name }) => `      <ExtraDataItem ${attributes({ name: symlinksKey(name), value: '1' })}/>`)}
    </ExtraData>
    <Hardware version="2">
      <CPU count="${plan.cpuCount}" hotplug="false">
        <HardwareVirtEx enabled="true"/>
        <HardwareVirtExNestedPaging enabled="true"/>
        <HardwareVirtExVPID enabled="true"/>
        <HardwareVirtExUX enabled="true"/>
        <PAE enabled="true"/>
        <LongMode enabled="true"/>
        <HardwareVirtExLargePages enabled="true"/>
      </CPU>
      <Memory RAMSize="${plan.memoryMb}"/>
      <HPET enabled="true"/>
      <Paravirt provider="Default"/>
      <Boot>
        <Order position="1" device="DVD"/>
        <Order position="2" device="DVD"/>
        <Order position="3" device="HardDisk"/>
        <Order position="4" device="None"/>
      </Boot>
      <Display VRAMSize="8" monitorCount="1" accelerate3D="false" accelerate2DVideo="false"/>
      <RemoteDisplay enabled="false"/>
      <BIOS>
        <ACPI enabled="true"/>
        <IOAPIC enabled="true"/>
        <Logo fadeIn="false" fadeOut="false" displayTime="0"/>
        <BootMenu mode="Disabled"/>
        <TimeOffset value="0"/>
      </BIOS>
      <Network>
        <Adapter ${attributes({ slot: '0', enabled: 'true', MACAddress: plan.nat.mac, cable: 'true', type: plan.nat.nicType })}>
          <NAT>
            <DNS pass-domain="true" use-proxy="${plan.dnsProxy}" use-host-resolver="${plan.hostDnsResolver}"/>
${lines(plan.forwards, (it) => `            <Forwarding ${forwardAttributes(it)}/>`)}
          </NAT>
        </Adapter>
${plan.hostOnly === undefined ? '' : hostOnlyCard(plan.hostOnly)}
      </Network>
      <UART>
        <Port ${attributes({ slot: '0', enabled: 'true', IOBase: '0x3f8', IRQ: '4', path: plan.consolePath, hostMode: 'RawFile' })}/>
      </UART>
      <AudioAdapter controller="AC97" driver="Null" enabled="false"/>
      <RTC localOrUTC="UTC"/>
      <SharedFolders>
${lines(plan.shares, ({ name, hostPath }) => `        <SharedFolder ${attributes({ name, hostPath, writable: 'true', autoMount: 'true' })}/>`)}
      </SharedFolders>
      <GuestProperties>
${lines(plan.shares.length === 0 ? [] : MOUNT_PROPERTIES, (name) => `        <GuestProperty ${attributes({ name, value: '/', timestamp: `${now}000000`, flags: '' })}/>`)}
      </GuestProperties>
    </Hardware>
    <StorageControllers>
      <StorageController name="SATA" type="AHCI" PortCount="2" useHostIOCache="true" Bootable="true" IDE0MasterEmulationPort="0" IDE0SlaveEmulationPort="1" IDE1MasterEmulationPort="2" IDE1SlaveEmulationPort="3">
        <AttachedDevice passthrough="false" type="DVD" port="0" device="0">
          <Image uuid="{${plan.imageUuid}}"/>
        </AttachedDevice>
        <AttachedDevice type="HardDisk" port="1" device="0">
          <Image uuid="{${plan.diskUuid}}"/>
        </AttachedDevice>
      </StorageController>
    </StorageControllers>
  </Machine>
</VirtualBox>
`.replaceAll(/^\s*\n/gm, '');
}

/** Where the guest additions of older images mount what is shared: `/NAME`. */
const MOUNT_PROPERTIES = [
  '/VirtualBox/GuestAdd/SharedFolders/MountDir',
  '/VirtualBox/GuestAdd/SharedFolders/MountPrefix',
];

function symlinksKey(share: string): string {
  return `VBoxInternal2/SharedFoldersEnableSymlinksCreate/${share}`;
}

function hostOnlyCard({ nicType, mac }: NonNullable<MachinePlan['hostOnly']>): string {
  return `        <Adapter ${attributes({ slot: '1', enabled: 'false', MACAddress: mac, cable: 'true', type: nicType })}/>`;
}

function forwardAttributes({ name, hostPort, guestPort }: Forward): string {
  return attributes({
    name,
    proto: '1',
    hostip: '127.0.0.1',
    hostport: String(hostPort),
    guestport: String(guestPort),
  });
}

function lines<T>(items: readonly T[], render: (item: T) => string): string {
  return items.map(render).join('\n');
}

function attributes(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}="${escapeXml(value)}"`)
    .join(' ');
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
  '\t': '&#9;',
};

function escapeXml(text: string): string {
  return text.replaceAll(/[&<>"\n\t]/g, (letter) => ESCAPES[letter] ?? letter);
}
