import type { DriverContext, HostFact } from '../../core/driver.js';
import { HostNotReadyError } from '../../core/errors.js';
import { chooseAccelerator } from './accelerator.js';
import type { QemuPorts } from './ports.js';
import type { QemuSettings } from './settings.js';
import { findToolkit } from './toolkit.js';

/** The QEMU found here, and what its machines run on. Empty when there is none: the precheck says so. */
export async function surveyQemu(
  settings: QemuSettings,
  ports: QemuPorts,
  { signal }: DriverContext,
): Promise<readonly HostFact[]> {
  try {
    const toolkit = await findToolkit(ports, signal);
    const { accelerator } = await chooseAccelerator(settings.accelerator, toolkit, ports, { signal });
    const { major, minor } = toolkit.version;
    return [
      { name: 'program', value: `${toolkit.path}, version ${major}.${minor}` },
      {
        name: 'hardware virtualization',
        value: accelerator === 'tcg' ? 'not used' : `${accelerator} (a trial guest ran on it)`,
      },
    ];
  } catch (error) {
    if (error instanceof HostNotReadyError) return [];
    throw error;
  }
}
