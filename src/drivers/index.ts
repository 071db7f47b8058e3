import type { Driver, DriverOption } from '../core/driver.js';
import { createGenericDriver, type GenericPorts } from './generic/driver.js';
import { GENERIC_OPTIONS } from './generic/options.js';
import { createNoneDriver } from './none/driver.js';
import { NONE_OPTIONS } from './none/options.js';
import { createQemuDriver } from './qemu/driver.js';
import { QEMU_OPTIONS } from './qemu/options.js';
import type { QemuPorts } from './qemu/ports.js';
import { createVirtualBoxDriver } from './virtualbox/driver.js';
import { VIRTUALBOX_OPTIONS } from './virtualbox/options.js';
import type { VirtualBoxPorts } from './virtualbox/ports.js';

/** What all drivers together need of the world. */
export type DriverPorts = QemuPorts & GenericPorts & VirtualBoxPorts;

/** A driver that can be made, with its flags: those are wanted for the help without the driver. */
export interface DriverEntry {
  readonly name: string;
  readonly options: readonly DriverOption[];
  create(ports: DriverPorts): Driver;
}

/** Every driver, by hand. README.md says how to add one. */
export const DRIVERS: readonly DriverEntry[] = [
  { name: 'virtualbox', options: VIRTUALBOX_OPTIONS, create: createVirtualBoxDriver },
  { name: 'qemu', options: QEMU_OPTIONS, create: createQemuDriver },
  { name: 'generic', options: GENERIC_OPTIONS, create: createGenericDriver },
  { name: 'none', options: NONE_OPTIONS, create: createNoneDriver },
];
