import { WrongStateError } from './errors.js';

/** docker-machine's words for a record whose virtual machine is gone. */
export const MACHINE_MISSING = 'machine does not exist';

/** The failure of an action on such a machine. `what` is gone: a clause for the reason. `prefix`: how the contract's text begins. */
export function missingMachine(
  name: string,
  {
    what = 'its virtual machine',
    prefix = '',
    cause,
  }: { what?: string; prefix?: string; cause?: unknown } = {},
): WrongStateError {
  return new WrongStateError({
    code: 'VM_MISSING',
    verbatim: true,
    message: `${prefix}${MACHINE_MISSING}`,
    reason: `the record of "${name}" is here, ${what} is gone`,
    nextSteps: [`remove the record with: tmachine rm ${name}`],
    cause,
  });
}
