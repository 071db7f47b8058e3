import { knownAddress } from '../address.js';
import { type App, type Call, driverContext, driverMachine } from '../app.js';
import type { HostInGuest } from '../driver.js';
import { changeEngine, type EngineChange } from '../engine-change.js';
import { WrongStateError } from '../errors.js';
import { assertVariables } from '../host-options.js';
import { isHalfMade, type MachineRecord } from '../machine.js';
import { chooseProvisioner, parseOsRelease } from '../os-release.js';
import type { SshSession } from '../ports.js';
import type { GuestFile } from '../provisioner.js';
import { followInClientConfig } from './client-config.js';
import { awaitEngine, connectGuest, engineTarget } from './guest.js';
import { warnOfUnreachableProxies } from './guest-proxies.js';
import { withMachineLock } from './machine-lock.js';
import { enginePlan, isOfOneRegistry, writeGuestFile } from './provision.js';

/**
 * `set NAME`: changes the engine's settings, in the record first, then in the guest: at once when the machine runs, else when it starts.
 * The engine starts anew only when something in the guest is different. `ask` makes the change from how the guest sees this computer.
 * `clientConfig` is about the docker
 * client on this computer. Throws WrongStateError for a machine without an engine of ours, UsageError, GuestError.
 */
export async function setEngine(
  app: App,
  name: string,
  ask: (host: HostInGuest | undefined) => EngineChange,
  call: Call,
  clientConfig?: 'write' | 'remove',
): Promise<void> {
  await withMachineLock(app, name, call, async () => {
    const record = await app.store.load(name);
    assertSettable(app, record);
    const host = hostInGuest(app, record);
    const trusted = record.notes.trusted ?? [];
    const changed = changeEngine({ engine: record.hostOptions.EngineOptions, trusted }, ask(host), host);
    assertVariables(changed.engine.Env);
    for (const line of changed.changes) call.reporter.step(`(${name}) ${line}`);
    const isIdle = clientConfig === 'remove' && record.notes.clientConfig === undefined;
    for (const setting of [...changed.idle, ...(isIdle ? ['docker-config'] : [])]) {
      call.reporter.step(`(${name}) ${setting}: was not set`);
    }
    if (changed.changes.length === 0 && record.notes.settingsPending !== true) {
      const noted = await followInClientConfig(app, record, clientConfig, call);
      if (noted !== record) await app.store.save(noted);
      else call.reporter.step(`Nothing to change in "${name}".`);
      return;
    }
    const asked: MachineRecord = {
      ...record,
      hostOptions: { ...record.hostOptions, EngineOptions: changed.engine },
      notes: {
        ...record.notes,
        trusted: changed.trusted.length === 0 ? undefined : changed.trusted,
        settingsPending: true,
        // What `create` was asked for is not what the machine is to be any more, and may hold a password that was taken away.
        request: undefined,
      },
    };
    const pending = await followInClientConfig(app, asked, clientConfig, call);
    await app.store.save(pending, { forgets: true });
    const driver = app.driver(record.driverName);
    const state = await driver.state(driverMachine(app, record), driverContext(call, name));
    if (driver.capabilities.powerControl && state !== 'running') {
      call.reporter.step(`"${name}" does not run now: it takes these settings when it starts.`);
      return;
    }
    // A mark from before: an earlier try was cut off, perhaps between the files and the restart.
    await bringSettings(app, pending, call, { restart: record.notes.settingsPending === true });
  });
}

/** How the guest of this machine sees this computer, if its driver knows. */
export function hostInGuest(app: App, record: MachineRecord): HostInGuest | undefined {
  return app
    .driver(record.driverName)
    .hostInGuest?.({ config: record.driver, extra: record.notes.driver ?? {} });
}

/**
 * Brings the record's settings into a running guest and waits for its engine. Repeatable: what is there already is left alone, and an
 * engine whose settings have not changed goes on running, unless it `must` not. Saves and returns the record without its mark of pending settings.
 */
export async function bringSettings(
  app: App,
  record: MachineRecord,
  call: Call,
  must: { readonly restart: boolean } = { restart: false },
): Promise<MachineRecord> {
  const session = await connectGuest(app, record, call);
  try {
    const restarted = await writeSettings(app, record, session, call, must);
    const { settingsPending: _, ...notes } = record.notes;
    const settled = { ...record, notes: { ...notes, hostKey: session.hostKey } };
    await app.store.save(settled);
    const endpoint = app.driver(record.driverName).endpoint(driverMachine(app, record));
    const host = knownAddress(endpoint);
    if (restarted && host !== undefined) {
      await awaitEngine(
        app,
        settled,
        await engineTarget(app, settled, { host, port: endpoint.enginePort }),
        call,
      );
    }
    await warnOfUnreachableProxies(record, session, call);
    return settled;
  } finally {
    await session.close();
  }
}

async function writeSettings(
  app: App,
  record: MachineRecord,
  session: SshSession,
  call: Call,
  must: { readonly restart: boolean },
): Promise<boolean> {
  const os = parseOsRelease((await session.run('cat /etc/os-release')).stdout);
  const provisioner = chooseProvisioner(app.provisioners, os);
  const endpoint = app.driver(record.driverName).endpoint(driverMachine(app, record));
  const plan = await enginePlan(app, record, endpoint.guestEnginePort);
  call.reporter.step('Setting Docker configuration on the remote daemon...');
  const different: GuestFile[] = [];
  for (const file of provisioner.engineFiles(plan)) {
    if (!(await isThere(session, file))) different.push(file);
  }
  for (const file of different) await writeGuestFile(session, file, record.name);
  const someWent = (await provisioner.trust?.(session, plan)) ?? false;
  if (!must.restart && !someWent && different.every(isOfOneRegistry)) return false;
  call.reporter.step('Restarting docker...');
  await provisioner.service(session, 'restart');
  return true;
}

async function isThere(session: SshSession, file: GuestFile): Promise<boolean> {
  const found = await session.run('sudo cat "$1" 2>/dev/null', [file.path]);
  return found.status === 0 && found.stdout === file.content;
}

function assertSettable(app: App, record: MachineRecord): void {
  const { capabilities } = app.driver(record.driverName);
  if (!capabilities.provisionable) {
    throw new WrongStateError({
      code: 'NO_ENGINE_OF_OURS',
      message: `The engine of "${record.name}" cannot be set up from here`,
      reason: `the driver "${record.driverName}" only knows where the engine is`,
      nextSteps: ['change its settings where it runs'],
    });
  }
  if (isHalfMade(record)) {
    throw new WrongStateError({
      code: 'MACHINE_HALF_MADE',
      message: `Machine "${record.name}" was never finished`,
      reason: 'its creation was interrupted or failed',
      nextSteps: ['go on with the same "create" command as the first time'],
    });
  }
}
