import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { DownloadError, InterruptedError } from '../../src/core/errors.js';
import { type FetchRequest, type FetchTools, fetchFile } from '../../src/download/fetch-file.js';
import {
  cutAfter,
  file,
  fileInSlices,
  fileWithBlindRanges,
  fileWithoutRanges,
  type MisbehavingServer,
  portOf,
  redirect,
  shortOf,
  silent,
  stallAfter,
  startMisbehavingServer,
  status,
  webPage,
  withoutLength,
} from '../support/misbehaving-server.js';
import { noSmallDisk, smallDisk } from '../support/small-disk.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import {
  direct,
  isoImage,
  noJitter,
  PatientClock,
  type RecordedReporter,
  recordedReporter,
  until,
  WatchfulSwaps,
} from './doubles.js';

const IMAGE = isoImage();
const TENTH = Math.floor(IMAGE.length / 10);
const V1 = { content: IMAGE, etag: '"v1"' };
const DIGEST = createHash('sha256').update(IMAGE).digest('hex');

let server: MisbehavingServer;
let folder: { path: string; remove: () => Promise<void> };
let target: string;
let clock: PatientClock;
let swaps: WatchfulSwaps;
let reporter: RecordedReporter;

beforeEach(async () => {
  server = await startMisbehavingServer();
  folder = await temporaryDirectory('fetch');
  target = join(folder.path, 'cache', 'boot2docker.iso');
  clock = new PatientClock();
  swaps = new WatchfulSwaps();
  reporter = recordedReporter();
});

afterEach(async () => {
  await server.close();
  await folder.remove();
});

function fetchImage(request: Partial<FetchRequest> = {}, tools: Partial<FetchTools> = {}) {
  return fetchFile(
    {
      url: `${server.origin}/image`,
      target,
      isImage: true,
      reporter,
      signal: new AbortController().signal,
      ...request,
    },
    {
      clock,
      random: noJitter,
      swaps,
      proxies: direct,
      ...tools,
    },
  );
}

async function failureOf(work: Promise<unknown>): Promise<DownloadError> {
  const error = await work.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof DownloadError)) throw error;
  return error;
}

async function expectTarget(content: Buffer) {
  // Not toEqual, which takes seconds for a megabyte.
  expect((await readFile(target)).equals(content)).toBe(true);
}

/**
 * Where each request began. What is on its way when a connection is reset may be lost, so that a start within what was sent counts
 * as `rest`.
 */
const starts = () =>
  server.requests.map(({ headers }) => {
    const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
    return start === 0 ? 'begin' : start <= TENTH ? 'rest' : start;
  });

describe('a download that works', () => {
  test('puts the file in place, with its digest, and leaves nothing else', async () => {
    server.on('/image', file(V1));
    const result = await fetchImage({ digest: DIGEST.toUpperCase() });
    expect(result).toEqual({
      kind: 'fetched',
      bytes: IMAGE.length,
      digest: DIGEST,
      validators: { etag: '"v1"' },
    });
    await expectTarget(IMAGE);
    expect(await readdir(join(folder.path, 'cache'))).toEqual(['boot2docker.iso']);
    expect((await stat(target)).mode & 0o777).toBe(0o600);
    expect(reporter.lines).toEqual([]);
  });

  test('shows its progress up to the last byte', async () => {
    server.on('/image', file(V1));
    await fetchImage();
    expect(reporter.bars).toHaveLength(1);
    expect(reporter.bars[0]?.[0]).toBe(IMAGE.length);
    expect(reporter.bars[0]).not.toContain(0);
    expect(reporter.bars[0]?.slice(-2)).toEqual([IMAGE.length, 'end']);
  });

  test('needs no announced length', async () => {
    server.on('/image', withoutLength(V1));
    expect(await fetchImage()).toMatchObject({ bytes: IMAGE.length, digest: DIGEST });
    expect(reporter.bars[0]?.[0]).toBeUndefined();
  });

  test('P07: an image that a server without a length breaks off is asked for again', async () => {
    const broken = withoutLength({ content: IMAGE.subarray(0, 5 * TENTH) });
    server.on('/image', broken, broken, withoutLength({ content: IMAGE }));
    expect(await fetchImage()).toMatchObject({ bytes: IMAGE.length, digest: DIGEST });
    expect(reporter.lines[0]).toContain('it ended after 0.5 MiB of 1.0 MiB. Trying again in');
  });

  test('P07: an image that always ends early is given up, with what may be the cause', async () => {
    server.on('/image', withoutLength({ content: IMAGE.subarray(0, 5 * TENTH) }));
    const error = await failureOf(fetchImage());
    expect(error).toMatchObject({
      code: 'ENDED_EARLY',
      nextSteps: ['run the command again', expect.stringContaining('a proxy or a virus scanner')],
    });
    expect(server.requests).toHaveLength(5);
    expect(await readdir(join(folder.path, 'cache'))).toEqual([]);
  });

  test('follows redirects', async () => {
    server.on('/start', redirect('/second'));
    server.on('/second', redirect(`${server.origin}/image`, 307));
    server.on('/image', file(V1));
    await fetchImage({ url: `${server.origin}/start` });
    await expectTarget(IMAGE);
  });

  test('is not repeated while the server has nothing newer', async () => {
    await mkdir(join(folder.path, 'cache'));
    await writeFile(target, 'what we have');
    server.on('/image', file(V1));
    expect(await fetchImage({ unlessVersion: { etag: '"v1"' } })).toEqual({ kind: 'unchanged' });
    expect(await readFile(target, 'utf8')).toBe('what we have');
    expect(await readdir(join(folder.path, 'cache'))).toEqual(['boot2docker.iso']);
    expect(await fetchImage({ unlessVersion: { etag: '"v0"' } })).toMatchObject({ kind: 'fetched' });
  });

  test('takes a file that is no image when none is expected', async () => {
    server.on('/image', file({ content: Buffer.from('text') }));
    await fetchImage({ isImage: false });
    expect(await readFile(target, 'utf8')).toBe('text');
  });
});

describe('P07: a connection that is cut', () => {
  test('goes on where it was cut, and says so', async () => {
    server.on('/image', cutAfter(TENTH, file(V1)), file(V1));
    await fetchImage({ digest: DIGEST });
    await expectTarget(IMAGE);
    expect(starts()).toEqual(['begin', 'rest']);
    expect(server.requests[1]?.headers['if-range']).toBe('"v1"');
    expect(reporter.lines).toEqual([
      `! Cannot download ${server.origin}/image: the connection to 127.0.0.1:${server.port} was cut. Trying again in 1 s.`,
    ]);
  });

  test('goes on by Last-Modified where there is no ETag', async () => {
    const version = { content: IMAGE, lastModified: 'Mon, 01 Jun 2020 10:00:00 GMT' };
    server.on('/image', cutAfter(TENTH, file(version)), file(version));
    await fetchImage({ digest: DIGEST });
    expect(starts()).toEqual(['begin', 'rest']);
    expect(server.requests[1]?.headers['if-range']).toBe(version.lastModified);
  });

  test('begins again with a weak ETag, which says nothing about bytes', async () => {
    const version = { content: IMAGE, etag: 'W/"v1"' };
    server.on('/image', cutAfter(TENTH, file(version)), file(version));
    await fetchImage({ digest: DIGEST });
    expect(starts()).toEqual(['begin', 'begin']);
  });

  test('goes on in a later run', async () => {
    server.on('/image', cutAfter(TENTH, file(V1)), status(403));
    const error = await failureOf(fetchImage());
    expect(error.nextSteps.at(-1)).toBe('0.1 MiB of 1.0 MiB are kept: the next run goes on from there');
    expect((await readdir(join(folder.path, 'cache'))).sort()).toEqual([
      'boot2docker.iso.part',
      'boot2docker.iso.part.json',
    ]);
    expect((await stat(`${target}.part`)).mode & 0o777).toBe(0o600);

    server.on('/image', file(V1));
    await fetchImage({ digest: DIGEST });
    expect(starts().at(-1)).toBe('rest');
    expect(await readdir(join(folder.path, 'cache'))).toEqual(['boot2docker.iso']);
  });

  test('asks the network for nothing when an earlier run had fetched all but not put it in place', async () => {
    server.on('/image', file(V1));
    const stuck = new WatchfulSwaps();
    stuck.replace = () => Promise.reject(new Error('held'));
    await expect(fetchImage({}, { swaps: stuck })).rejects.toThrow('held');
    await fetchImage({ digest: DIGEST });
    expect(server.requests).toHaveLength(1);
    await expectTarget(IMAGE);
  });

  test('does not mix two URLs', async () => {
    server.on('/image', cutAfter(TENTH, file(V1)), status(403));
    await failureOf(fetchImage());
    const other = { content: isoImage({ fill: 9 }), etag: '"v1"' };
    server.on('/other', file(other));
    await fetchImage({ url: `${server.origin}/other` });
    expect(starts().at(-1)).toBe('begin');
    await expectTarget(other.content);
  });

  test('ends after five tries that gain nothing, and shows the network error', async () => {
    server.on('/image', cutAfter(TENTH, fileWithoutRanges({ content: IMAGE })));
    const error = await failureOf(fetchImage({ byHand: 'put the file there by hand' }));
    expect(error).toMatchObject({
      stage: 'connect',
      code: 'CONNECTION_CUT',
      message: `Cannot download ${server.origin}/image: the connection to 127.0.0.1:${server.port} was cut`,
      nextSteps: [
        'run the command again',
        expect.stringContaining('if this network needs a proxy'),
        `see each step of the way: tmachine proxy check ${server.origin}`,
        'put the file there by hand',
      ],
    });
    expect(server.requests).toHaveLength(5);
    expect(clock.slept).toEqual([1000, 2000, 4000, 8000]);
  });

  test('goes on as long as each try gains something', async () => {
    server.on('/image', ...Array<ReturnType<typeof file>>(9).fill(cutAfter(TENTH, file(V1))), file(V1));
    await fetchImage({ digest: DIGEST });
    expect(server.requests).toHaveLength(10);
    expect(clock.slept).toEqual(Array(9).fill(1000));
  });

  test('a bar that begins again shows where it stands', async () => {
    server.on('/image', cutAfter(TENTH, file(V1)), file(V1));
    await fetchImage();
    expect(reporter.bars).toHaveLength(1);
  });
});

describe('P07: a server that is not to be trusted', () => {
  test('begins again when it ignores the range', async () => {
    server.on('/image', cutAfter(TENTH, file(V1)), fileWithoutRanges(V1));
    await fetchImage({ digest: DIGEST });
    await expectTarget(IMAGE);
  });

  test('takes the new file when the content changed between two tries', async () => {
    const changed = { content: isoImage({ fill: 3 }), etag: '"v2"' };
    server.on('/image', cutAfter(TENTH, file(V1)), file(changed));
    await fetchImage();
    await expectTarget(changed.content);
  });

  test('does not splice two versions when If-Range is ignored', async () => {
    const changed = { content: isoImage({ fill: 3 }), etag: '"v2"' };
    server.on('/image', cutAfter(TENTH, file(V1)), fileWithBlindRanges(changed));
    await fetchImage();
    await expectTarget(changed.content);
    expect(starts()).toEqual(['begin', 'rest', 'begin']);
  });

  test('goes on when it gives the rest in slices', async () => {
    server.on('/image', cutAfter(TENTH, file(V1)), fileInSlices(400_000, V1));
    await fetchImage({ digest: DIGEST });
    expect(server.requests).toHaveLength(4);
    expect(reporter.lines[1]).toMatch(/: it ended after 0\.\d MiB of 1\.0 MiB\. Trying again in 1 s\.$/);
  });

  test('does not splice two versions of another length', async () => {
    const changed = { content: isoImage({ bytes: 2 * IMAGE.length }) };
    server.on('/image', cutAfter(TENTH, file(V1)), fileWithBlindRanges(changed));
    await fetchImage();
    await expectTarget(changed.content);
  });

  test('begins again when the range is beyond its file', async () => {
    const shorter = { content: isoImage({ bytes: 64 * 1024 }), etag: '"v2"' };
    server.on('/image', cutAfter(TENTH, file(V1)), fileWithBlindRanges(shorter), file(shorter));
    await fetchImage();
    await expectTarget(shorter.content);
  });

  test('says so when it announces more than it sends', async () => {
    server.on('/image', shortOf(IMAGE.length + 5000, V1));
    const error = await failureOf(fetchImage());
    expect(error.stage).toBe('connect');
    expect(existsSync(target)).toBe(false);
  });

  test('refuses an image that is shorter than it says of itself', async () => {
    server.on('/image', file({ content: isoImage({ claims: 60 * 1024 * 1024 }) }));
    const error = await failureOf(fetchImage());
    expect(error).toMatchObject({
      stage: 'content',
      code: 'IMAGE_CUT_SHORT',
      message: `What ${server.origin}/image gives is not a whole boot image`,
      reason: 'it has 1.0 MiB of the 60.0 MiB that it says it has: a download of it was cut',
    });
    expect(await readdir(join(folder.path, 'cache'))).toEqual([]);
  });

  test('refuses a file with another digest, and the good one stays', async () => {
    await mkdir(join(folder.path, 'cache'));
    await writeFile(target, 'the good one');
    server.on('/image', file(V1));
    const error = await failureOf(fetchImage({ digest: 'ab'.repeat(32) }));
    expect(error).toMatchObject({
      stage: 'digest',
      message: `What ${server.origin}/image gives is not the expected file`,
      reason: `its SHA-256 is ${DIGEST}, expected was ${'ab'.repeat(32)}`,
    });
    expect(await readdir(join(folder.path, 'cache'))).toEqual(['boot2docker.iso']);
    expect(await readFile(target, 'utf8')).toBe('the good one');
  });

  test.each([
    ['a login page', webPage('Login - Corp Proxy'), '; the page is titled "Login - Corp Proxy"'],
    ['a page with a hostile title', webPage('a\u001b[2J\nb'), '; the page is titled "a [2J b"'],
    ['a page without title', status(200, {}, '\uFEFF\n <html><body>no</body></html>'), ''],
    ['a page longer than an image head', status(200, {}, `<!doctype html>${' '.repeat(100_000)}`), ''],
  ])('names a likely login page: %s', async (_, behaviour, title) => {
    server.on('/image', behaviour);
    const error = await failureOf(fetchImage());
    expect(error).toMatchObject({
      stage: 'content',
      code: 'WEB_PAGE',
      message: `What ${server.origin}/image gives is a web page, not a boot image`,
      reason: `a login page or a proxy answered in place of the server${title}`,
    });
    expect(server.requests).toHaveLength(1);
    expect(await readdir(join(folder.path, 'cache'))).toEqual([]);
  });

  test.each([
    ['an empty file', ''],
    ['garbage', 'garbage'.repeat(10_000)],
  ])('refuses %s', async (_, body) => {
    server.on('/image', status(200, {}, body));
    expect((await failureOf(fetchImage())).code).toBe('NOT_AN_IMAGE');
  });

  test('stops at once when the first bytes are no image, however long the file', async () => {
    server.on(
      '/image',
      stallAfter(100_000, file({ content: Buffer.alloc(10_000_000, 'x') }), () => undefined),
    );
    expect((await failureOf(fetchImage())).code).toBe('NOT_AN_IMAGE');
  });

  test('ends a redirect loop', async () => {
    server.on('/image', redirect('/image'));
    const error = await failureOf(fetchImage());
    expect(error.message).toBe(`Cannot download ${server.origin}/image: it is redirected in a circle`);
    expect(server.requests).toHaveLength(11);
  });

  test.each([
    ['nowhere', status(302)],
    ['ftp:', redirect('ftp://127.0.0.1/image')],
  ])('does not follow a redirect to %s', async (_, behaviour) => {
    server.on('/image', behaviour);
    expect((await failureOf(fetchImage())).code).toBe('REDIRECTED_ASTRAY');
  });

  test('sends a login only to the host that it is for', async () => {
    const other = await startMisbehavingServer();
    other.on('/image', file(V1));
    server.on('/image', redirect('/again'));
    server.on('/again', redirect(`${other.origin}/image`));
    await fetchImage({ headers: { Authorization: 'token secret' } });
    await other.close();
    expect(server.requests.map((request) => request.headers.authorization)).toEqual([
      'token secret',
      'token secret',
    ]);
    expect(other.requests[0]?.headers.authorization).toBeUndefined();
  });
});

describe('P07: statuses', () => {
  test.each([
    [404, 'NOT_FOUND', '127.0.0.1:PORT answers 404 (not found)'],
    [403, 'FORBIDDEN', '127.0.0.1:PORT answers 403 (forbidden)'],
    [401, 'FORBIDDEN', '127.0.0.1:PORT answers 401 (it wants a login)'],
    [418, 'UNEXPECTED_STATUS', '127.0.0.1:PORT answers 418, which is no download'],
    [304, 'UNEXPECTED_STATUS', '127.0.0.1:PORT answers 304, which is no download'],
  ])('%d is final', async (code, word, text) => {
    server.on('/image', status(code), file(V1));
    const error = await failureOf(fetchImage());
    expect(error).toMatchObject({ stage: 'status', code: word });
    expect(error.message).toBe(
      `Cannot download ${server.origin}/image: ${text.replace('PORT', String(server.port))}`,
    );
    expect(server.requests).toHaveLength(1);
    expect(await readdir(join(folder.path, 'cache'))).toEqual([]);
  });

  test.each([500, 502, 503, 504, 408, 429])('%d is tried again', async (code) => {
    server.on('/image', status(code), file(V1));
    await fetchImage({ digest: DIGEST });
    expect(clock.slept).toEqual([1000]);
  });

  test('503 five times is the end', async () => {
    server.on('/image', status(503));
    const error = await failureOf(fetchImage());
    expect(error.message).toBe(
      `Cannot download ${server.origin}/image: 127.0.0.1:${server.port} answers 503 (trouble on its side)`,
    );
    expect(server.requests).toHaveLength(5);
  });

  test('a Retry-After is kept to', async () => {
    server.on('/image', status(429, { 'retry-after': '7' }), file(V1));
    await fetchImage();
    expect(clock.slept).toEqual([7000]);
    expect(reporter.lines[0]).toMatch(/answers 429 \(too many requests\)\. Trying again in 7 s\.$/);
  });

  test('a Retry-After with a date is kept to', async () => {
    server.on('/image', status(503, { 'retry-after': 'Sat, 21 Nov 2026 12:00:20 GMT' }), file(V1));
    await fetchImage();
    expect(clock.slept).toEqual([20_000]);
  });

  test('a Retry-After of an hour is not waited for, but told', async () => {
    server.on('/image', status(429, { 'retry-after': '3600' }));
    const error = await failureOf(fetchImage());
    expect(error.reason).toBe('it asks to wait 60 minutes before the next try');
    expect(server.requests).toHaveLength(1);
  });
});

describe('P07: silence', () => {
  test('in the middle ends the try, and the next one goes on', async () => {
    const stalled = new Promise<void>((resolve) => {
      server.on('/image', stallAfter(TENTH, file(V1), resolve), file(V1));
    });
    const fetched = fetchImage({ digest: DIGEST });
    await stalled;
    // What was sent has to be here before time moves on, else that is a stall at the first byte.
    await until(() => reporter.bars[0]?.at(-1) === TENTH);
    await clock.advance(60_000);
    await fetched;
    expect(starts()).toEqual(['begin', 'rest']);
    expect(reporter.lines).toEqual([
      `! Cannot download ${server.origin}/image: nothing has arrived for 60 s. Trying again in 1 s.`,
    ]);
  });

  test('before the first byte ends the try', async () => {
    const asked = new Promise<void>((resolve) => {
      server.on('/image', silent(resolve), file(V1));
    });
    const fetched = fetchImage({ digest: DIGEST });
    await asked;
    await clock.advance(60_000);
    await fetched;
    expect(server.requests).toHaveLength(2);
  });
});

describe('nobody answers', () => {
  test('a closed port is tried three times', async () => {
    const unused = createServer().listen(0, '127.0.0.1');
    await once(unused, 'listening');
    const port = portOf(unused.address());
    unused.close();
    await once(unused, 'close');
    const error = await failureOf(fetchImage({ url: `http://127.0.0.1:${port}/image` }));
    expect(error).toMatchObject({
      stage: 'connect',
      code: 'UNREACHABLE',
      message: `Cannot download http://127.0.0.1:${port}/image: 127.0.0.1:${port} refuses connections`,
      nextSteps: [
        'if this network needs a proxy, set HTTPS_PROXY=http://HOST:PORT and run the command again',
        `see each step of the way: tmachine proxy check http://127.0.0.1:${port}`,
      ],
    });
    expect(clock.slept).toEqual([1000, 2000]);
    expect(await readdir(join(folder.path, 'cache'))).toEqual([]);
  });

  test('P01: an unknown name says to set a proxy', async () => {
    const error = await failureOf(fetchImage({ url: 'http://no-such-host.invalid/image' }));
    expect(error).toMatchObject({
      code: 'NAME_NOT_FOUND',
      message:
        'Cannot download http://no-such-host.invalid/image: the name no-such-host.invalid cannot be resolved',
    });
  });

  test('something that is not HTTP is named', async () => {
    const chatter = createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n')).listen(0, '127.0.0.1');
    await once(chatter, 'listening');
    const error = await failureOf(fetchImage({ url: `http://127.0.0.1:${portOf(chatter.address())}/image` }));
    chatter.close();
    expect(error.code).toBe('NOT_HTTP');
  });
});

describe('interruption', () => {
  test('leaves what was fetched for the next run', async () => {
    const controller = new AbortController();
    server.on(
      '/image',
      stallAfter(TENTH, file(V1), () => undefined),
      file(V1),
    );
    const fetched = fetchImage({ signal: controller.signal });
    await until(() => reporter.bars[0]?.at(-1) === TENTH);
    controller.abort(new InterruptedError());
    await expect(fetched).rejects.toThrow(InterruptedError);
    await expect(fetched).rejects.toMatchObject({
      nextSteps: ['0.1 MiB of 1.0 MiB are kept: the next run goes on from there'],
    });
    expect((await stat(`${target}.part`)).size).toBe(TENTH);

    await fetchImage({ digest: DIGEST });
    expect(starts().at(-1)).toBe('rest');
  });

  test('ends a wait between two tries', async () => {
    const controller = new AbortController();
    clock = new PatientClock(0);
    server.on('/image', status(503));
    const fetched = fetchImage({ signal: controller.signal });
    await until(() => reporter.lines.length > 0);
    controller.abort(new InterruptedError());
    await expect(fetched).rejects.toThrow(InterruptedError);
  });

  test('before the beginning asks nobody', async () => {
    await expect(fetchImage({ signal: AbortSignal.abort(new InterruptedError()) })).rejects.toThrow(
      InterruptedError,
    );
    expect(server.requests).toHaveLength(0);
  });
});

describe('the disk', () => {
  test('is asked for room before the download', async () => {
    server.on('/image', file(V1));
    const error = await failureOf(fetchImage({}, { freeBytes: async () => 1024 * 1024 - 1 }));
    expect(error).toMatchObject({
      stage: 'disk',
      code: 'DISK_FULL',
      message: `There is no room for ${server.origin}/image in "${join(folder.path, 'cache')}"`,
      reason: '1.0 MiB are needed and 1.0 MiB are free',
    });
    expect(existsSync(target)).toBe(false);
  });

  test('needs room for the copy that follows, too, when it is the same one', async () => {
    server.on('/image', file(V1));
    const copiedTo = join(folder.path, 'machines', 'still to be made');
    const error = await failureOf(fetchImage({ copiedTo }, { freeBytes: async () => 2 * IMAGE.length - 1 }));
    expect(error).toMatchObject({
      code: 'DISK_FULL',
      reason: '2.0 MiB are needed (for the file and the copy that is made of it) and 2.0 MiB are free',
    });
    expect(reporter.bars.flat()).not.toContain(0);
    await fetchImage({ copiedTo }, { freeBytes: async () => 2 * IMAGE.length });
    await expectTarget(IMAGE);
  });

  const elsewhere = noSmallDisk() === undefined ? test : test.skip;
  elsewhere('needs no room for a copy on another one, which needs it', async () => {
    server.on('/image', file(V1));
    const other = await smallDisk(256);
    try {
      const error = await failureOf(fetchImage({ copiedTo: other.path }));
      expect(error).toMatchObject({ code: 'DISK_FULL', reason: '1.0 MiB are needed and 0.3 MiB are free' });
      expect(error.message).toContain(`in "${other.path}"`);
    } finally {
      await other.remove();
    }
  });

  test('needs room only for what is missing', async () => {
    server.on('/image', cutAfter(TENTH, file(V1)), file(V1));
    let asked = 0;
    await fetchImage({}, { freeBytes: async () => IMAGE.length - asked++ });
    expect(asked).toBe(2);
  });

  test.each(['ENOSPC', 'EDQUOT'])(
    'that is full in the middle (%s) is named, and nothing stays open',
    async (code) => {
      server.on('/image', file(V1));
      const { open } = await import('node:fs/promises');
      const openFile: FetchTools['openFile'] = async (path, flags, mode) => {
        const handle = await open(path, flags, mode);
        const write = () => Promise.reject(Object.assign(new Error(`${code}: no space left`), { code }));
        return Object.assign(handle, { write, writev: write });
      };
      const error = await failureOf(fetchImage({}, { openFile }));
      expect(error).toMatchObject({
        stage: 'disk',
        code: 'DISK_FULL',
        message: `There is no room left for "${target}.part"`,
      });
      await swaps.discard(`${target}.part`);
    },
  );

  test('a directory in the way is named', async () => {
    await mkdir(`${target}.part`, { recursive: true });
    const error = await failureOf(fetchImage());
    expect(error).toMatchObject({
      stage: 'disk',
      code: 'FILE_UNUSABLE',
      message: `"${target}.part" cannot be written`,
    });
  });

  test('torn notes of an earlier run are no obstacle', async () => {
    await mkdir(join(folder.path, 'cache'));
    await writeFile(`${target}.part`, 'rest');
    await writeFile(`${target}.part.json`, '{"source":');
    server.on('/image', file(V1));
    await fetchImage({ digest: DIGEST });
    expect(starts()).toEqual(['begin']);
  });
});

describe('P08: files that somebody else has open', () => {
  test('a rest that is held for a moment is waited for', async () => {
    server.on('/image', file(V1));
    const { open } = await import('node:fs/promises');
    let tries = 0;
    await fetchImage(
      {},
      {
        openFile: (path, flags, mode) =>
          tries++ < 2
            ? Promise.reject(Object.assign(new Error('EBUSY: resource busy or locked'), { code: 'EBUSY' }))
            : open(path, flags, mode),
      },
    );
    expect(clock.slept).toEqual([1000, 2000]);
    expect(reporter.lines[0]).toBe(`! "${target}.part" is held by another program. Trying again in 1 s.`);
  });

  test('the network error is the one shown, the clean-up is a note', async () => {
    swaps = new WatchfulSwaps((path) => path.endsWith('.part'));
    server.on('/image', status(403));
    const error = await failureOf(fetchImage());
    expect(error.code).toBe('FORBIDDEN');
    expect(reporter.lines).toEqual([
      `! Note: "${target}.part" is held by another program and stays for now.`,
    ]);
  });

  test('notes that cannot be deleted do not spoil a good download', async () => {
    swaps = new WatchfulSwaps((path) => path.endsWith('.json'));
    server.on('/image', file(V1));
    await fetchImage();
    await expectTarget(IMAGE);
    expect(reporter.lines).toEqual([
      `! Note: "${target}.part.json" is held by another program and stays for now.`,
    ]);
    await fetchImage();
    await expectTarget(IMAGE);
  });

  test('P09: the old file stays when the new one cannot take its place, and the next run needs no network', async () => {
    await mkdir(join(folder.path, 'cache'));
    await writeFile(target, 'the old one');
    server.on('/image', file(V1));
    swaps.replace = () => Promise.reject(new Error('"boot2docker.iso" is held'));
    await expect(fetchImage()).rejects.toThrow('"boot2docker.iso" is held');
    expect(await readFile(target, 'utf8')).toBe('the old one');
    expect((await stat(`${target}.part`)).size).toBe(IMAGE.length);
  });

  test('P09: nothing is open when files are moved or deleted', async () => {
    server.on('/image', cutAfter(TENTH, file(V1)), file(V1));
    await fetchImage();
    server.on('/image', webPage('x'));
    await failureOf(fetchImage());
    expect(swaps.replaced).toEqual([target]);
    expect(swaps.discarded.length).toBeGreaterThan(2);
  });
});

test('P02: no password in any line', async () => {
  const url = new URL(`${server.origin}/image?token=geheim`);
  url.username = 'user';
  url.password = 'geheim';
  server.on('/image?token=geheim', status(503), webPage('x'));
  const error = await failureOf(fetchImage({ url: url.href }));
  const shown = [error.message, error.reason, ...error.nextSteps, ...reporter.lines, ...reporter.debugLines];
  expect(shown.join('\n')).not.toContain('geheim');
  expect(JSON.stringify(error)).not.toContain('geheim');
});
