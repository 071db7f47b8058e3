import { addressOfMac, knownAddress } from '../address.js';
import { type App, type Call, driverContext, driverMachine, withSettings } from '../app.js';
import { learnsAddress } from '../driver.js';
import { engineFaultError } from '../engine-fault.js';
import {
  EngineUnreachableError,
  GuestError,
  TimedOutError,
  TmachineError,
  WrongStateError,
} from '../errors.js';
import { type MachineRecord, stateWord } from '../machine.js';
import { withNamedAdvice } from '../named-advice.js';
import type { EngineTarget, EngineVersion, GuestShell, SshSession } from '../ports.js';
import { waitUntil } from '../wait.js';
import { readText } from './certificates.js';

/** A guest that shows nothing new for so long is given up; one that moves gets half an hour (interpreted machines need it). */
const QUIET_MS = 180_000;
const PATIENCE_MS = 1_800_000;
/** As a multiple of the time until the latest sign on its console: interpreted guests of VirtualBox began init after 32 to 140 s, and were silent for four to ten minutes then. */
const QUIET_SHARE = 20;
/** A guest that still boots so late is interpreted, and gets an hour. */
const LATE_SIGN_MS = 20_000;
/**
 * How long one connection may wait for sshd's banner, when the guest has been waited for so long. An interpreted guest needs half a minute to answer, and
 * every connection that is given up before costs it another sshd; a fast one is not to lose time on a connection made before its sshd was up.
 */
const bannerPatience = (waitedMs: number): number => Math.min(60_000, Math.max(5_000, waitedMs / 10));
/** How long a login may take, when the guest has been waited for so long: an interpreted guest of VirtualBox, after seven minutes, took more than one. */
const loginPatience = (waitedMs: number): number => Math.min(300_000, Math.max(60_000, waitedMs / 2));
/** A guest that runs already answers sooner than one that boots: for commands that only ask for its address. */
const ANSWER_MS = 30_000;
/** An engine that starts says nothing for long: four minutes were seen in an interpreted guest. */
const ENGINE_QUIET_MS = 600_000;
const CONSOLE_LINES = 12;

/** Faults of the certificates do not heal by waiting; all others belong to an engine that is on its way. */
const FINAL_FAULTS: ReadonlySet<string> = new Set([
  'unknown-authority',
  'wrong-name',
  'expired',
  'not-yet-valid',
  'client-refused',
]);

/**
 * Waits for sshd's banner, `withinMs` at most, then logs in. The record's pinned host key is demanded; the first contact of a machine without one
 * is the caller's to pin. Throws TimedOutError with the console's tail, WrongStateError when the guest stops meanwhile, GuestError.
 */
export async function connectGuest(
  app: App,
  record: MachineRecord,
  call: Call,
  withinMs = PATIENCE_MS,
): Promise<SshSession> {
  const driver = app.driver(record.driverName);
  const machine = driverMachine(app, record);
  const target = driver.endpoint(machine).ssh;
  if (target === undefined) {
    throw new TmachineError({
      code: 'NO_SSH',
      message: `Machine "${record.name}" cannot be reached by SSH`,
      reason: `the driver "${record.driverName}" has no login`,
    });
  }
  const begunAt = app.clock.monotonic();
  let latest = { sign: '', afterMs: 0 };
  await withConsole(app, record, () =>
    waitUntil(
      `SSH on ${target.host}:${target.port}`,
      async () => {
        const banner = await app.ssh.banner(target.host, target.port, {
          timeoutMs: bannerPatience(app.clock.monotonic() - begunAt),
          signal: call.signal,
        });
        if (banner !== undefined) return { done: true, value: banner };
        await assertAlive(app, record, call);
        const sign = await lastSign(app, record, '');
        if (sign !== latest.sign) latest = { sign, afterMs: app.clock.monotonic() - begunAt };
        return { done: false, seen: `no answer from sshd${sign}` };
      },
      {
        everyMs: 250,
        withinMs: () => (withinMs === PATIENCE_MS && latest.afterMs > LATE_SIGN_MS ? 2 * withinMs : withinMs),
        quietMs: () => Math.max(QUIET_MS, QUIET_SHARE * latest.afterMs),
        clock: app.clock,
        signal: call.signal,
      },
    ),
  );
  const options = {
    signal: call.signal,
    timeoutMs: loginPatience(app.clock.monotonic() - begunAt),
    hostKey: record.notes.hostKey,
  };
  return withNamedAdvice(record.name, () => app.ssh.connect(target, options));
}

/**
 * The address of the machine for its engine and for `ip`. By MAC, the guest is asked. Throws TimedOutError after half a minute without its SSH,
 * WrongStateError, GuestError.
 */
export async function machineAddress(app: App, record: MachineRecord, call: Call): Promise<string> {
  const endpoint = app.driver(record.driverName).endpoint(driverMachine(app, record));
  const known = knownAddress(endpoint);
  if (known !== undefined || endpoint.address.kind === 'known') return known ?? '';
  const session = await connectGuest(app, record, call, ANSWER_MS);
  try {
    return addressOfMac((await session.run('ip addr show')).stdout, endpoint.address.mac, record.name);
  } finally {
    await session.close();
  }
}

/**
 * The record with the address that the guest itself tells, when the driver cannot know it beforehand; its network card may get it a while after sshd is
 * up. Throws GuestError, TimedOutError.
 */
export async function learnAddress(
  app: App,
  record: MachineRecord,
  shell: GuestShell,
  call: Call,
): Promise<MachineRecord> {
  const driver = app.driver(record.driverName);
  const machine = driverMachine(app, record);
  const { address } = driver.endpoint(machine);
  if (address.kind === 'known' || !learnsAddress(driver)) return record;
  const host = await withConsole(app, record, () =>
    waitUntil(
      `the address of "${record.name}"`,
      async () => {
        const { stdout } = await shell.run('ip addr show');
        try {
          return { done: true, value: addressOfMac(stdout, address.mac, record.name) };
        } catch (error) {
          if (!(error instanceof GuestError) || error.code !== 'GUEST_ADDRESS_UNKNOWN') throw error;
          return { done: false, seen: error.message };
        }
      },
      { everyMs: 1_000, withinMs: QUIET_MS, clock: app.clock, signal: call.signal },
    ),
  );
  return withSettings(record, driver.withAddress(machine, host));
}

/** Whom to connect to and with which certificates. Throws StoreError for a certificate file that is not there. */
export async function engineTarget(
  app: App,
  record: MachineRecord,
  address: { readonly host: string; readonly port: number },
): Promise<EngineTarget> {
  const auth = record.hostOptions.AuthOptions;
  const [ca, certificate, key] = await Promise.all(
    [auth.CaCertPath, auth.ClientCertPath, auth.ClientKeyPath].map(async (path) => {
      const text = await readText(app, path);
      if (text !== undefined) return text;
      throw new TmachineError({
        code: 'CERTIFICATE_MISSING',
        message: `Could not read the certificate file "${path}"`,
        reason: 'it is not there',
        nextSteps: [`make it anew with: tmachine regenerate-certs --client-certs ${record.name}`],
      });
    }),
  );
  return { ...address, ca: ca ?? '', certificate: certificate ?? '', key: key ?? '' };
}

/**
 * Waits until the engine answers `/_ping` over TLS: an open port is not yet an engine. Throws EngineUnreachableError at once for a
 * fault of the certificates, TimedOutError with the console's tail, WrongStateError when the guest stops meanwhile.
 */
export async function awaitEngine(
  app: App,
  record: MachineRecord,
  target: EngineTarget,
  call: Call,
): Promise<EngineVersion | undefined> {
  return withConsole(app, record, () =>
    waitUntil(
      `the Docker engine on ${target.host}:${target.port}`,
      async () => {
        const answer = await app.engine.ping(target, { timeoutMs: 10_000, signal: call.signal });
        if (answer.ok) return { done: true, value: answer.version };
        if (FINAL_FAULTS.has(answer.fault)) {
          throw engineFaultError(answer.fault, {
            machineName: record.name,
            ...target,
            detail: answer.detail,
            blame: answer.blame,
          });
        }
        await assertAlive(app, record, call);
        const sign = await lastSign(app, record, answer.detail);
        if (/engine failed/.test(sign)) throw engineFailed(record, sign);
        return { done: false, seen: sign };
      },
      {
        everyMs: 250,
        withinMs: PATIENCE_MS,
        quietMs: ENGINE_QUIET_MS,
        clock: app.clock,
        signal: call.signal,
      },
    ),
  );
}

function engineFailed(record: MachineRecord, sign: string): EngineUnreachableError {
  return new EngineUnreachableError({
    code: 'ENGINE_FAILED',
    message: `The Docker engine in "${record.name}" did not start`,
    reason: sign,
    nextSteps: [
      `read its log with: tmachine ssh ${record.name} sudo tail -n 50 /var/lib/boot2docker/log/docker.log`,
    ],
  });
}

/** The newest line of the guest's console, or what the probe itself saw. */
async function lastSign(app: App, record: MachineRecord, otherwise: string): Promise<string> {
  const tail = await app.driver(record.driverName).consoleTail(driverMachine(app, record), 1);
  return tail.trim() === '' ? otherwise : `${otherwise}; console: ${tail.trim()}`;
}

async function assertAlive(app: App, record: MachineRecord, call: Call): Promise<void> {
  const driver = app.driver(record.driverName);
  if (!driver.capabilities.powerControl) return;
  const state = await driver.state(driverMachine(app, record), driverContext(call, record.name));
  if (state === 'running' || state === 'starting' || state === 'unknown') return;
  throw new WrongStateError({
    code: 'MACHINE_STOPPED_MEANWHILE',
    message: `Machine "${record.name}" stopped while it was awaited`,
    reason: `its state is now ${stateWord(state)}`,
    nextSteps: [`try again with: tmachine start ${record.name}`],
  });
}

/** Adds the end of the guest's console to an error of the wait inside (P18). */
async function withConsole<T>(app: App, record: MachineRecord, wait: () => Promise<T>): Promise<T> {
  try {
    return await wait();
  } catch (error) {
    if (!(error instanceof TimedOutError || error instanceof WrongStateError)) throw error;
    const tail = await app
      .driver(record.driverName)
      .consoleTail(driverMachine(app, record), CONSOLE_LINES)
      .catch(() => ''); // the tail only illustrates the error that is being reported
    if (tail.trim() === '') throw error;
    throw new TmachineError({
      code: error.code,
      message: error.message,
      reason: error.reason,
      nextSteps: [...error.nextSteps, `the last lines of the console:\n${tail.trimEnd()}`],
      cause: error,
    });
  }
}
