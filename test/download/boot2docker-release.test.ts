import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { DownloadError, InterruptedError, UsageError } from '../../src/core/errors.js';
import { latestRelease, parseReleasesUrl, parseRepository } from '../../src/download/boot2docker-release.js';
import {
  type Behaviour,
  cutAfter,
  type MisbehavingServer,
  redirect,
  startMisbehavingServer,
  status,
  webPage,
} from '../support/misbehaving-server.js';
import { direct, noJitter, PatientClock, type RecordedReporter, recordedReporter } from './doubles.js';

const API = '/api/v3/repos/boot2docker/boot2docker/releases/latest';
const PAGE = '/boot2docker/boot2docker/releases/latest';

let server: MisbehavingServer;
let clock: PatientClock;
let reporter: RecordedReporter;

beforeEach(async () => {
  server = await startMisbehavingServer();
  clock = new PatientClock();
  reporter = recordedReporter();
});

afterEach(() => server.close());

function latest(options: { token?: string; signal?: AbortSignal } = {}) {
  const releases = parseRepository(`${server.origin}/api/v3/repos/boot2docker/boot2docker/releases`);
  return latestRelease(
    releases,
    { token: options.token, reporter, signal: options.signal ?? new AbortController().signal },
    { clock, random: noJitter, proxies: direct },
  );
}

const json = (body: unknown) => status(200, { 'content-type': 'application/json' }, JSON.stringify(body));
const imageUrl = (tag: string) =>
  `${server.origin}/boot2docker/boot2docker/releases/download/${tag}/boot2docker.iso`;

test('a repository is OWNER/NAME or a releases API URL', () => {
  expect(parseRepository('boot2docker/boot2docker')).toEqual({
    apiUrl: 'https://api.github.com/repos/boot2docker/boot2docker/releases',
    webUrl: 'https://github.com/boot2docker/boot2docker',
    name: 'github.com/boot2docker/boot2docker',
  });
  expect(parseReleasesUrl('https://user:pw@ghe.corp/api/v3/repos/o/r/releases')?.name).toBe('ghe.corp/o/r');
  expect(parseReleasesUrl('https://mirror.corp/boot2docker.iso')).toBeUndefined();
  expect(() => parseRepository('boot2docker')).toThrow(UsageError);
});

describe('the latest release', () => {
  test('is what the API says', async () => {
    server.on(API, json({ tag_name: 'v19.03.12' }));
    expect(await latest({ token: '' })).toEqual({
      tag: 'v19.03.12',
      imageUrl: imageUrl('v19.03.12'),
      digest: undefined,
    });
    expect(server.requests[0]?.headers.authorization).toBeUndefined();
  });

  test('comes with the digest that the API has', async () => {
    const digest = 'ab'.repeat(32);
    const assets = [
      { name: 'other', digest: `sha256:${'cd'.repeat(32)}` },
      { name: 'boot2docker.iso', digest: `sha256:${digest}` },
    ];
    server.on(API, json({ tag_name: 'v1', assets }));
    expect((await latest()).digest).toBe(digest);
  });

  test.each([
    ['none', [{ name: 'boot2docker.iso', digest: null }]],
    ['another kind', [{ name: 'boot2docker.iso', digest: 'md5:abc' }]],
    ['no assets', undefined],
  ])('comes without digest when the API has %s', async (_, assets) => {
    server.on(API, json({ tag_name: 'v1', assets }));
    expect((await latest()).digest).toBeUndefined();
  });

  test('is asked for with the token', async () => {
    server.on(API, json({ tag_name: 'v1' }));
    await latest({ token: 'secret' });
    expect(server.requests[0]?.headers.authorization).toBe('token secret');
  });

  test.each<[string, Behaviour, number]>([
    ['has had enough', status(403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1795262400' }), 1],
    ['forbids', status(403), 1],
    ['is slowed down', status(429), 2],
    ['is out of order', status(503), 2],
    ['hangs up', cutAfter(1, json({ tag_name: 'v1' })), 2],
    ['is a login page', webPage('Login'), 1],
    ['has no tag', json({ message: 'hello' }), 1],
    ['has an empty tag', json({ tag_name: '' }), 1],
    ['has a tag that is a path', json({ tag_name: '../../evil' }), 1],
    ['is not found', status(404), 1],
  ])('P07: is found by the redirect when the API %s', async (_, behaviour, requests) => {
    server.on(API, behaviour);
    server.on(PAGE, redirect(`${server.origin}/boot2docker/boot2docker/releases/tag/v19.03.12`));
    expect(await latest({ token: 'secret' })).toEqual({ tag: 'v19.03.12', imageUrl: imageUrl('v19.03.12') });
    expect(server.requests.filter(({ path }) => path === API)).toHaveLength(requests);
    expect(server.requests.at(-1)?.headers.authorization).toBeUndefined();
  });

  test('P07: is found by the redirect of a renamed repository', async () => {
    server.on(API, status(503));
    server.on(PAGE, redirect('/new/name/releases/latest', 301));
    server.on('/new/name/releases/latest', redirect('/new/name/releases/tag/v2', 302));
    expect((await latest()).tag).toBe('v2');
  });

  test('is found without a token that is not accepted, and that is told', async () => {
    server.on(API, status(401));
    server.on(PAGE, redirect('/boot2docker/boot2docker/releases/tag/v1'));
    await latest({ token: 'old' });
    expect(reporter.lines).toEqual([
      `! 127.0.0.1:${server.port} does not accept the token; trying without it.`,
    ]);
  });

  test('P07: nobody tells: the limit is named in the words of docker-machine, with its end', async () => {
    const reset = String(clock.now() / 1000 + 30 * 60);
    server.on(API, status(403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset }));
    server.on(PAGE, redirect('/login'));
    await expect(latest()).rejects.toMatchObject({
      stage: 'status',
      code: 'GITHUB_NO_TAG',
      message:
        'failure getting a version tag from the Github API response (are you getting rate limited by Github?)',
      reason: 'this network has used up its requests for 30 minutes',
    });
  });

  test('an endless answer is given up', async () => {
    server.on(API, (_, response) => {
      response.writeHead(200);
      // In turns of the event loop: Node 26 calls back at once, and nobody else would get a word in.
      const more = (): void => {
        if (!response.destroyed) response.write(Buffer.alloc(1024 * 1024), () => setImmediate(more));
      };
      more();
    });
    await expect(latest()).rejects.toMatchObject({ code: 'GITHUB_NO_TAG', reason: 'the answer has no end' });
  });

  test('a network that is down is told once', async () => {
    await server.close();
    const failure = latest();
    await expect(failure).rejects.toThrow(DownloadError);
    await expect(failure).rejects.toMatchObject({ code: 'UNREACHABLE' });
    server = await startMisbehavingServer();
  });

  test('ends with the signal', async () => {
    const controller = new AbortController();
    server.on(API, () => controller.abort(new InterruptedError()));
    await expect(latest({ signal: controller.signal })).rejects.toThrow(InterruptedError);
  });
});
