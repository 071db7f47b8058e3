import type { ProcessRunner } from '../core/ports.js';

export interface DriverChoice {
  readonly name: string;
  /** One line for the user. */
  readonly reason: string;
}

/**
 * The driver for a `create` that names none. QEMU needs neither administrator's rights nor a kernel module; whether it is installed and
 * works is its own precheck's question, whose answer has the command that installs it.
 */
export async function chooseDriver(processes: ProcessRunner): Promise<DriverChoice> {
  const virtualBox = await processes.find('VBoxManage');
  return {
    name: 'qemu',
    reason:
      virtualBox === undefined
        ? 'No driver was named and VirtualBox is not installed: using "qemu".'
        : 'No driver was named: using "qemu" (this version of tmachine does not drive VirtualBox).',
  };
}
