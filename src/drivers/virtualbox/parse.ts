/** A host-only adapter as `list hostonlyifs` tells it. */
export interface HostOnlyInterface {
  readonly name: string;
  /** `0.0.0.0` or empty: it has none. */
  readonly address: string;
  readonly netmask: string;
  readonly status: string;
  /** `HostInterfaceNetworking-NAME`. */
  readonly networkName: string;
}

/** A host-only network of macOS, as `list hostonlynets` tells it. */
export interface HostOnlyNetwork {
  readonly name: string;
  readonly isEnabled: boolean;
  readonly netmask: string;
  readonly lower: string;
  readonly upper: string;
}

export interface DhcpServer {
  readonly networkName: string;
  readonly address: string;
  readonly netmask: string;
  readonly lower: string;
  readonly upper: string;
  readonly isEnabled: boolean;
  /** Addresses that are kept for one machine each; MACs as twelve lower-case hexadecimal digits. */
  readonly leases: readonly { readonly mac: string; readonly address: string }[];
}

/** `showvminfo --machinereadable`: values by key, without quotes. A value that goes over lines keeps its first one. */
export function parseMachineReadable(output: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const line of output.split('\n')) {
    const match = /^(?:"([^"]+)"|([A-Za-z][^="]*))=(?:"(.*?)"?|(.*?))\r?$/.exec(line);
    const key = match?.[1] ?? match?.[2];
    // What follows the newline of a description may look like a key: the first one with a name counts.
    if (key === undefined || values.has(key)) continue;
    values.set(key, (match?.[3] ?? match?.[4] ?? '').replaceAll('\\"', '"'));
  }
  return values;
}

/** `list vms`: `"name" {uuid}` a line; a name may have quotes of its own. */
export function parseVms(output: string): { readonly name: string; readonly uuid: string }[] {
  return [...output.matchAll(/^"(.*)" \{([0-9a-f-]{36})\}\s*$/gm)].map(([, name = '', uuid = '']) => ({
    name,
    uuid,
  }));
}

/** `list hostonlyifs`. A warning before it is skipped. */
export function parseHostOnlyInterfaces(output: string): HostOnlyInterface[] {
  return blocks(output, 'Name').map((fields) => ({
    name: fields.get('name') ?? '',
    address: fields.get('ipaddress') ?? '',
    netmask: fields.get('networkmask') ?? '',
    status: fields.get('status') ?? '',
    networkName: fields.get('vboxnetworkname') ?? '',
  }));
}

/** `list hostonlynets`. */
export function parseHostOnlyNetworks(output: string): HostOnlyNetwork[] {
  return blocks(output, 'Name').map((fields) => ({
    name: fields.get('name') ?? '',
    isEnabled: /^(enabled|yes)$/i.test(fields.get('state') ?? ''),
    netmask: fields.get('networkmask') ?? '',
    lower: fields.get('lowerip') ?? '',
    upper: fields.get('upperip') ?? '',
  }));
}

/** `list dhcpservers`, in the spelling of any version: `IP:` and `lowerIPAddress:` became `Dhcpd IP:` and `LowerIPAddress:`. */
export function parseDhcpServers(output: string): DhcpServer[] {
  return blocks(output, 'NetworkName').map((fields, index) => ({
    networkName: fields.get('networkname') ?? '',
    address: fields.get('dhcpd ip') ?? fields.get('ip') ?? '',
    netmask: fields.get('networkmask') ?? '',
    lower: fields.get('loweripaddress') ?? '',
    upper: fields.get('upperipaddress') ?? '',
    isEnabled: /^yes$/i.test(fields.get('enabled') ?? ''),
    leases: fixedLeases(blockTexts(output, 'NetworkName')[index] ?? ''),
  }));
}

/** `Individual Config: VM NIC: <uuid> slot 1, MAC 08:00:27:f1:79:51` or `Individual Config: MAC 08:00:...`, then its `Fixed Address:`. */
function fixedLeases(block: string): { mac: string; address: string }[] {
  const leases: { mac: string; address: string }[] = [];
  let mac = '';
  for (const line of block.split('\n')) {
    if (/^\s*(?:Individual|Group)\b/i.test(line)) {
      // Of a machine that is gone there is no MAC any more: its address is free.
      const owner = /\bMAC:?\s+((?:[0-9a-f]{2}[:-]?){6})/i.exec(line)?.[1] ?? '';
      mac = owner.replaceAll(/[:-]/g, '').toLowerCase();
    }
    const address = /^\s*Fixed Address:\s*([\d.]+)/i.exec(line)?.[1];
    if (address !== undefined && mac !== '') leases.push({ mac, address });
  }
  return leases;
}

/** Each block's fields, by lower-cased key; of a key that comes twice the first counts. */
function blocks(output: string, firstKey: string): ReadonlyMap<string, string>[] {
  return blockTexts(output, firstKey).map((block) => {
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      const [, key = '', value = ''] = /^([A-Za-z][A-Za-z0-9 ]*?):\s*(.*?)\s*$/.exec(line) ?? [];
      if (key !== '' && !fields.has(key.toLowerCase())) fields.set(key.toLowerCase(), value);
    }
    return fields;
  });
}

function blockTexts(output: string, firstKey: string): string[] {
  const begins = new RegExp(`^(?=${firstKey}:)`, 'm');
  return output.split(begins).filter((text) => text.startsWith(`${firstKey}:`));
}
