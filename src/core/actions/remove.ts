import { type App, type Call, driverContext, driverMachine } from '../app.js';
import { InterruptedError, messageOf, TmachineError } from '../errors.js';
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

function howToForce(error: TmachineError, name: string): string[] {
  return error.code === 'MACHINE_NOT_FOUND'
    ? []
    : [`to drop the record all the same:  tmachine rm -f ${name}`];
}
