import type { DriverOption } from '../core/driver.js';
import { TmachineError } from '../core/errors.js';
import { DRIVERS } from '../drivers/index.js';

/** The options of the driver that a `create` line names; of every driver when it names none, since any may be chosen then. Throws E13. */
export function driverOptions(name: string | undefined): readonly (readonly DriverOption[])[] {
  if (name === undefined) return DRIVERS.map((entry) => entry.options);
  const entry = DRIVERS.find((known) => known.name === name);
  if (entry !== undefined) return [entry.options];
  throw driverNotFound(name, ` "docker-machine-driver-${name}"`);
}

/** The name, when there is such a driver: a wrong MACHINE_DRIVER must not stand in the way of `create --help`. */
export function knownDriver(name: string | undefined): string | undefined {
  return DRIVERS.find((known) => known.name === name)?.name;
}

/** The contract's E13. `create` names the plugin's program, other commands do not. */
export function driverNotFound(name: string, program = ''): TmachineError {
  return new TmachineError({
    code: 'DRIVER_NOT_FOUND',
    verbatim: true,
    message: `Driver "${name}" not found. Do you have the plugin binary${program} accessible in your PATH?`,
    reason: `tmachine has these drivers: ${DRIVERS.map((known) => known.name).join(', ')}`,
    nextSteps: ['choose one with --driver, or leave it out to get the best for this computer'],
  });
}
