import { knownAddress } from '../address.js';
import { type App, type Call, driverContext, driverMachine, withSettings } from '../app.js';
import { type Driver, refusesPower } from '../driver.js';
import { GuestError, TmachineError, WrongStateError } from '../errors.js';
import { isHalfMade, type MachineRecord, type MachineState } from '../machine.js';
import { missingMachine } from '../missing-machine.js';
import { readText } from './certificates.js';
import { followInClientConfig } from './client-config.js';
import { bringSettings } from './engine-settings.js';
import { awaitEngine, connectGuest, engineTarget, learnAddress } from './guest.js';
import { withMachineLock } from './machine-lock.js';
import { copyClientCertificates, reprovisionGuest } from './provision.js';
import { mountSharedFolders } from './shared-folders.js';

/** How long a host may take from the order to reboot until its sshd is down. */
const REBOOT_MS = 10_000;

type PowerAction = 'start' | 'stop' | 'restart' | 'kill';

/** Starts the machine and waits until its engine answers; a running one is a notice, not a failure. */
export async function startMachine(app: App, name: string, call: Call): Promise<void> {
  await withMachine(app, name, 'start', call, async (record, driver) => {
    const context = driverContext(call, name);
    const state = await driver.state(driverMachine(app, record), context);
    if (state === 'running') {
      call.reporter.step(`Machine "${name}" is already running.`);
      return;
    }
    assertExists(record, state);
    call.reporter.step(`Starting "${name}"...`);
    const started = await bootUp(app, record, driver, call);
    call.reporter.step(`Machine "${name}" was started.`);
    await awaitReady(app, started, call);
  });
}

/** Asks the guest to shut down and waits; a stopped one is a notice. */
export function stopMachine(app: App, name: string, call: Call): Promise<void> {
  return bringDown(app, name, { action: 'stop', doing: 'Stopping', done: 'stopped' }, call);
}

/** Pulls the plug; a stopped machine is a notice. */
export function killMachine(app: App, name: string, call: Call): Promise<void> {
  return bringDown(app, name, { action: 'kill', doing: 'Killing', done: 'killed' }, call);
}

async function bringDown(
  app: App,
  name: string,
  {
    action,
    doing,
    done,
  }: { readonly action: 'stop' | 'kill'; readonly doing: string; readonly done: string },
  call: Call,
): Promise<void> {
  await withMachine(app, name, action, call, async (record, driver) => {
    const context = driverContext(call, name);
    const machine = driverMachine(app, record);
    const state = await driver.state(machine, context);
    if (state === 'stopped') {
      call.reporter.step(`Machine "${name}" is already stopped.`);
      return;
    }
    assertExists(record, state);
    call.reporter.step(`${doing} "${name}"...`);
    await app.store.save(withSettings(record, await driver[action](machine, context)));
    call.reporter.step(`Machine "${name}" was ${done}.`);
  });
}

/** Stops a running machine and starts it; starts a stopped one. */
export async function restartMachine(app: App, name: string, call: Call): Promise<void> {
  await withMachine(app, name, 'restart', call, async (record, driver) => {
    const context = driverContext(call, name);
    call.reporter.step(`Restarting "${name}"...`);
    if (driver.capabilities.restartsInGuest === true) {
      await rebootGuest(app, record, call);
      await awaitReady(app, record, call);
      return;
    }
    const state = await driver.state(driverMachine(app, record), context);
    assertExists(record, state);
    let resting = record;
    if (state !== 'stopped') {
      resting = withSettings(record, await driver.stop(driverMachine(app, record), context));
      await app.store.save(resting);
    }
    await awaitReady(app, await bootUp(app, resting, driver, call), call);
  });
}

/** For a host that we only log into. The connection may be cut before the answer: the wait that follows tells. */
async function rebootGuest(app: App, record: MachineRecord, call: Call): Promise<void> {
  const session = await connectGuest(app, record, call);
  try {
    await session.run('sudo shutdown -r now', [], { timeoutMs: 30_000 });
  } catch (error) {
    if (!(error instanceof GuestError)) throw error;
  } finally {
    await session.close();
  }
  // sshd of the old run still answers for a moment.
  await app.clock.sleep(REBOOT_MS, call.signal);
}

/** Starts the virtual machine and saves what the driver changed. */
export async function bootUp(
  app: App,
  record: MachineRecord,
  driver: Driver,
  call: Call,
): Promise<MachineRecord> {
  const context = driverContext(call, record.name);
  const settings = await driver.start(driverMachine(app, record), context);
  context.reporter.step('Waiting for an IP...');
  const started = withSettings(record, settings);
  await app.store.save(started);
  return started;
}

/**
 * SSH, then an engine that answers with a certificate for the address it has now. One that expired, or that names another
 * address, is issued again without a question (P19, P20).
 */
export async function awaitReady(app: App, record: MachineRecord, call: Call): Promise<void> {
  call.reporter.step('Waiting for SSH to be available...');
  const session = await connectGuest(app, record, call);
  let located = record;
  try {
    located = await learnAddress(app, record, session, call);
    await mountSharedFolders(app, located, session, call);
  } finally {
    await session.close();
  }
  call.reporter.step('Detecting the provisioner...');
  let pinned: MachineRecord = { ...located, notes: { ...located.notes, hostKey: session.hostKey } };
  if (located !== record || record.notes.hostKey !== session.hostKey) await app.store.save(pinned);
  const endpoint = app.driver(record.driverName).endpoint(driverMachine(app, pinned));
  const host = knownAddress(endpoint);
  if (host === undefined) {
    if (pinned.notes.settingsPending === true) await bringSettings(app, pinned, call);
    return;
  }
  // DOCKER_CERT_PATH holds copies: a client certificate that was renewed since must reach them.
  await copyClientCertificates(app, pinned);
  if (await needsNewCertificate(app, pinned, host)) {
    pinned = await reprovisionGuest(app, pinned, call);
    await app.store.save(pinned);
  } else if (pinned.notes.settingsPending === true) {
    pinned = await bringSettings(app, pinned, call);
  }
  await awaitEngine(app, pinned, await engineTarget(app, pinned, { host, port: endpoint.enginePort }), call);
  if (pinned.notes.clientConfig !== undefined) {
    await app.store.save(await followInClientConfig(app, pinned, undefined, call));
  }
}

/** Only a certificate of ours that is on disk is judged: a foreign set-up is left alone. */
async function needsNewCertificate(app: App, record: MachineRecord, address: string): Promise<boolean> {
  const auth = record.hostOptions.AuthOptions;
  const text = await readText(app, auth.ServerCertPath);
  const authority = await readText(app, auth.CaCertPath);
  if (text === undefined || authority === undefined) return false;
  const facts = app.certificates.describe(text);
  if (app.certificates.describe(authority).notAfter <= app.clock.now()) throw authorityExpired(record);
  return (
    facts.notAfter <= app.clock.now() ||
    !facts.names.includes(address) ||
    !app.certificates.isIssuedBy(text, authority)
  );
}

/** It signs for every machine of the store, so it is renewed when the user says so, not on the way. */
function authorityExpired(record: MachineRecord): TmachineError {
  return new TmachineError({
    code: 'CA_EXPIRED',
    message: `The certificate authority of "${record.name}" has expired`,
    reason: 'certificates last 1080 days; all machines of this store are concerned',
    nextSteps: [`make all certificates anew: tmachine regenerate-certs --client-certs ${record.name}`],
  });
}

/** Loads the machine under its lock; turns away drivers without power control and machines that were never finished. */
async function withMachine(
  app: App,
  name: string,
  action: PowerAction,
  call: Call,
  work: (record: MachineRecord, driver: Driver) => Promise<void>,
): Promise<void> {
  await withMachineLock(app, name, call, async () => {
    const record = await app.store.load(name);
    const driver = app.driver(record.driverName);
    const restartsInGuest = action === 'restart' && driver.capabilities.restartsInGuest === true;
    if (refusesPower(driver) && !restartsInGuest) {
      throw new WrongStateError({
        code: 'DRIVER_WITHOUT_POWER',
        verbatim: true,
        message: driver.powerRefusal(action),
        reason: `the driver "${driver.name}" only knows where the machine is`,
      });
    }
    if (isHalfMade(record) && (action === 'start' || action === 'restart')) {
      throw new WrongStateError({
        code: 'MACHINE_HALF_MADE',
        message: `Machine "${name}" was never finished`,
        reason: 'its creation was interrupted or failed',
        nextSteps: [
          'go on with the same "create" command as the first time',
          `or remove it: tmachine rm ${name}`,
        ],
      });
    }
    await work(record, driver);
  });
}

function assertExists(record: MachineRecord, state: MachineState): void {
  if (state !== 'missing') return;
  throw missingMachine(record.name);
}
