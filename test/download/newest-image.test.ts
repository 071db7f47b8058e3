import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parseRepository } from '../../src/download/boot2docker-release.js';
import { createImageSource } from '../../src/download/image-source.js';
import {
  file,
  type MisbehavingServer,
  startMisbehavingServer,
  status,
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

const API = '/api/v3/repos/o/r/releases/latest';

describe('P39: with --newest, as upgrade asks for it', () => {
  let server: MisbehavingServer;
  let folder: Awaited<ReturnType<typeof temporaryDirectory>>;
  let cached: string;
  let reporter: RecordedReporter;

  beforeEach(async () => {
    server = await startMisbehavingServer();
    folder = await temporaryDirectory('newest');
    cached = join(folder.path, 'boot2docker.iso');
    reporter = recordedReporter();
    await mkdir(folder.path, { recursive: true });
    await writeFile(cached, isoImage({ volumeId: 'b2d-v26.1.5' }));
  });
  afterEach(async () => {
    await server.close();
    await folder.remove();
  });

  function latestIs(tag: string): void {
    server.on(API, status(200, {}, JSON.stringify({ tag_name: tag })));
    server.on(
      `/o/r/releases/download/${tag}/boot2docker.iso`,
      file({ content: isoImage({ volumeId: `b2d-${tag}` }), etag: '"n"' }),
    );
  }

  const newest = async () => {
    const source = createImageSource({
      clock: new PatientClock(),
      random: noJitter,
      swaps: new WatchfulSwaps(),
      proxies: direct,
      cacheDirectory: folder.path,
      machinesDirectory: folder.path,
      platform: 'linux',
      lock: async (_entry, _options, work) => work(),
      releases: parseRepository(`${server.origin}/api/v3/repos/o/r/releases`),
      guestPackages: [],
      knownDigests: new Set(),
    });
    return (await source.locate({ url: '', newest: true, reporter, signal: new AbortController().signal }))
      .version;
  };

  test('a newer release takes the place of the cached image, and says so as docker-machine does', async () => {
    latestIs('v28.5.2');
    expect(await newest()).toBe('v28.5.2');
    expect(reporter.lines.slice(0, 3)).toEqual([
      'Default Boot2Docker ISO is out-of-date, downloading the latest release...',
      `Latest release for 127.0.0.1:${server.port}/o/r is v28.5.2`,
      `Downloading ${cached} from ${server.origin}/o/r/releases/download/v28.5.2/boot2docker.iso...`,
    ]);
    expect((await readFile(cached)).includes('b2d-v28.5.2')).toBe(true);
  });

  test.each(['v26.1.5', 'v19.03.12'])(
    'the release %s, no newer than the cached image, is not downloaded',
    async (tag) => {
      latestIs(tag);
      expect(await newest()).toBe('v26.1.5');
      expect((await readFile(cached)).includes('b2d-v26.1.5')).toBe(true);
    },
  );

  test('without a network the cached image is taken, with one line', async () => {
    await server.close();
    expect(await newest()).toBe('v26.1.5');
    expect(reporter.lines).toContainEqual(
      expect.stringMatching(/^! Unable to get the latest Boot2Docker ISO release version: {2}/),
    );
    server = await startMisbehavingServer();
  });
});
