import {
  type Driver,
  type DriverContext,
  type Finding,
  type FlagValues,
  tellsUsability,
} from '../core/driver.js';
import { HostNotReadyError } from '../core/errors.js';

export interface DriverChoice {
  readonly name: string;
  /** One line for the user. */
  readonly reason: string;
  /** docker-machine would take the same: nothing need be said. */
  readonly isUsual?: boolean;
}

export interface ChoiceRequest {
  /** Of `create`, with those of all drivers. */
  readonly flags: FlagValues;
  readonly driver: (name: string) => Driver;
  readonly context: DriverContext;
}

/** In the order of preference. */
const VIRTUALBOX = 'virtualbox';
const QEMU = 'qemu';

/**
 * The driver for a `create` that names none: VirtualBox if it is usable here, as with docker-machine; else QEMU, which needs neither administrator's
 * rights nor a kernel module, if it is there. Throws HostNotReadyError that names both ways.
 */
export async function chooseDriver(request: ChoiceRequest): Promise<DriverChoice> {
  const notVirtualBox = await whyNot(VIRTUALBOX, request);
  if (notVirtualBox === undefined) {
    return { name: VIRTUALBOX, reason: 'VirtualBox is usable here.', isUsual: true };
  }
  const notQemu = await whyNot(QEMU, request);
  if (notQemu === undefined) {
    return {
      name: QEMU,
      reason: `No driver was named and VirtualBox is not usable (${inShort(notVirtualBox)}): using "${QEMU}".`,
    };
  }
  throw new HostNotReadyError({
    code: 'NO_DRIVER',
    message: 'This computer can run no machine yet: neither VirtualBox nor QEMU is usable',
    reason: `VirtualBox: ${inShort(notVirtualBox)}; QEMU: ${inShort(notQemu)}`,
    nextSteps: [
      ...notVirtualBox.nextSteps.filter((step) => !step.includes('--driver qemu')),
      ...notQemu.nextSteps.map((step) => `QEMU: ${step}`),
      'or use a host that is there already:  tmachine create --driver generic --generic-ip-address HOST NAME',
    ],
  });
}

async function whyNot(name: string, { driver, flags, context }: ChoiceRequest): Promise<Finding | undefined> {
  const candidate = driver(name);
  return tellsUsability(candidate) ? candidate.whyNotUsable(flags, context) : undefined;
}

/** The reason tells what the contract's one text for several causes does not. */
function inShort({ message, reason }: Finding): string {
  return reason ?? message;
}
