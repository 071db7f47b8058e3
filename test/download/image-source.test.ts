import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { DownloadError, StoreError, UsageError } from '../../src/core/errors.js';
import type { LockOptions } from '../../src/core/ports.js';
import { parseRepository } from '../../src/download/boot2docker-release.js';
import { createImageSource, type ImageSourceSetup } from '../../src/download/image-source.js';
import {
  cutAfter,
  file,
  fileWithoutRanges,
  type MisbehavingServer,
  startMisbehavingServer,
  status,
  webPage,
} from '../support/misbehaving-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import {
  direct,
  isoImage,
  noJitter,
  PatientClock,
  type RecordedReporter,
  recordedReporter,
  WatchfulSwaps,
} from './doubles.js';

const IMAGE = isoImage({ applicationId: 'Boot2Docker tmachine-seed=1' });
const DIGEST = sha256(IMAGE);
const API = '/api/v3/repos/o/r/releases/latest';
const ASSET = '/o/r/releases/download/v26.1.5/boot2docker.iso';
const UNVERIFIED = `This image is not verified: its SHA-256 ${DIGEST} is not known to this release.`;

let server: MisbehavingServer;
let folder: { path: string; remove: () => Promise<void> };
let cache: string;
let cached: string;
let clock: PatientClock;
let reporter: RecordedReporter;
let locks: string[];
let swaps: WatchfulSwaps;

beforeEach(async () => {
  server = await startMisbehavingServer();
  server.on(API, json({ tag_name: 'v26.1.5' }));
  server.on(ASSET, file({ content: IMAGE, etag: '"v1"' }));
  folder = await temporaryDirectory('images');
  cache = join(folder.path, 'store', 'cache');
  cached = join(cache, 'boot2docker.iso');
  clock = new PatientClock();
  reporter = recordedReporter();
  locks = [];
  swaps = new WatchfulSwaps();
});

afterEach(async () => {
  await server.close();
  await folder.remove();
});

function json(body: unknown) {
  return status(200, {}, JSON.stringify(body));
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function source(setup: Partial<ImageSourceSetup> = {}) {
  const queue = new Map<string, Promise<unknown>>();
  return createImageSource({
    clock,
    random: noJitter,
    swaps,
    proxies: direct,
    cacheDirectory: cache,
    machinesDirectory: join(folder.path, 'store', 'machines'),
    platform: 'linux',
    lock: async <T>(entry: string, options: LockOptions, work: () => Promise<T>) => {
      const before = queue.get(entry);
      if (before !== undefined) options.onWait?.('another tmachine (process 1)');
      const turn = (before ?? Promise.resolve()).then(work, work);
      queue.set(entry, turn);
      locks.push(entry);
      return turn;
    },
    releases: parseRepository(`${server.origin}/api/v3/repos/o/r/releases`),
    guestPackages: [],
    knownDigests: new Set(),
    ...setup,
  });
}

function locate(url = '', setup: Partial<ImageSourceSetup> = {}) {
  return source(setup).locate({ url, reporter, signal: new AbortController().signal });
}

async function cacheHolds(content: Uint8Array): Promise<void> {
  await mkdir(cache, { recursive: true });
  await writeFile(cached, content);
}

describe('without a URL', () => {
  test('the latest release is downloaded into the cache, with the lines of docker-machine', async () => {
    expect(await locate()).toEqual({
      path: cached,
      origin: `${server.origin}${ASSET}`,
      version: 'v26.1.5',
      digest: DIGEST,
      oneStep: true,
    });
    expect(reporter.lines).toEqual([
      `Image cache directory does not exist, creating it at ${cache}...`,
      'No default Boot2Docker ISO found locally, downloading the latest release...',
      `Latest release for 127.0.0.1:${server.port}/o/r is v26.1.5`,
      `Downloading ${cached} from ${server.origin}${ASSET}...`,
      UNVERIFIED,
    ]);
    expect(await readdir(cache)).toEqual(['boot2docker.iso']);
    expect((await stat(cache)).mode & 0o777).toBe(0o700);
    expect(locks).toEqual(['boot2docker.iso']);
  });

  test('P07: a cached image is used without any network call', async () => {
    await cacheHolds(IMAGE);
    expect(await locate()).toMatchObject({ path: cached, origin: cached, digest: DIGEST });
    expect(server.requests).toEqual([]);
    expect(reporter.lines).toEqual([UNVERIFIED]);
    expect(locks).toEqual([]);
  });

  test('a known digest needs no remark', async () => {
    await cacheHolds(IMAGE);
    await locate('', { knownDigests: new Set([DIGEST]) });
    expect(reporter.lines).toEqual([]);
  });

  test('P40: an old engine is told in one line', async () => {
    const old = isoImage({ volumeId: 'b2d-v19.03.12' });
    await cacheHolds(old);
    await locate('', { knownDigests: new Set([sha256(old)]) });
    expect(reporter.lines).toEqual([
      '! The Docker engine of this image is v19.03.12: docker clients 29.0 to 29.2 do not talk to it, later ones may not either. A newer image is worth having.',
    ]);
  });

  test('P07: a web page in the cache is refused and named, not booted', async () => {
    await cacheHolds(Buffer.from('<html><title>404</title></html>'));
    await expect(locate()).rejects.toMatchObject({ code: 'WEB_PAGE' });
    expect(existsSync(cached)).toBe(true);
  });

  test('two at once download once', async () => {
    const both = source();
    const signal = new AbortController().signal;
    const images = await Promise.all([
      both.locate({ url: '', reporter, signal }),
      both.locate({ url: '', reporter, signal }),
    ]);
    expect(images.map((image) => image.digest)).toEqual([DIGEST, DIGEST]);
    expect(server.requests.map(({ path }) => path)).toEqual([API, ASSET]);
    expect(reporter.lines).toContain(
      'Waiting for another tmachine (process 1), which gets the same image...',
    );
  });

  test('one that waits for a newer image uses what the other one got, whatever the server has to say of versions', async () => {
    await cacheHolds(isoImage({ volumeId: 'custom' }));
    const unnamed = isoImage({ volumeId: 'custom', fill: 1 });
    server.on(ASSET, fileWithoutRanges({ content: unnamed }));
    const both = source();
    const signal = new AbortController().signal;
    const request = { url: '', newest: true, reporter, signal };
    const images = await Promise.all([both.locate(request), both.locate(request)]);
    expect(images.map(({ digest }) => digest)).toEqual([sha256(unnamed), sha256(unnamed)]);
    expect(server.requests.map(({ path }) => path)).toEqual([API, ASSET]);
  });

  test('a digest that the API gives is checked', async () => {
    server.on(
      API,
      json({
        tag_name: 'v26.1.5',
        assets: [{ name: 'boot2docker.iso', digest: `sha256:${'0'.repeat(64)}` }],
      }),
    );
    await expect(locate()).rejects.toMatchObject({ stage: 'digest' });
    expect(await readdir(cache)).toEqual([]);
  });

  test('P07: a failure shows the network and the way by hand', async () => {
    server.on(ASSET, cutAfter(IMAGE.length / 10, fileWithoutRanges({ content: IMAGE })));
    const failure = locate();
    await expect(failure).rejects.toThrow(`the connection to 127.0.0.1:${server.port} was cut`);
    await expect(failure).rejects.toMatchObject({
      nextSteps: [
        'run the command again',
        expect.stringContaining('if this network needs a proxy'),
        `see each step of the way: tmachine proxy check ${server.origin}`,
        `or download ${server.origin}/o/r/releases/latest/download/boot2docker.iso by hand, on any computer, and put it there: ${cached}`,
      ],
    });
  });

  test('P01: a network without proxy shows the way by hand, too', async () => {
    const releases = parseRepository('http://no-such-host.invalid/api/v3/repos/o/r/releases');
    const error = await locate('', { releases }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DownloadError);
    expect(error).toMatchObject({ code: 'NAME_NOT_FOUND' });
    expect(error).toMatchObject({
      nextSteps: [
        expect.stringContaining('HTTPS_PROXY'),
        expect.stringContaining('proxy check'),
        expect.stringContaining(cached),
      ],
    });
  });
});

describe('an installed package', () => {
  let packaged: string;
  beforeEach(async () => {
    packaged = join(folder.path, 'tmachine-guest.iso');
    await writeFile(packaged, IMAGE);
  });

  test('is used where it is, without network, when its digest is the known one', async () => {
    const guestPackages = [
      { path: join(folder.path, 'missing.iso'), digest: DIGEST },
      { path: packaged, digest: DIGEST },
    ];
    expect(await locate('', { guestPackages })).toMatchObject({ path: packaged, origin: packaged });
    expect(server.requests).toEqual([]);
    expect(reporter.lines.at(-1)).toBe(`No default Boot2Docker ISO found locally, using ${packaged}...`);
  });

  test('is not used with another digest', async () => {
    const known = 'ab'.repeat(32);
    expect(await locate('', { guestPackages: [{ path: packaged, digest: known }] })).toMatchObject({
      path: cached,
    });
    expect(reporter.lines[1]).toBe(
      `! "${packaged}" is not used: its SHA-256 is ${DIGEST}, this release knows ${known}.`,
    );
  });

  test('comes after the cache', async () => {
    await cacheHolds(IMAGE);
    expect(await locate('', { guestPackages: [{ path: packaged, digest: DIGEST }] })).toMatchObject({
      path: cached,
    });
  });
});

describe('--image-digest', () => {
  test('is compared with a cached image, which stays as it is', async () => {
    await cacheHolds(IMAGE);
    await expect(locate('', { digest: 'ab'.repeat(32) })).rejects.toMatchObject({
      code: 'DIGEST_MISMATCH',
      message: `The boot image "${cached}" is not the one asked for`,
      reason: `its SHA-256 is ${DIGEST}, --image-digest says ${'ab'.repeat(32)}`,
    });
    expect((await readFile(cached)).equals(IMAGE)).toBe(true);
  });

  test('makes an image verified', async () => {
    await cacheHolds(IMAGE);
    await locate('', { digest: DIGEST });
    expect(reporter.lines).not.toContain(UNVERIFIED);
  });

  test('keeps another image out of the cache', async () => {
    const url = `${server.origin}${ASSET}`;
    await expect(locate(url, { digest: 'ab'.repeat(32) })).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect((await readdir(cache)).filter((name) => name.endsWith('.iso'))).toEqual([]);
  });
});

describe('P07: --image-mirror', () => {
  const mirror = () => `${server.origin}/mirror`;
  beforeEach(() => server.on('/mirror', file({ content: IMAGE, etag: '"m"' })));

  test('serves when the URL fails', async () => {
    const image = await locate(`${server.origin}/missing`, { mirrors: [mirror()] });
    expect(image).toMatchObject({ origin: mirror(), digest: DIGEST });
    expect(reporter.lines).toContain(
      `! Cannot download ${server.origin}/missing: 127.0.0.1:${server.port} answers 404 (not found). Trying another mirror: ${mirror()}`,
    );
  });

  test('serves when no release can be told', async () => {
    server.on(API, status(404));
    expect(await locate('', { mirrors: [mirror()] })).toMatchObject({ path: cached, origin: mirror() });
  });

  test('serves when the release cannot be fetched, and is checked against its digest', async () => {
    server.on(
      API,
      json({ tag_name: 'v26.1.5', assets: [{ name: 'boot2docker.iso', digest: `sha256:${DIGEST}` }] }),
    );
    server.on(ASSET, status(404));
    expect(await locate('', { mirrors: [mirror()] })).toMatchObject({ path: cached, digest: DIGEST });
    const other = isoImage({ fill: 3 });
    server.on('/mirror', file({ content: other }));
    await expect(
      locate('', { mirrors: [mirror()], cacheDirectory: join(cache, 'other') }),
    ).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });
});

describe('with a path', () => {
  test.each(['', 'file://'])('%s the file is used where it is', async (prefix) => {
    const path = join(folder.path, 'my.iso');
    await writeFile(path, IMAGE);
    expect(await locate(`${prefix}${path}`)).toMatchObject({ path, origin: path, digest: DIGEST });
    expect(existsSync(cache)).toBe(false);
    expect(reporter.lines).toEqual([UNVERIFIED]);
  });

  test('that is missing the path is named', async () => {
    const path = join(folder.path, 'missing.iso');
    await expect(locate(path)).rejects.toThrow(`There is no boot image "${path}"`);
  });

  test('a cached image brings docker-machine’s remark', async () => {
    await cacheHolds(IMAGE);
    await locate(cached);
    expect(reporter.lines[0]).toBe(
      `! Boot2Docker URL was explicitly set to "${cached}" at create time, so Docker Machine cannot upgrade this machine to the latest version.`,
    );
  });

  test('of an unknown kind nothing is done', async () => {
    await expect(locate('s3://bucket/b.iso')).rejects.toThrow(UsageError);
  });
});

describe('with a URL', () => {
  const entryOf = async () => (await readdir(cache)).filter((name) => name.endsWith('.iso'));

  test('the image has a place of its own in the cache', async () => {
    server.on('/my.iso', file({ content: IMAGE, etag: '"v1"' }));
    const image = await locate(`${server.origin}/my.iso`);
    const [name = ''] = await entryOf();
    expect(name).toMatch(/^boot2docker-[0-9a-f]{16}\.iso$/);
    expect(image).toMatchObject({
      path: join(cache, name),
      origin: `${server.origin}/my.iso`,
      digest: DIGEST,
    });
    expect(reporter.lines).toEqual([
      `Image cache directory does not exist, creating it at ${cache}...`,
      `Downloading ${join(cache, name)} from ${server.origin}/my.iso...`,
      UNVERIFIED,
    ]);
    expect(locks).toEqual([name]);
  });

  test('the second machine downloads nothing while the server has the same version', async () => {
    server.on('/my.iso', file({ content: IMAGE, etag: '"v1"' }));
    const first = await locate(`${server.origin}/my.iso`);
    expect(await locate(`${server.origin}/my.iso`)).toEqual(first);
    expect(server.requests[1]?.headers['if-none-match']).toBe('"v1"');
    expect(reporter.lines.at(-2)).toBe(`Looking for a newer image at ${server.origin}/my.iso...`);
  });

  test('another version at the same URL is fetched', async () => {
    server.on('/my.iso', file({ content: IMAGE, etag: '"v1"' }));
    await locate(`${server.origin}/my.iso`);
    const newer = isoImage({ volumeId: 'b2d-v29.3.0' });
    server.on('/my.iso', file({ content: newer, etag: '"v2"' }));
    expect(await locate(`${server.origin}/my.iso`)).toMatchObject({
      version: 'v29.3.0',
      digest: sha256(newer),
    });
    server.on('/my.iso', status(304));
    expect(await locate(`${server.origin}/my.iso`)).toMatchObject({ version: 'v29.3.0' });
  });

  test.each([
    ['is down', status(503)],
    ['has lost it', status(404)],
    ['shows a login page', webPage('Login')],
  ])('the earlier download is used, and that is said, when the server %s', async (_, behaviour) => {
    server.on('/my.iso', file({ content: IMAGE, etag: '"v1"' }));
    await locate(`${server.origin}/my.iso`);
    server.on('/my.iso', behaviour);
    expect(await locate(`${server.origin}/my.iso`)).toMatchObject({ digest: DIGEST });
    expect(reporter.lines.at(-2)).toMatch(/ Using the image of an earlier download: /);
  });

  test('a download that was damaged since is fetched anew', async () => {
    server.on('/my.iso', file({ content: IMAGE, etag: '"v1"' }));
    const { path } = await locate(`${server.origin}/my.iso`);
    const damaged = Buffer.from(IMAGE);
    damaged[500_000] = 0xff;
    await writeFile(path, damaged);
    expect(await locate(`${server.origin}/my.iso`)).toMatchObject({ digest: DIGEST });
  });

  test('P02: a password in it is neither shown nor stored', async () => {
    server.on('/my.iso', file({ content: IMAGE, etag: '"v1"' }));
    const image = await locate(`http://user:geheim@127.0.0.1:${server.port}/my.iso`);
    const stored = await Promise.all(
      (await readdir(cache)).map((name) => readFile(join(cache, name), 'latin1')),
    );
    expect(
      [...reporter.lines, ...reporter.debugLines, image.origin, image.path, ...stored].join(),
    ).not.toContain('geheim');
    expect(server.requests[0]?.headers.authorization).toMatch(/^Basic /);
  });
});

describe('with a releases API URL', () => {
  const url = () => `${server.origin}/api/v3/repos/o/r/releases`;

  test('the latest image of that repository is fetched', async () => {
    const image = await locate(url());
    expect(image).toMatchObject({ version: 'v26.1.5', origin: `${server.origin}${ASSET}` });
    expect(reporter.lines.slice(1, 3)).toEqual([
      `Latest release for 127.0.0.1:${server.port}/o/r is v26.1.5`,
      `Downloading ${image.path} from ${server.origin}${ASSET}...`,
    ]);
  });

  test('an image of the same release is not fetched again', async () => {
    const first = await locate(url());
    expect(await locate(url())).toMatchObject({ path: first.path, digest: DIGEST });
    expect(server.requests.map(({ path }) => path)).toEqual([API, ASSET, API]);
  });

  test('a newer release is fetched', async () => {
    await locate(url());
    const newer = isoImage({ volumeId: 'b2d-v29.3.0' });
    server.on(API, json({ tag_name: 'v29.3.0' }));
    server.on('/o/r/releases/download/v29.3.0/boot2docker.iso', file({ content: newer }));
    expect(await locate(url())).toMatchObject({ version: 'v29.3.0', digest: sha256(newer) });
  });

  test('P07: an outage leaves the image of an earlier download, in the words of docker-machine', async () => {
    await locate(url());
    server.on(API, status(503));
    expect(await locate(url())).toMatchObject({ digest: DIGEST });
    expect(reporter.lines.at(-2)).toBe(
      `! Unable to get the latest Boot2Docker ISO release version:  Cannot download ${url()}/latest: 127.0.0.1:${server.port} answers 503 (trouble on its side)`,
    );
  });
});

describe('P08: leftovers of docker-machine', () => {
  const DAY_S = 24 * 60 * 60;

  async function leftover(name: string, ageSeconds: number) {
    await mkdir(cache, { recursive: true });
    const path = join(cache, name);
    await writeFile(path, 'x');
    const modified = clock.now() / 1000 - ageSeconds;
    await utimes(path, modified, modified);
  }

  test('unfinished downloads stay for a month', async () => {
    await cacheHolds(IMAGE);
    const old = ['boot2docker.iso.part', `boot2docker-${'ab'.repeat(8)}.iso.part.json`];
    for (const name of old) await leftover(name, 30 * DAY_S + 1);
    await leftover('boot2docker.iso.part.json', 30 * DAY_S - 1);
    await leftover('mine.part', 31 * DAY_S);
    await locate();
    expect((await readdir(cache)).sort()).toEqual([
      'boot2docker.iso',
      'boot2docker.iso.part.json',
      'mine.part',
    ]);
  });

  test('older than a day are swept, others stay', async () => {
    await cacheHolds(IMAGE);
    await leftover('boot2docker.iso.tmp697941079', DAY_S + 1);
    await leftover('boot2docker.iso.tmp1', DAY_S - 1);
    await leftover('boot2docker.iso.part', DAY_S + 1);
    await leftover('mine.iso.tmp1', DAY_S + 1);
    await locate();
    expect((await readdir(cache)).sort()).toEqual([
      'boot2docker.iso',
      'boot2docker.iso.part',
      'boot2docker.iso.tmp1',
      'mine.iso.tmp1',
    ]);
  });

  test('that are held stay, and nothing fails', async () => {
    await cacheHolds(IMAGE);
    await leftover('boot2docker.iso.tmp2', 2 * DAY_S);
    swaps = new WatchfulSwaps((path) => path.includes('.tmp'));
    await locate();
    expect(reporter.lines).toEqual([UNVERIFIED]);
  });
});

test('a cache that is no directory is a sentence', async () => {
  await mkdir(join(cache, '..'), { recursive: true });
  await writeFile(cache, 'a file');
  const failure = locate();
  await expect(failure).rejects.toThrow(StoreError);
  await expect(failure).rejects.toThrow(`The image cache "${cache}" cannot be used`);
});

test('an image is described by its path alone', async () => {
  await cacheHolds(IMAGE);
  expect(await source().describe(cached)).toEqual({ version: 'v26.1.5', digest: DIGEST, oneStep: true });
});
