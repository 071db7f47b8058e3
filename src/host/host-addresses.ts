import { networkInterfaces } from 'node:os';

/** An IPv4 address that a network interface of this computer has now. */
export interface InterfaceAddress {
  readonly interfaceName: string;
  readonly address: string;
  readonly netmask: string;
  readonly isInternal: boolean;
}

/** The IPv4 addresses of all interfaces that are up, read anew at each call. */
export function hostAddresses(): InterfaceAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([interfaceName, addresses]) =>
    (addresses ?? [])
      .filter(({ family }) => family === 'IPv4')
      .map(({ address, netmask, internal }) => ({ interfaceName, address, netmask, isInternal: internal })),
  );
}
