import { certificateNames, engineUrl, knownAddress } from '../address.js';
import { type App, type Call, driverContext, driverMachine, withSettings } from '../app.js';
import {
  type Driver,
  type DriverSettings,
  type Finding,
  type ReservedAddress,
  reservesAddress,
} from '../driver.js';
import {
  ExitCode,
  HostNotReadyError,
  InterruptedError,
  messageOf,
  StoreError,
  TmachineError,
} from '../errors.js';
import { goQuote } from '../go-quote.js';
import { makeDiskHead } from '../guest-disk.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.js';
import {
  assertMachineName,
  type CreateStep,
  type HostOptions,
  isHalfMade,
  type MachineRecord,
  type TrustedCertificate,
} from '../machine.js';
import type { BootImage } from '../ports.js';
import { forMachine } from '../reporter.js';
import { ensureCertificates, readText } from './certificates.js';
import { awaitEngine, engineTarget } from './guest.js';
import { withMachineLock } from './machine-lock.js';
import { issueServerCertificate, provisionGuest } from './provision.js';
import { fitsSeed, guestSeed } from './seed.js';

export interface CreateRequest {
  readonly name: string;
  readonly driverName: string;
  readonly settings: DriverSettings;
  readonly hostOptions: HostOptions;
  /** Authorities of the user's network that the guest is to trust (P03). */
  readonly trusted?: readonly TrustedCertificate[];
  /** The command's flags as data: an interrupted `create` goes on only with the same ones. */
  readonly request: JsonObject;
  /** The program as it was called, for the last line. */
  readonly programName: string;
}

/**
 * `create NAME`, from nothing to an engine that answers over verified TLS. What may refuse, refuses before anything exists (exit 3).
 * Each finished step is journaled: after a failure or Ctrl-C an equal `create` goes on, and `rm` removes what there is (P28).
 */
export async function createMachine(app: App, request: CreateRequest, call: Call): Promise<void> {
  assertMachineName(request.name, app.facts.platform);
  const driver = app.driver(request.driverName);
  await withMachineLock(app, request.name, call, async () => {
    const begun = await findBegun(app, request, call);
    if (begun === undefined) await assertHostReady(app, driver, request, call);
    await ensureCertificates(app, request.hostOptions.AuthOptions, call);

    call.reporter.step('Running pre-create checks...');
    const needsImage = driver.capabilities.needsImage && !hasDone(begun, 'created');
    const image = needsImage
      ? await locateImage(app, driver, request.settings, request.name, call)
      : undefined;

    call.reporter.step('Creating machine...');
    if (begun !== undefined) {
      call.reporter.step(
        `(${request.name}) Going on with a creation that did not end (done so far: ${doneSoFar(begun)})`,
      );
    }
    let record = begun ?? newRecord(request, image);
    try {
      record = await advance(app, record, 'recorded', async (it) => it);
      record = await advance(app, record, 'created', (it) => createInDriver(app, it, image, call));
      if (driver.capabilities.provisionable) {
        record = await start(app, record, call);
        record = await advance(app, record, 'provisioned', (it) => provisionGuest(app, it, call));
        await checkConnection(app, record, call);
      }
      await advance(app, record, 'complete', async (it) => it);
    } catch (error) {
      throw createError(error, request, call, await app.store.exists(request.name));
    }
    call.reporter.step(
      `To see how to connect your Docker Client to the Docker Engine running on this virtual machine, run: ${request.programName} env ${request.name}`,
    );
  });
}

/** The record of an equal, unfinished `create`, or undefined for a new name. Throws StoreError for a name that is taken. */
async function findBegun(app: App, request: CreateRequest, call: Call): Promise<MachineRecord | undefined> {
  const { name } = request;
  if (!(await app.store.exists(name))) return undefined;
  const record = await app.store.load(name);
  if (!isHalfMade(record)) {
    throw new StoreError({
      code: 'MACHINE_EXISTS',
      verbatim: true,
      message: `Docker machine "${name}" already exists`,
      nextSteps: [
        `use it:                    ${request.programName} env ${name}`,
        `or remove it first:        ${request.programName} rm ${name}`,
      ],
    });
  }
  // `set` has changed what was asked for first: the record alone says what the machine is to be.
  const before = record.notes.request ?? request.request;
  const difference = firstDifference(before, request.request);
  if (difference !== undefined) {
    throw new StoreError({
      code: 'MACHINE_HALF_MADE',
      verbatim: true,
      message: `Docker machine "${name}" already exists`,
      reason: `its creation was begun with other settings (${difference}) and did not end`,
      nextSteps: [
        'to go on, use the same flags as the first time',
        `to begin anew, remove it first:  ${request.programName} rm ${name}`,
      ],
    });
  }
  const driver = app.driver(record.driverName);
  const state = await driver.state(driverMachine(app, record), driverContext(call, name));
  if (state !== 'missing') return record;
  // The virtual machine was deleted behind our back: it is made again, and its guest will show another host key.
  const { hostKey: _, ...notes } = record.notes;
  return { ...record, notes: { ...notes, journal: notes.journal?.slice(0, 1) } };
}

function hasDone(record: MachineRecord | undefined, step: CreateStep): boolean {
  return record?.notes.journal?.includes(step) === true;
}

function firstDifference(before: JsonObject, now: JsonObject): string | undefined {
  for (const key of new Set([...Object.keys(before), ...Object.keys(now)])) {
    if (canonical(before[key]) !== canonical(now[key])) {
      return `${key} was ${canonical(before[key]) ?? 'not given'}`;
    }
  }
  return undefined;
}

function canonical(value: JsonValue | undefined): string | undefined {
  if (isJsonObject(value)) return JSON.stringify(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  return value === undefined ? undefined : JSON.stringify(value);
}

function doneSoFar(record: MachineRecord): string {
  return record.notes.journal?.join(', ') || 'nothing';
}

/** Throws HostNotReadyError for the first positive evidence; warnings go to the user. */
async function assertHostReady(app: App, driver: Driver, request: CreateRequest, call: Call): Promise<void> {
  const machine = {
    name: request.name,
    storePath: app.store.layout.root,
    directory: app.store.layout.machine(request.name).directory,
    settings: request.settings,
  };
  const findings = await driver.precheck(machine, driverContext(call, request.name));
  for (const finding of findings.filter((it) => it.severity === 'warn')) {
    call.reporter.warn(
      `(${request.name}) ${finding.message}${finding.reason === undefined ? '' : `: ${finding.reason}`}`,
    );
  }
  const refused = findings.filter((it) => it.severity === 'refuse');
  const [first, ...others] = refused;
  if (first === undefined) return;
  call.reporter.step('Running pre-create checks...');
  throw new HostNotReadyError({
    code: first.code,
    verbatim: true,
    message: `Error with pre-create check: ${goQuote(first.message)}`,
    reason: first.reason,
    nextSteps: [...first.nextSteps, ...others.flatMap(alsoFound)],
  });
}

function alsoFound(finding: Finding): string[] {
  return [`also: ${finding.message}`, ...finding.nextSteps];
}

async function locateImage(
  app: App,
  driver: Driver,
  settings: DriverSettings,
  name: string,
  call: Call,
): Promise<BootImage> {
  try {
    return await app.images.locate({
      url: driver.imageUrl(settings),
      reporter: forMachine(call.reporter, name),
      signal: call.signal,
    });
  } catch (error) {
    if (!(error instanceof TmachineError) || error instanceof InterruptedError) throw error;
    throw new HostNotReadyError({
      code: error.code,
      verbatim: true,
      message: `Error with pre-create check: ${goQuote(error.message)}`,
      reason: error.reason,
      nextSteps: error.nextSteps,
      cause: error,
    });
  }
}

function newRecord(request: CreateRequest, image: BootImage | undefined): MachineRecord {
  return {
    name: request.name,
    driverName: request.driverName,
    driver: request.settings.config,
    hostOptions: request.hostOptions,
    notes: {
      journal: [],
      request: request.request,
      driver: request.settings.extra,
      ...(request.trusted !== undefined && request.trusted.length > 0 && { trusted: request.trusted }),
      ...(image && {
        image: { version: image.version, digest: image.digest, oneStep: image.oneStep },
      }),
    },
  };
}

/** Does a step unless the journal has it, and saves the record with the journal's new line. */
async function advance(
  app: App,
  record: MachineRecord,
  step: CreateStep,
  work: (record: MachineRecord) => Promise<MachineRecord>,
): Promise<MachineRecord> {
  const journal = record.notes.journal ?? [];
  if (journal.includes(step)) return record;
  const changed = await work(record);
  const done = { ...changed, notes: { ...changed.notes, journal: [...journal, step] } };
  await app.store.save(done);
  return done;
}

async function createInDriver(
  app: App,
  record: MachineRecord,
  image: BootImage | undefined,
  call: Call,
): Promise<MachineRecord> {
  const { name } = record;
  const driver = app.driver(record.driverName);
  const machine = driverMachine(app, record);
  const paths = app.store.layout.machine(name);
  const context = driverContext(call, name);
  if (image === undefined) {
    return withSettings(
      record,
      await driver.create(machine, { imagePath: '', head: new Uint8Array() }, context),
    );
  }
  context.reporter.step(`Copying ${image.path} to ${paths.image}...`);
  await app.store.copyFile(image.path, paths.image, 0o600);
  context.reporter.step(`Creating ${driver.title}...`);
  if (driver.bringsSshKey?.(machine.settings) !== true) context.reporter.step('Creating SSH key...');
  const publicKey = await ensureSshKey(app, name);
  const takesSeed = image.oneStep && driver.capabilities.takesSeed && fitsSeed(record);
  const reserved =
    takesSeed && reservesAddress(driver) ? await driver.reserveAddress(machine, context) : undefined;
  const planned = reserved === undefined ? machine : { ...machine, settings: reserved.settings };
  const address = knownAddress(driver.endpoint(planned));
  const seed =
    takesSeed && address !== undefined
      ? await seedFor(app, withSettings(record, planned.settings), address, reserved?.card)
      : undefined;
  const settings = await driver.create(
    planned,
    { imagePath: paths.image, head: makeDiskHead({ publicKey, ...(seed && { seed: seed.files }) }) },
    context,
  );
  const hostKey = seed?.hostKey;
  return withSettings(
    {
      ...record,
      notes: {
        ...record.notes,
        image: { version: image.version, digest: image.digest, oneStep: image.oneStep },
        ...(hostKey !== undefined && { hostKey }),
      },
    },
    settings,
  );
}

async function seedFor(
  app: App,
  record: MachineRecord,
  address: string,
  card: ReservedAddress['card'] | undefined,
): ReturnType<typeof guestSeed> {
  const sans = record.hostOptions.AuthOptions.ServerCertSANs ?? [];
  await issueServerCertificate(app, record, certificateNames(record.name, address, sans));
  return guestSeed(app, record, card);
}

/** The machine's key pair, kept when a former try made it. */
async function ensureSshKey(app: App, name: string): Promise<string> {
  const { sshKey } = app.store.layout.machine(name);
  const existing = await readText(app, `${sshKey}.pub`);
  if (existing !== undefined && (await app.store.readFile(sshKey)) !== undefined) return existing;
  const pair = await app.ssh.generateKey('ed25519');
  await app.store.writeFile(sshKey, pair.privateKey, 0o600);
  await app.store.writeFile(`${sshKey}.pub`, pair.publicKey, 0o600);
  return pair.publicKey;
}

/** Not journaled as done: a machine that was stopped since is started again. */
async function start(app: App, record: MachineRecord, call: Call): Promise<MachineRecord> {
  const driver = app.driver(record.driverName);
  const context = driverContext(call, record.name);
  if (!driver.capabilities.powerControl) return record;
  if ((await driver.state(driverMachine(app, record), context)) === 'running') return record;
  context.reporter.step('Starting the VM...');
  const settings = await driver.start(driverMachine(app, record), context);
  const journal = record.notes.journal ?? [];
  const started = withSettings(
    {
      ...record,
      notes: {
        ...record.notes,
        journal: journal.includes('started') ? journal : [...journal, 'started'],
      },
    },
    settings,
  );
  await app.store.save(started);
  context.reporter.step('Waiting for an IP...');
  return started;
}

async function checkConnection(app: App, record: MachineRecord, call: Call): Promise<void> {
  call.reporter.step('Checking connection to Docker...');
  const endpoint = app.driver(record.driverName).endpoint(driverMachine(app, record));
  const host = knownAddress(endpoint);
  if (host !== undefined) {
    const target = await engineTarget(app, record, { host, port: endpoint.enginePort });
    const version = await awaitEngine(app, record, target, call);
    call.reporter.debug(
      `${engineUrl(host, endpoint.enginePort)} answers${version === undefined ? '' : `: API ${version.apiVersion}`}`,
    );
  }
  call.reporter.step('Docker is up and running!');
}

/** The contract's first line, the cause's reason, and the two ways on when there is something to go on with. */
function createError(error: unknown, request: CreateRequest, call: Call, isRecorded: boolean): unknown {
  const { name, programName } = request;
  const waysOn = isRecorded
    ? [`go on from here with the same command again, or remove the machine:  ${programName} rm ${name}`]
    : [];
  if (call.signal.aborted) {
    return new InterruptedError(`Interrupted while creating "${request.name}"`, waysOn);
  }
  if (!(error instanceof TmachineError)) return error;
  return new TmachineError({
    code: error.code,
    verbatim: true,
    message: `Error creating machine: Error in driver during machine creation: ${messageOf(error)}`,
    reason: error.reason,
    nextSteps: [...error.nextSteps, ...waysOn],
    exitCode: error.exitCode === ExitCode.hostNotReady ? ExitCode.failure : error.exitCode,
    cause: error,
  });
}
