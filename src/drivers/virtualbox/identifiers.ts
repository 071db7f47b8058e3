import { createHash } from 'node:crypto';
import type { Random } from '../../core/ports.js';

/** A random UUID (RFC 9562, version 4). */
export function newUuid(random: Random): string {
  return formatUuid(Buffer.from(random.bytes(16)), 4);
}

/** The same UUID for the same path (RFC 9562, version 8): VirtualBox remembers an image a while after its machine is gone, and takes it for the same then. */
export function uuidOfPath(path: string): string {
  return formatUuid(createHash('sha256').update(path).digest().subarray(0, 16), 8);
}

function formatUuid(bytes: Buffer, version: number): string {
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | (version << 4), 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** A MAC address of VirtualBox's own kind (080027), twelve upper-case hexadecimal digits. */
export function newMac(random: Random): string {
  return `080027${Buffer.from(random.bytes(3)).toString('hex').toUpperCase()}`;
}

/** `08:00:27:aa:bb:cc`, as VBoxManage's DHCP server and `ip addr` write it. */
export function macWithColons(mac: string): string {
  return (mac.toLowerCase().match(/../g) ?? []).join(':');
}
