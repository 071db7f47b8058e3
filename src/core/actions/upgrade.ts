import { type App, type Call, driverContext, driverMachine, withSettings } from '../app.js';
import { type Driver, takesSnapshots } from '../driver.js';
import { compareEngineVersions } from '../engine-version.js';
import { TmachineError, WrongStateError } from '../errors.js';
import { isHalfMade, type MachineImage, type MachineRecord } from '../machine.js';
import type { BootImage } from '../ports.js';
import { forMachine } from '../reporter.js';
import { type EngineInventory, engineInventory, whatIsMissing } from './engine-inventory.js';
import { connectGuest } from './guest.js';
import { dropSnapshots, keepDisk } from './kept-snapshots.js';
import { withMachineLock } from './machine-lock.js';
import { awaitReady, bootUp } from './power.js';

export interface UpgradeRequest {
  /** A URL or a file; '' for what the machine was made from, or the newest release. */
  readonly image: string;
  /** Also to an older engine. */
  readonly force: boolean;
}

/**
 * `upgrade NAME`: another boot image for the machine, whose disk stays as it is. The image before is kept, with a snapshot of the disk where
 * the driver takes some. A machine that has the image already is left alone; one with a newer engine is refused unless forced (P39).
 * Throws WrongStateError, DownloadError, and what stopping and starting throw, each with the way back.
 */
export async function upgradeMachine(
  app: App,
  name: string,
  request: UpgradeRequest,
  call: Call,
): Promise<void> {
  await withUpgradable(app, name, call, async (stored, driver) => {
    let record = stored;
    if ((await driver.state(driverMachine(app, record), driverContext(call, name))) !== 'running') {
      call.reporter.step('Starting machine so machine can be upgraded...');
      record = await startAgain(app, record, driver, call);
    }
    const before = await takeInventory(app, record, call);
    call.reporter.step('Upgrading docker...');
    const image = await app.images.locate({
      url: request.image || driver.imageUrl({ config: record.driver, extra: record.notes.driver ?? {} }),
      newest: true,
      reporter: forMachine(call.reporter, name),
      signal: call.signal,
    });
    const current = await app.images.describe(app.store.layout.machine(name).image);
    if (current.digest === image.digest) {
      await noteImage(app, record, current);
      call.reporter.step(`"${name}" has this image already (${current.version || 'of unknown version'}).`);
      return;
    }
    if (!request.force) assertNotOlder(name, current, image);
    record = await swapImage(app, record, driver, { from: current, to: image }, call);
    try {
      record = await startAgain(app, record, driver, call);
    } catch (error) {
      throw withWayBack(error, name);
    }
    const missing = whatIsMissing(before, await takeInventory(app, record, call, 'quietly'));
    for (const line of missing) call.reporter.warn(`(${name}) ${line}`);
    if (missing.length > 0) call.reporter.warn(`(${name}) Go back with: tmachine upgrade --rollback ${name}`);
    call.reporter.step(
      `"${name}" has ${image.version || 'its new image'} now (it had ${current.version || 'another one'}).`,
    );
  });
}

/**
 * `upgrade --rollback NAME`: the image before the last upgrade again; with `disk` also the disk as it was then, where a snapshot was taken.
 * Throws WrongStateError when there is nothing to go back to.
 */
export async function rollBackMachine(
  app: App,
  name: string,
  request: { readonly disk: boolean },
  call: Call,
): Promise<void> {
  await withUpgradable(app, name, call, async (record, driver) => {
    const kept = record.notes.beforeUpgrade;
    const paths = app.store.layout.machine(name);
    if (kept === undefined || (await app.shelf.look(paths.previousImage, call.signal)) === undefined) {
      throw nothingKept(name, 'it was not upgraded, or is back already');
    }
    if ((await app.images.describe(paths.previousImage)).digest !== kept.image.digest) {
      throw nothingKept(
        name,
        'the image kept is another one: an upgrade since was cut off, or somebody changed the file',
      );
    }
    if (request.disk && (kept.snapshot === undefined || !takesSnapshots(driver))) {
      throw nothingKept(name, `no snapshot of its disk was taken: the driver "${driver.name}" takes none`);
    }
    const stopped = await stopFirst(app, record, driver, 'Stopping machine to go back...', call);
    const context = driverContext(call, name);
    if (request.disk && kept.snapshot !== undefined && takesSnapshots(driver)) {
      context.reporter.step('Going back to the disk as it was before the upgrade...');
      await driver.restoreSnapshot(driverMachine(app, stopped), kept.snapshot, context);
    }
    context.reporter.step(`Copying ${paths.previousImage} to ${paths.image}...`);
    await app.store.copyFile(paths.previousImage, paths.image, 0o600);
    const { beforeUpgrade: _, ...notes } = stopped.notes;
    const restored = { ...stopped, notes: { ...notes, image: kept.image } };
    await app.store.save(restored);
    await startAgain(app, await dropSnapshots(app, restored, driver, call), driver, call);
    call.reporter.step(`"${name}" has ${kept.image.version || 'its former image'} again.`);
  });
}

async function swapImage(
  app: App,
  record: MachineRecord,
  driver: Driver,
  images: { readonly from: MachineImage; readonly to: BootImage },
  call: Call,
): Promise<MachineRecord> {
  const { name } = record;
  const paths = app.store.layout.machine(name);
  const context = driverContext(call, name);
  const stopped = await stopFirst(app, record, driver, 'Stopping machine to do the upgrade...', call);
  call.reporter.step(`Upgrading machine "${name}"...`);
  const { record: noted, snapshot } = await keepDisk(app, stopped, driver, call);
  await app.store.copyFile(paths.image, paths.previousImage, 0o600);
  const kept: MachineRecord = {
    ...noted,
    notes: { ...noted.notes, beforeUpgrade: { image: images.from, ...(snapshot && { snapshot }) } },
  };
  // Cut off from here on, the machine has one whole image or the other, and the way back is known.
  await app.store.save(kept);
  const swept = await dropSnapshots(app, kept, driver, call);
  context.reporter.step(`Copying ${images.to.path} to ${paths.image}...`);
  await app.store.copyFile(images.to.path, paths.image, 0o600);
  const { version, digest, oneStep } = images.to;
  const swapped = { ...swept, notes: { ...swept.notes, image: { version, digest, oneStep } } };
  await app.store.save(swapped);
  call.reporter.step('Starting machine back up...');
  return swapped;
}

/** An upgrade that was cut off right after the copy has not noted it. */
async function noteImage(app: App, record: MachineRecord, image: MachineImage): Promise<void> {
  if (record.notes.image?.digest === image.digest) return;
  await app.store.save({ ...record, notes: { ...record.notes, image } });
}

async function stopFirst(
  app: App,
  record: MachineRecord,
  driver: Driver,
  line: string,
  call: Call,
): Promise<MachineRecord> {
  const context = driverContext(call, record.name);
  const machine = driverMachine(app, record);
  if ((await driver.state(machine, context)) === 'stopped') return record;
  call.reporter.step(line);
  const stopped = withSettings(record, await driver.stop(machine, context));
  await app.store.save(stopped);
  return stopped;
}

async function startAgain(
  app: App,
  record: MachineRecord,
  driver: Driver,
  call: Call,
): Promise<MachineRecord> {
  await awaitReady(app, await bootUp(app, record, driver, call), call);
  return app.store.load(record.name);
}

async function takeInventory(
  app: App,
  record: MachineRecord,
  call: Call,
  how: 'aloud' | 'quietly' = 'aloud',
): Promise<EngineInventory | undefined> {
  if (how === 'aloud') call.reporter.step('Waiting for SSH to be available...');
  const session = await connectGuest(app, record, call);
  try {
    if (how === 'aloud') call.reporter.step('Detecting the provisioner...');
    return await engineInventory(session);
  } finally {
    await session.close();
  }
}

function assertNotOlder(name: string, current: MachineImage, image: BootImage): void {
  if (compareEngineVersions(image.version, current.version) >= 0) return;
  throw new WrongStateError({
    code: 'IMAGE_OLDER',
    message: `"${name}" is not upgraded: ${image.version} is older than the ${current.version} that it has`,
    reason: `an older engine may not understand the disk of a newer one; the image found is ${image.origin}`,
    nextSteps: [
      `name a newer image: tmachine upgrade --image URL-OR-FILE ${name}`,
      `or insist on this one: tmachine upgrade --force ${name}`,
    ],
  });
}

function withWayBack(error: unknown, name: string): unknown {
  if (!(error instanceof TmachineError)) return error;
  return new TmachineError({
    code: error.code,
    verbatim: error.verbatim,
    message: error.message,
    reason: error.reason,
    nextSteps: [...error.nextSteps, `or go back to the image before: tmachine upgrade --rollback ${name}`],
    exitCode: error.exitCode,
    cause: error,
  });
}

function nothingKept(name: string, reason: string): WrongStateError {
  return new WrongStateError({
    code: 'NOTHING_TO_GO_BACK_TO',
    message: `There is nothing to go back to for "${name}"`,
    reason,
    nextSteps: [`a certain image: tmachine upgrade --force --image URL-OR-FILE ${name}`],
  });
}

/** Loads the machine under its lock; turns away those that boot from no image of ours, and those that were never finished. */
async function withUpgradable(
  app: App,
  name: string,
  call: Call,
  work: (record: MachineRecord, driver: Driver) => Promise<void>,
): Promise<void> {
  await withMachineLock(app, name, call, async () => {
    const record = await app.store.load(name);
    const driver = app.driver(record.driverName);
    if (!driver.capabilities.needsImage) {
      throw new WrongStateError({
        code: 'NO_IMAGE_TO_UPGRADE',
        message: `"${name}" boots from no image of ours`,
        reason: `the driver "${driver.name}" takes a host as it is`,
        nextSteps: ["upgrade Docker there with the host's own packages"],
      });
    }
    if (isHalfMade(record)) {
      throw new WrongStateError({
        code: 'MACHINE_HALF_MADE',
        message: `Machine "${name}" was never finished`,
        reason: 'its creation was interrupted or failed',
        nextSteps: ['go on with the same "create" command as the first time'],
      });
    }
    await work(record, driver);
  });
}
