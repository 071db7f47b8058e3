import { type App, type Call, driverContext, driverMachine } from '../app.js';
import type { SshTarget } from '../driver.js';
import { TmachineError, WrongStateError } from '../errors.js';
import { stateWord } from '../machine.js';
import { withNamedAdvice } from '../named-advice.js';
import { withMachineLock } from './machine-lock.js';

const LOGIN_MS = 30_000;

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
  const hostKey = record.notes.hostKey ?? (await pinHostKey(app, name, target, call));
  return withNamedAdvice(name, () =>
    app.ssh.session(target, command, { signal: call.signal, timeoutMs: LOGIN_MS, hostKey }),
  );
}

/**
 * A machine of docker-machine, or one that lost its tmachine.json, has no known host key: the one it shows now is kept and stated, so that
 * another one is noticed from now on (P24).
 */
async function pinHostKey(app: App, name: string, target: SshTarget, call: Call): Promise<string> {
  const session = await app.ssh.connect(target, {
    signal: call.signal,
    timeoutMs: LOGIN_MS,
    hostKey: undefined,
  });
  await session.close();
  await withMachineLock(app, name, call, async () => {
    const record = await app.store.load(name);
    await app.store.save({ ...record, notes: { ...record.notes, hostKey: session.hostKey } });
  });
  call.reporter.warn(
    `The host key of "${name}" was not known and is trusted from now on: ${session.hostKey}`,
  );
  return session.hostKey;
}
