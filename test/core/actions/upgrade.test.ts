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

/**
 * Gives the driver snapshots as VirtualBox has them: several may bear one name, and then the first is meant; none is deleted that several branch
 * from. The machine's disk is a text.
 */
function snapshots() {
  const disk = { content: 'made at first', from: -1 };
  const taken: { readonly name: string; readonly content: string; readonly id: number; from: number }[] = [];
  let next = 0;
  const named = (name: string) => {
    const known = taken.find((it) => it.name === name);
    if (known === undefined) throw new TmachineError({ code: 'NONE', message: `no snapshot ${name}` });
    return known;
  };
  Object.assign(world.driver, {
    takeSnapshot: async (_machine: unknown, name: string) => {
      const { notes } = await app.store.load('dev');
      expect(notes.snapshots).toContain(name);
      taken.push({ name, content: disk.content, id: next, from: disk.from });
      disk.from = next;
      next += 1;
    },
    restoreSnapshot: async (_machine: unknown, name: string) => {
      const { id, content } = named(name);
      Object.assign(disk, { content, from: id });
    },
    deleteSnapshot: async (_machine: unknown, name: string) => {
      const { id, from } = named(name);
      const children = [...taken, disk].filter((it) => it.from === id);
      if (children.length > 1)
        throw new TmachineError({ code: 'BRANCHES', message: 'several branch from it' });
      for (const child of children) child.from = from;
      taken.splice(
        taken.findIndex((it) => it.id === id),
        1,
      );
    },
  });
  return { disk, taken };
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
    const { disk, taken } = snapshots();
    await upgrade();
    disk.content = 'made with v28';
    await writeFile(found, 'v29.0.0');
    await upgrade();
    expect(taken.map(({ content }) => content)).toEqual(['made with v28']);
    disk.content = 'made with v29';
    await rollBack(true);
    expect([bootsFrom(), disk.content]).toEqual(['v28.5.2', 'made with v28']);
  });

  test('after a rollback the snapshot is gone: the next --disk goes back to the next upgrade, not to the first', async () => {
    const { disk, taken } = snapshots();
    await upgrade();
    await rollBack();
    expect(taken).toEqual([]);
    expect((await app.store.load('dev')).notes.snapshots).toEqual([]);
    disk.content = 'made since';
    await upgrade();
    disk.content = 'broken by the upgrade';
    await rollBack(true);
    expect([bootsFrom(), disk.content, taken]).toEqual(['v26.1.5', 'made since', []]);
  });

  test.each([1, 2])('killed after snapshot %i was taken, none is confused with the next one', async (nth) => {
    const { disk, taken } = snapshots();
    if (nth === 2) await upgrade();
    await writeFile(found, 'v29.0.0');
    const before = bootsFrom();
    const { copyFile } = app.store;
    app.store.copyFile = async () => {
      throw new TmachineError({ code: 'CUT', message: 'cut' });
    };
    await expect(upgrade()).rejects.toThrow('cut');
    app.store.copyFile = copyFile;
    expect(taken).toHaveLength(nth);
    disk.content = 'made since';
    await upgrade();
    expect(taken).toHaveLength(1);
    disk.content = 'broken by the upgrade';
    await rollBack(true);
    expect([bootsFrom(), disk.content, taken]).toEqual([before, 'made since', []]);
  });

  test('killed after a second snapshot was taken, the way back is still that of the first, whatever branches from it', async () => {
    const { disk, taken } = snapshots();
    await upgrade();
    disk.content = 'made with v28';
    await writeFile(found, 'v29.0.0');
    const { copyFile } = app.store;
    app.store.copyFile = async () => {
      throw new TmachineError({ code: 'CUT', message: 'cut' });
    };
    await expect(upgrade()).rejects.toThrow('cut');
    app.store.copyFile = copyFile;
    await rollBack(true);
    expect([bootsFrom(), disk.content, taken]).toEqual(['v26.1.5', 'made at first', []]);
    expect(world.warnings).toEqual([]);
  });

  test('killed while it kept the image that was there, there is no way back to another one', async () => {
    snapshots();
    await upgrade();
    await writeFile(found, 'v29.0.0');
    const { store } = app;
    const copyFile = store.copyFile.bind(store);
    store.copyFile = async (from, to, mode) => {
      await copyFile(from, to, mode);
      throw new TmachineError({ code: 'CUT', message: 'cut' });
    };
    await expect(upgrade()).rejects.toThrow('cut');
    store.copyFile = copyFile;
    await expect(rollBack(true)).rejects.toMatchObject({
      code: 'NOTHING_TO_GO_BACK_TO',
      reason: expect.stringContaining('cut off'),
    });
    expect(bootsFrom()).toBe('v28.5.2');
  });

  test('a snapshot that cannot be deleted is told, and tried again the next time', async () => {
    const { taken } = snapshots();
    await upgrade();
    const first = taken[0]?.name;
    const { deleteSnapshot } = Object.assign({ deleteSnapshot: undefined }, world.driver);
    Object.assign(world.driver, {
      deleteSnapshot: async () => {
        throw new TmachineError({ code: 'FULL', message: 'no', reason: 'no space left' });
      },
    });
    await rollBack();
    expect(world.warnings).toEqual([
      `(dev) The snapshot "${first}" is not needed any more, and cannot be deleted: no space left`,
    ]);
    expect(bootsFrom()).toBe('v26.1.5');
    Object.assign(world.driver, { deleteSnapshot });
    await upgrade();
    expect(taken.map(({ name }) => name)).not.toContain(first);
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
