import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as image from '../../src/commands/image.js';
import { createMachine } from '../../src/core/actions/create.js';
import { parseRepository } from '../../src/download/boot2docker-release.js';
import { createImageSource } from '../../src/download/image-source.js';
import { SystemFileSwaps } from '../../src/host/file-swaps.js';
import { openHost } from '../../src/host/open-host.js';
import { direct, isoImage } from '../download/doubles.js';
import {
  file,
  type MisbehavingServer,
  startMisbehavingServer,
  status,
} from '../support/misbehaving-server.js';
import { type TestApp, testApp } from '../support/test-app.js';
import { runIn, type Surroundings } from './command-run.js';

const ISO = isoImage({ volumeId: 'b2d-v26.1.5' });
const SHA = createHash('sha256').update(ISO).digest('hex');

let world: TestApp;
let cache: string;
let byDefault: string;
beforeEach(async () => {
  world = await testApp({ oneStep: false });
  cache = world.app.store.layout.cache;
  byDefault = join(cache, 'boot2docker.iso');
  await mkdir(cache, { recursive: true });
});
afterEach(() => world.remove());

const put = (name: string, content: string | Buffer) => writeFile(join(cache, name), content);
const run = (args: readonly string[], around: Surroundings = {}) => runIn(world, image, args, around);
const json = async (args: readonly string[]) => JSON.parse((await run([...args, '--json'])).stdout);

describe('image ls', () => {
  test('shows the cache and what machines boot from, with what is wrong with each', async () => {
    await put('boot2docker.iso', ISO);
    await put('boot2docker-0123456789abcdef.iso', '<html><title>Sign in</title>');
    await put('boot2docker.iso.part', 'half');
    await put('boot2docker.iso.part.json', '{}');
    await put('notes.txt', 'not ours');
    await createMachine(world.app, world.request('dev'), world.call);
    await writeFile(world.app.store.layout.machine('dev').image, ISO);
    const { images } = await json(['ls']);
    expect(
      images.map((it: { kind: string; state: string; fault: string }) => [it.kind, it.state, it.fault]),
    ).toEqual([
      ['url', 'broken', expect.stringContaining('Sign in')],
      ['default', 'whole', ''],
      ['unfinished', 'unfinished', ''],
      ['machine', 'broken', 'it has changed since the machine got it'],
    ]);
    expect(images[1]).toMatchObject({ version: 'v26.1.5', sha256: SHA, bytes: ISO.length, path: byDefault });
    const table = (await run(['ls'])).stdout.split('\n');
    expect(table[0]).toMatch(/^KIND +ENGINE +SIZE +SHA256 +STATE +PATH$/);
    expect(table[2]).toMatch(/^default +v26\.1\.5 +1\.0 MiB +[0-9a-f]{12} +whole +/);
    expect(table[4]).toMatch(/^machine dev /);
  });

  test('an empty cache is a table without rows', async () => {
    expect((await run(['ls'])).stdout.split('\n')).toHaveLength(2);
    expect(await json(['ls'])).toEqual({ images: [] });
  });
});

describe('image pull', () => {
  let server: MisbehavingServer;
  beforeEach(async () => {
    server = await startMisbehavingServer();
    server.on('/custom.iso', file({ content: ISO, etag: '"v1"' }));
    server.on('/login.iso', status(200, {}, '<html><title>Sign in</title>'));
  });
  afterEach(() => server.close());

  const network = (): Surroundings => {
    const { clock, random } = openHost();
    const images = createImageSource({
      clock,
      random,
      swaps: new SystemFileSwaps({ clock, random, platform: 'linux' }),
      proxies: direct,
      cacheDirectory: cache,
      machinesDirectory: world.app.store.layout.machines,
      platform: 'linux',
      lock: (entry, options, work) => world.app.store.lock({ cache: entry }, options, work),
      releases: parseRepository(`${server.origin}/api/v3/repos/o/r/releases`),
      guestPackages: [],
      knownDigests: new Set(),
    });
    return { parts: { images } };
  };

  test('of a URL becomes the image that create takes', async () => {
    const {
      status: code,
      stdout,
      lines,
    } = await run(['pull', `${server.origin}/custom.iso`, '--json'], network());
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ path: byDefault, version: 'v26.1.5', sha256: SHA });
    expect(lines.at(-1)).toBe(`"create" takes v26.1.5 now: ${byDefault}`);
    expect((await json(['ls'])).images.map(({ kind }: { kind: string }) => kind)).toContain('default');
  });

  test('of a file too, without any network', async () => {
    const path = join(world.app.store.layout.root, 'by-hand.iso');
    await writeFile(path, ISO);
    await server.close();
    expect((await run(['pull', path], network())).status).toBe(0);
    expect(existsSync(byDefault)).toBe(true);
    server = await startMisbehavingServer();
  });

  test('of another image when there is one brings no remark on a machine, which there is none', async () => {
    await put('boot2docker.iso', isoImage({ volumeId: 'b2d-v24.0.9' }));
    const { lines } = await run(['pull', `${server.origin}/custom.iso`], network());
    expect(lines.join('\n')).not.toContain('at create time');
  });

  test('of garbage says what to give in its place', async () => {
    const path = join(world.app.store.layout.root, 'garbage.iso');
    await writeFile(path, 'garbage');
    const fromFile = await run(['pull', path], network());
    expect(fromFile.stderr).toContain(`"${path}" is not a boot image`);
    expect(fromFile.stderr).toContain('image pull --print-url');
    expect(fromFile.stderr).not.toContain('delete it');

    server.on('/garbage.iso', file({ content: Buffer.alloc(100_000, 7) }));
    const fromUrl = await run(['pull', `${server.origin}/garbage.iso`], network());
    expect(fromUrl.stderr).toContain('is not a boot image');
    expect(fromUrl.stderr).toContain('check the URL');
    expect(fromUrl.stderr).not.toContain('browser');
  });

  test('of what is no image leaves the good one', async () => {
    await put('boot2docker.iso', ISO);
    const { status: code, stderr } = await run(['pull', `${server.origin}/login.iso`], network());
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('is a web page') });
    expect((await json(['verify'])).images).toEqual([
      expect.objectContaining({ state: 'whole', sha256: SHA }),
    ]);
  });

  test('--print-url asks nobody: the URL on stdout, where to put the file beside it', async () => {
    const byHand = await run(['pull', '--print-url']);
    expect(byHand.stdout).toMatch(/^https:\/\/\S+\/releases\/latest\/download\/boot2docker\.iso\n$/);
    expect(byHand.lines).toEqual([`Put the file there: ${byDefault}`]);
    expect((await run(['pull', '--print-url', 'https://files.example/b.iso'])).stdout).toBe(
      'https://files.example/b.iso\n',
    );
    expect((await run(['pull', '--print-url', '/x/b.iso'])).status).toBe(2);
  });
});

describe('image verify', () => {
  test('of an empty cache says that there is nothing', async () => {
    expect(await run(['verify'])).toMatchObject({
      status: 0,
      stdout: '',
      lines: ['There is no boot image yet.'],
    });
  });

  test('of whole images ends with 0, of a cut one with 1, naming it and the way on', async () => {
    await put('boot2docker.iso', ISO);
    expect((await run(['verify'])).stdout).toBe(
      `${byDefault}: whole, engine v26.1.5, SHA-256 ${SHA} (not known to this release)\n`,
    );
    await put('boot2docker.iso', isoImage({ claims: 4 * 1024 * 1024 }));
    const { status: code, stdout, stderr } = await run(['verify', byDefault]);
    expect(code).toBe(1);
    expect(stdout).toContain('broken: it has 1.0 MiB of the 4.0 MiB');
    expect(stderr).toContain(`The boot image "${byDefault}" is of no use`);
    expect(stderr).toContain('tmachine image pull');
  });

  test('each image has its verdict, whatever is wrong with the others', async () => {
    await put('boot2docker.iso', ISO);
    const garbage = join(cache, 'garbage');
    await writeFile(garbage, 'nothing');
    const { status: code, stdout, stderr } = await run(['verify', '/nowhere.iso', garbage, byDefault]);
    expect(code).toBe(1);
    expect(stdout.split('\n')).toEqual([
      '/nowhere.iso: broken: there is no such file',
      `${garbage}: broken: it has no ISO 9660 volume`,
      expect.stringContaining(`${byDefault}: whole`),
      '',
    ]);
    expect(stderr).toContain('The boot image "/nowhere.iso" is of no use: there is no such file\n');
    expect(stderr).toContain(`The boot image "${garbage}" is of no use: it has no ISO 9660 volume\n`);
  });

  test('an image that changed since it was downloaded is of no use', async () => {
    await put('boot2docker-0123456789abcdef.iso', ISO);
    await put(
      'boot2docker-0123456789abcdef.iso.json',
      JSON.stringify({ source: 'x', digest: '0'.repeat(64) }),
    );
    expect(await run(['verify'])).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('it has changed since'),
    });
  });
});

describe('image prune', () => {
  beforeEach(async () => {
    await put('boot2docker.iso', ISO);
    await put('boot2docker-0123456789abcdef.iso', ISO);
    await put('boot2docker-0123456789abcdef.iso.json', '{}');
    await put('boot2docker.iso.part', 'half');
    await put('boot2docker.iso.part.json', '{}');
    await put('notes.txt', 'not ours');
  });
  const left = () =>
    ['boot2docker.iso', 'boot2docker-0123456789abcdef.iso', 'boot2docker.iso.part', 'notes.txt'].filter(
      (name) => existsSync(join(cache, name)),
    );

  test('deletes what can be had again, with its notes, and asks nothing', async () => {
    expect((await run(['prune'])).stdout).toBe('Freed 1.0 MiB\n');
    expect(left()).toEqual(['boot2docker.iso', 'notes.txt']);
    expect(existsSync(join(cache, 'boot2docker.iso.part.json'))).toBe(false);
    expect(await json(['prune'])).toEqual({ freedBytes: 0 });
  });

  test('--all takes the image of create too, but not without a yes', async () => {
    expect((await run(['prune', '--all'], { answer: 'no' })).stdout).toBe('Freed 0.0 MiB\n');
    expect(left()).toHaveLength(4);
    expect((await run(['prune', '--all', '-y'])).status).toBe(0);
    expect(left()).toEqual(['notes.txt']);
  });

  test('an image that is just being downloaded stays', async () => {
    const { signal } = new AbortController();
    await world.app.store.lock({ cache: 'boot2docker.iso' }, { signal }, async () => {
      const { lines } = await run(['prune']);
      expect(lines).toContain(`"${join(cache, 'boot2docker.iso.part')}" is in use and stays.`);
    });
    expect(left()).toEqual(['boot2docker.iso', 'boot2docker.iso.part', 'notes.txt']);
  });
});

test.each([
  [[], 'Error: "image" needs a command'],
  [['rm'], 'Error: "rm" is not a command of "image"'],
  [['ls', 'x'], 'Error: Too many arguments given to "image ls"'],
  [['pull', 'a', 'b'], 'Error: Too many arguments given to "image pull"'],
])('image %j is refused: %s', async (args, message) => {
  const { status: code, stderr } = await run(args);
  expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
});
