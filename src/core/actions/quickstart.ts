import { type App, type Call, driverContext, driverMachine } from '../app.js';
import { changeEngine, NO_CHANGE } from '../engine-change.js';
import { StoreError, TmachineError } from '../errors.js';
import { isHalfMade, type MachineRecord } from '../machine.js';
import { ensureCertificates } from './certificates.js';
import { type Connection, connection } from './connection.js';
import { type CreateRequest, createMachine } from './create.js';
import { engineProxies } from './engine-proxies.js';
import { withMachineLock } from './machine-lock.js';
import { startMachine } from './power.js';
import { copyClientCertificates } from './provision.js';
import { regenerateCertificates } from './reprovision.js';

/** The steps of Docker Toolbox's start.sh by its own names: a failure is told with the one in which it happened. */
export const QUICKSTART_STEPS = {
  choose: () => 'Looking for vboxmanage.exe',
  exists: (name: string) => `Checking if machine ${name} exists`,
  status: (name: string) => `Checking status on ${name}`,
  environment: () => 'Setting env',
  finalize: () => 'Finalize',
} as const;

export interface QuickstartRequest {
  readonly name: string;
  readonly programName: string;
  /** What to make; asked only when there is no such machine. */
  create(): Promise<CreateRequest>;
  /** The engine of a new machine gets the proxies of this computer. */
  readonly handsOverProxies: boolean;
  /** Told the name of each step when it begins. */
  onStep(step: string): void;
}

/**
 * Makes the machine when there is none, goes on with one that was never finished, makes the virtual machine of a record anew when it is gone,
 * starts what does not run and renews certificates that are not accepted. Resolves when the engine answers over verified TLS.
 */
export async function quickstart(app: App, request: QuickstartRequest, call: Call): Promise<Connection> {
  const { name, onStep } = request;
  onStep(QUICKSTART_STEPS.exists(name));
  await ensureMachine(app, request, call);
  onStep(QUICKSTART_STEPS.status(name));
  await healed(app, name, call, () => ensureRunning(app, name, call));
  onStep(QUICKSTART_STEPS.environment());
  return healed(app, name, call, () => connected(app, name, call));
}

async function ensureMachine(app: App, request: QuickstartRequest, call: Call): Promise<void> {
  const { name, onStep } = request;
  if (!(await app.store.exists(name))) {
    onStep(QUICKSTART_STEPS.choose());
    const asked = await request.create();
    onStep(QUICKSTART_STEPS.exists(name));
    await makeNew(app, request.handsOverProxies ? await withHostProxies(app, asked, call) : asked, call);
    return;
  }
  const record = await app.store.load(name);
  if (isHalfMade(record)) {
    await goOn(app, record, request, call);
  } else if (await isGone(app, record, call)) {
    call.reporter.step(`The virtual machine of "${name}" is gone: making it anew...`);
    await goOn(app, await begunAnew(app, name, call), request, call);
  }
}

/** Somebody else may have made it in the meantime: that serves as well. */
async function makeNew(app: App, asked: CreateRequest, call: Call): Promise<void> {
  try {
    await createMachine(app, asked, call);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'MACHINE_EXISTS') throw error;
  }
}

/** An equal `create`, from what the record says: its driver, its settings, its request. */
async function goOn(
  app: App,
  record: MachineRecord,
  { programName }: QuickstartRequest,
  call: Call,
): Promise<void> {
  const { name, driverName, hostOptions, notes } = record;
  const settings = { config: record.driver, extra: notes.driver ?? {} };
  const request = notes.request ?? {};
  await createMachine(app, { name, driverName, settings, hostOptions, request, programName }, call);
}

async function isGone(app: App, record: MachineRecord, call: Call): Promise<boolean> {
  const driver = app.driver(record.driverName);
  if (!driver.capabilities.powerControl) return false;
  const state = await driver.state(driverMachine(app, record), driverContext(call, record.name));
  return state === 'missing';
}

/** The record as if its creation had ended after it was written; a new guest has another host key. */
function begunAnew(app: App, name: string, call: Call): Promise<MachineRecord> {
  return withMachineLock(app, name, call, async () => {
    const record = await app.store.load(name);
    if (!(await isGone(app, record, call))) return record;
    const { hostKey: _, ...notes } = record.notes;
    const begun: MachineRecord = { ...record, notes: { ...notes, journal: ['recorded'] } };
    await app.store.save(begun);
    return begun;
  });
}

/**
 * The proxies of this computer for the engine, as start.sh hands them over with --engine-env; those on loopback become the guest's view of it
 * (P04). Variables that were given by flag stay.
 */
async function withHostProxies(app: App, asked: CreateRequest, call: Call): Promise<CreateRequest> {
  const driver = app.driver(asked.driverName);
  const { EngineOptions } = asked.hostOptions;
  const isGiven = (EngineOptions.Env ?? []).some((entry) => /^https?_proxy=/i.test(entry));
  if (!driver.capabilities.provisionable || isGiven || !(await hasProxy(app, call))) return asked;
  const host = driver.hostInGuest?.(asked.settings);
  const proxies = await engineProxies(app, { engineProxy: 'auto' }, call);
  const before = { engine: EngineOptions, trusted: [] };
  const { engine } = changeEngine(before, { ...NO_CHANGE, ...proxies(host) }, host);
  return { ...asked, hostOptions: { ...asked.hostOptions, EngineOptions: engine } };
}

/** Any host that no rule is about tells the general proxy. */
async function hasProxy(app: App, call: Call): Promise<boolean> {
  const urls = ['http://outside.invalid/', 'https://outside.invalid/'];
  const choices = await Promise.all(urls.map((url) => app.proxies.resolve(url, call)));
  return choices.some(({ proxy }) => proxy !== 'direct');
}

async function ensureRunning(app: App, name: string, call: Call): Promise<void> {
  const record = await app.store.load(name);
  const driver = app.driver(record.driverName);
  if (!driver.capabilities.powerControl) return;
  const state = await driver.state(driverMachine(app, record), driverContext(call, name));
  if (state !== 'running') await startMachine(app, name, call);
}

const HEALED_BY_NEW_CERTIFICATES: ReadonlySet<string> = new Set([
  'CA_EXPIRED',
  'CERTIFICATE_MISSING',
  'ENGINE_CERTIFICATE_EXPIRED',
  'ENGINE_CLIENT_REFUSED',
  'ENGINE_UNKNOWN_AUTHORITY',
  'ENGINE_WRONG_NAME',
]);

/** Does the work; when certificates are what is wrong, again after they have been renewed (P19). */
async function healed<T>(app: App, name: string, call: Call, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof TmachineError) || !HEALED_BY_NEW_CERTIFICATES.has(error.code)) throw error;
    call.reporter.step(`The certificates of "${name}" are renewed: ${error.reason ?? error.message}`);
    const { hostOptions } = await app.store.load(name);
    await ensureCertificates(app, hostOptions.AuthOptions, call);
    await regenerateCertificates(app, name, call);
    return work();
  }
}

async function connected(app: App, name: string, call: Call): Promise<Connection> {
  const record = await app.store.load(name);
  // DOCKER_CERT_PATH holds copies: a client certificate that was renewed since must reach them.
  await copyClientCertificates(app, record);
  const request = { swarm: false, errorPrefix: 'Error checking TLS connection: ' };
  return connection(app, record, request, call);
}
