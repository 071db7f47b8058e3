import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createMachine } from '../../../src/core/actions/create.js';
import { stopMachine } from '../../../src/core/actions/power.js';
import { rollBackMachine, upgradeMachine } from '../../../src/core/actions/upgrade.js';
import type { App } from '../../../src/core/app.js';
import { DownloadError, TmachineError } from '../../../src/core/errors.js';
import { type TestApp, testApp } from '../../support/test-app.js';

let world: TestApp;
let app: App;
/** What `locate` finds: a file whose text is the version. */
let found: string;
let asked: { readonly url: string; readonly newest?: boolean | undefined }[];
const paths = () => world.app.store.layout.machine('dev');
const bootsFrom = () => readFileSync(paths().image, 'utf8');
const upgrade = (request: { image?: string; force?: boolean } = {}) =>
  upgradeMachine(app, 'dev', { image: '', force: false, ...request }, world.call);
const rollBack = (disk = false) => rollBackMachine(app, 'dev', { disk }, world.call);

async function facts(path: string) {
  const version = readFileSync(path, 'utf8');
  return { version, digest: createHash('sha256').update(version).digest('hex'), oneStep: false };
}

beforeEach(async () => {
  world = await testApp({ oneStep: false });
  found = join(world.app.store.layout.root, 'newest.iso');
  asked = [];
  app = {
    ...world.app,
    images: {
      ...world.app.images,
      describe: facts,
      locate: async ({ url, newest }) => {
        asked.push({ url, newest });
        return { ...(await facts(found)), path: found, origin: found };
      },
    },
  };
  await writeFile(found, 'v26.1.5');
  await createMachine(app, world.request('dev'), world.call);
  await writeFile(found, 'v28.5.2');
  world.lines.length = 0;
  world.driver.calls.length = 0;
  asked.length = 0;
});
afterEach(() => world.remove());

describe('P39: upgrade', () => {
  test('replaces the image, keeps the one before, and prints the lines of docker-machine', async () => {
    await upgrade();
    expect(world.lines).toEqual([
      'Waiting for SSH to be available...',
      'Detecting the provisioner...',
      'Upgrading docker...',
      'Stopping machine to do the upgrade...',
      'Upgrading machine "dev"...',
      `(dev) Copying ${found} to ${paths().image}...`,
      'Starting machine back up...',
      '(dev) Waiting for an IP...',
      'Waiting for SSH to be available...',
      'Detecting the provisioner...',
      '"dev" has v28.5.2 now (it had v26.1.5).',
    ]);
    expect(bootsFrom()).toBe('v28.5.2');
    expect(readFileSync(paths().previousImage, 'utf8')).toBe('v26.1.5');
    expect(asked).toEqual([{ url: '', newest: true }]);
    expect((await app.store.load('dev')).notes.image?.version).toBe('v28.5.2');
    expect(world.warnings).toEqual([]);
  });

  test('a stopped machine is started for it, and runs afterwards', async () => {
    await stopMachine(app, 'dev', world.call);
    world.lines.length = 0;
    await upgrade();
    expect(world.lines[0]).toBe('Starting machine so machine can be upgraded...');
    expect(bootsFrom()).toBe('v28.5.2');
  });

  test('a machine that has the image already is left running', async () => {
    await upgrade();
    world.driver.calls.length = 0;
    world.lines.length = 0;
    await upgrade();
    expect(world.lines.at(-1)).toBe('"dev" has this image already (v28.5.2).');
    expect(world.driver.calls.filter((call) => /^(stop|start) /.test(call))).toEqual([]);
    expect(readFileSync(paths().previousImage, 'utf8')).toBe('v26.1.5');
  });

  test('an older engine is refused before the machine is stopped, and taken when insisted on', async () => {
    await writeFile(found, 'v19.03.12');
    await expect(upgrade()).rejects.toMatchObject({
      message: '"dev" is not upgraded: v19.03.12 is older than the v26.1.5 that it has',
      nextSteps: [expect.stringContaining('--image'), expect.stringContaining('--force')],
    });
    expect(world.driver.calls.filter((call) => call.startsWith('stop '))).toEqual([]);
    await upgrade({ force: true });
    expect(bootsFrom()).toBe('v19.03.12');
  });

  test('a download that fails leaves the machine running', async () => {
    const broken: App = {
      ...app,
      images: {
        ...app.images,
        locate: async () => {
          throw new DownloadError({ stage: 'connect', code: 'X', message: 'no network' });
        },
      },
    };
    const attempt = upgradeMachine(broken, 'dev', { image: '', force: false }, world.call);
    await expect(attempt).rejects.toThrow('no network');
    expect(world.driver.calls.filter((call) => call.startsWith('stop '))).toEqual([]);
    expect(bootsFrom()).toBe('v26.1.5');
  });

  test('an image that does not start names the way back, and the way back works', async () => {
    world.driver.failNext('start', new TmachineError({ code: 'BROKE', message: 'it does not boot' }));
    await expect(upgrade()).rejects.toMatchObject({
      message: 'it does not boot',
      nextSteps: [expect.stringContaining('tmachine upgrade --rollback dev')],
    });
    await rollBack();
    expect(bootsFrom()).toBe('v26.1.5');
    expect((await app.store.load('dev')).notes).toMatchObject({ image: { version: 'v26.1.5' } });
    expect(world.lines.at(-1)).toBe('"dev" has v26.1.5 again.');
    await expect(rollBack()).rejects.toThrow('There is nothing to go back to for "dev"');
  });

  test('images or containers that are not seen any more are a warning with the way back', async () => {
    const { connect } = world.guest;
    world.guest.connect = async (target, options) => {
      if (world.lines.includes('Starting machine back up...')) world.guest.inventory = 'vfs 0 1\n';
      return connect.call(world.guest, target, options);
    };
    await upgrade();
    expect(world.warnings).toEqual([
      '(dev) The engine keeps its data by vfs now, it was overlay2: what was made before is still on the disk, but not seen.',
      '(dev) The engine sees 0 images, it was 3 before the upgrade.',
      '(dev) Go back with: tmachine upgrade --rollback dev',
    ]);
  });

  test('with --image, or an image that the machine was made from, that one is asked for', async () => {
    await upgrade({ image: '/mine.iso' });
    expect(asked).toEqual([{ url: '/mine.iso', newest: true }]);
  });

  test('where the driver takes snapshots, one is kept: that before the last upgrade', async () => {
    const snapshots: string[] = [];
    const note = (what: string) => async (_machine: unknown, name: string) =>
      void snapshots.push(`${what} ${name}`);
    Object.assign(world.driver, {
      takeSnapshot: note('take'),
      restoreSnapshot: note('restore'),
      deleteSnapshot: note('delete'),
    });
    await upgrade();
    await writeFile(found, 'v29.0.0');
    await upgrade();
    expect(snapshots).toEqual(['take before-upgrade', 'delete before-upgrade', 'take before-upgrade']);
    await rollBack(true);
    expect(snapshots.at(-1)).toBe('restore before-upgrade');
    expect(bootsFrom()).toBe('v28.5.2');
  });

  test('--disk without a snapshot is refused before anything is stopped', async () => {
    await upgrade();
    world.driver.calls.length = 0;
    await expect(rollBack(true)).rejects.toMatchObject({ reason: expect.stringContaining('takes none') });
    expect(world.driver.calls.filter((call) => call.startsWith('stop '))).toEqual([]);
  });

  test('cut off while the image is replaced, the same command ends it', async () => {
    const { store } = app;
    const copyFile = store.copyFile.bind(store);
    store.copyFile = async (from, to, mode) => {
      await copyFile(from, to, mode);
      if (to === paths().image) throw new TmachineError({ code: 'CUT', message: 'cut' });
    };
    await expect(upgrade()).rejects.toThrow('cut');
    store.copyFile = copyFile;
    await upgrade();
    expect(bootsFrom()).toBe('v28.5.2');
    expect(readFileSync(paths().previousImage, 'utf8')).toBe('v26.1.5');
    expect(existsSync(paths().config)).toBe(true);
    expect((await app.store.load('dev')).notes.image?.version).toBe('v28.5.2');
  });
});
