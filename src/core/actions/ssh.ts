import { type App, type Call, driverContext, driverMachine } from '../app.js';
import { TmachineError, WrongStateError } from '../errors.js';
import { stateWord } from '../machine.js';

/** `ssh NAME [COMMAND...]` with the caller's streams. Resolves with the remote exit status. Throws WrongStateError (E12). */
export async function runInMachine(
  app: App,
  name: string,
  command: readonly string[],
  call: Call,
): Promise<number> {
  const record = await app.store.load(name);
  const driver = app.driver(record.driverName);
  const machine = driverMachine(app, record);
  const target = driver.endpoint(machine).ssh;
  if (target === undefined) {
    throw new TmachineError({
      code: 'NO_SSH',
      message: `Cannot log into "${name}"`,
      reason: `the driver "${record.driverName}" only knows the URL of the engine`,
    });
  }
  const state = await driver.state(machine, driverContext(call, name));
  if (state !== 'running') {
    throw new WrongStateError({
      code: 'HOST_NOT_RUNNING',
      verbatim: true,
      message: `Error: Cannot run SSH command: Host "${name}" is not running`,
      reason: `its state is ${stateWord(state) || 'unknown'}`,
      nextSteps: [`start it: tmachine start ${name}`],
    });
  }
  const session = { signal: call.signal, timeoutMs: 30_000, hostKey: record.notes.hostKey };
  return app.ssh.session(target, command, session);
}
