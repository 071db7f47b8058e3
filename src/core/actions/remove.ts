import { type App, type Call, driverContext, driverMachine } from '../app.js';
import { InterruptedError, messageOf, TmachineError } from '../errors.js';
import type { MachineRecord } from '../machine.js';
import { followInClientConfig } from './client-config.js';
import { withMachineLock } from './machine-lock.js';

/**
 * Removes the virtual machine, then the record. With `force` the record goes even if the virtual machine resists, or cannot be read at all.
 * Throws TmachineError with the contract's text; the record stays then.
 */
export async function removeMachine(
  app: App,
  name: string,
  options: { readonly force: boolean },
  call: Call,
): Promise<void> {
  await withMachineLock(app, name, call, async () => {
    try {
      const record = await app.store.load(name);
      await app.driver(record.driverName).remove(driverMachine(app, record), driverContext(call, name));
      await leaveClientConfig(app, record, call);
    } catch (error) {
      if (!(error instanceof TmachineError) || error instanceof InterruptedError) throw error;
      const failure = new TmachineError({
        code: error.code,
        verbatim: true,
        message: `Error removing host "${name}": ${messageOf(error)}`,
        reason: error.reason,
        nextSteps: options.force ? error.nextSteps : [...error.nextSteps, ...howToForce(error, name)],
        cause: error,
      });
      if (!options.force || !(await app.store.exists(name))) throw failure;
      call.reporter.warn(failure.message);
    }
    await app.store.remove(name);
  });
}

/** A file of the docker client that cannot be changed keeps an entry that nobody asks for any more: no reason to keep the machine. */
async function leaveClientConfig(app: App, record: MachineRecord, call: Call): Promise<void> {
  try {
    await followInClientConfig(app, record, 'remove', call);
  } catch (error) {
    if (!(error instanceof TmachineError) || error instanceof InterruptedError) throw error;
    call.reporter.warn(`${messageOf(error)}: its entry for "${record.name}" stays there`);
  }
}

function howToForce(error: TmachineError, name: string): string[] {
  return error.code === 'MACHINE_NOT_FOUND'
    ? []
    : [`to drop the record all the same:  tmachine rm -f ${name}`];
}
