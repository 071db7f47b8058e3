import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DownloadError } from '../../src/core/errors.js';
import { fetchFile } from '../../src/download/fetch-file.js';
import {
  type Behaviour,
  cutAfter,
  type FileVersion,
  file,
  fileWithBlindRanges,
  fileWithoutRanges,
  type MisbehavingServer,
  redirect,
  shortOf,
  startMisbehavingServer,
  status,
  webPage,
  withoutLength,
} from '../support/misbehaving-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import { direct, isoImage, noJitter, PatientClock, recordedReporter, WatchfulSwaps } from './doubles.js';

const OLD = isoImage({ fill: 1, bytes: 256 * 1024 });
const V1: FileVersion = { content: isoImage({ fill: 2, bytes: 256 * 1024 }), etag: '"v1"' };
const V2: FileVersion = { content: isoImage({ fill: 3, bytes: 300 * 1024 }), etag: '"v2"' };
const WHOLE = [OLD, V1.content, V2.content].map(sha256);

let server: MisbehavingServer;
let folder: { path: string; remove: () => Promise<void> };

beforeAll(async () => {
  server = await startMisbehavingServer();
  folder = await temporaryDirectory('faults');
});

afterAll(async () => {
  await server.close();
  await folder.remove();
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A small generator of numbers in [0, n) that gives the same ones for the same seed (xorshift32). */
function randomFrom(seed: number): (n: number) => number {
  let state = seed * 2654435761 + 1;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

function someFault(random: (n: number) => number): Behaviour {
  const version = random(3) === 0 ? V2 : V1;
  const serve = [file, fileWithoutRanges, fileWithBlindRanges, withoutLength][random(4)] ?? file;
  const faults: Behaviour[] = [
    cutAfter(random(version.content.length), serve(version)),
    cutAfter(random(1000), serve(version)),
    shortOf(version.content.length + 1 + random(100_000), version),
    status([403, 404, 407, 416, 429, 500, 503][random(7)] ?? 500),
    webPage('Login'),
    redirect('/image'),
    status(200, {}, 'x'.repeat(random(60_000))),
    serve(version),
  ];
  return faults[random(faults.length)] ?? webPage('x');
}

test.each(Array.from({ length: 25 }, (_, index) => index + 1))(
  'P07, P09: whatever fails, a whole image stays and a whole image comes (seed %d)',
  async (seed) => {
    const random = randomFrom(seed);
    const target = join(folder.path, String(seed), 'boot2docker.iso');
    await mkdir(join(folder.path, String(seed)));
    await writeFile(target, OLD);
    const fetch = () =>
      fetchFile(
        {
          url: `${server.origin}/image`,
          target,
          isImage: true,
          reporter: recordedReporter(),
          signal: new AbortController().signal,
        },
        {
          clock: new PatientClock(),
          random: noJitter,
          swaps: new WatchfulSwaps(),
          proxies: direct,
        },
      );
    for (let run = 0; run < 4; run++) {
      server.on('/image', ...Array.from({ length: 1 + random(7) }, () => someFault(random)));
      const outcome = await fetch().catch((error: unknown) => error);
      if (!(outcome instanceof DownloadError)) expect(outcome).toMatchObject({ kind: 'fetched' });
      expect(WHOLE).toContain(sha256(await readFile(target)));
    }
    server.on('/image', file(V1));
    await fetch();
    expect(WHOLE.slice(1)).toContain(sha256(await readFile(target)));
  },
);
