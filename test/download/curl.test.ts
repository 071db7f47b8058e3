import { createHash } from 'node:crypto';
import { chmod, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DownloadError, InterruptedError } from '../../src/core/errors.js';
import type { ProgramStreams, StreamOptions } from '../../src/core/ports.js';
import { chooseProxy } from '../../src/core/proxy.js';
import { readCurlAnswer } from '../../src/download/curl-answer.js';
import { curlConfig } from '../../src/download/curl-config.js';
import { downloaderNamed } from '../../src/download/downloader.js';
import { type FetchTools, fetchFile } from '../../src/download/fetch-file.js';
import { SystemProgramStreams } from '../../src/host/program-streams.js';
import {
  cutAfter,
  file,
  type MisbehavingServer,
  redirect,
  startMisbehavingServer,
  status,
} from '../support/misbehaving-server.js';
import { temporaryDirectory } from '../support/temporary-directory.js';
import {
  isoImage,
  noJitter,
  PatientClock,
  type RecordedReporter,
  recordedReporter,
  trusting,
  WatchfulSwaps,
} from './doubles.js';
import {
  freePort,
  makeCertificates,
  missingPrograms,
  type RealProxy,
  startMicrosocks,
  startSquid,
  type TestCertificates,
} from './real-proxies.js';

const IMAGE = isoImage();
const DIGEST = createHash('sha256').update(IMAGE).digest('hex');
const V1 = { content: IMAGE, etag: '"v1"' };
const LOGIN = 'CORP%5Cuser:p%40ss%3Aw%2F1%23%25%26%22';
const SECRET = /p@ss|p%40ss/;

const missing = missingPrograms(['squid', 'curl', 'openssl', 'microsocks']);
const describeHere = missing.length === 0 ? describe : describe.skip;
if (missing.length > 0) test.skip(`these are not installed: ${missing.join(', ')}`, () => undefined);

let folder: { path: string; remove: () => Promise<void> };
let certificates: TestCertificates;
let plain: MisbehavingServer;
let secure: MisbehavingServer;
let ntlm: RealProxy;
let open: RealProxy;
let socks: RealProxy;
let clock: PatientClock;
let reporter: RecordedReporter;
let programs: RecordingPrograms;
let target: string;

/** Runs the real programs and remembers what they got, and what the process list showed of them. */
class RecordingPrograms implements ProgramStreams {
  readonly calls: { args: readonly string[]; options: StreamOptions }[] = [];
  readonly #real = new SystemProgramStreams({ platform: 'linux', env: process.env });

  find(program: string) {
    return this.#real.find(program);
  }

  stream(path: string, args: readonly string[], options: StreamOptions) {
    this.calls.push({ args, options });
    return this.#real.stream(path, args, options);
  }
}

beforeAll(async () => {
  if (missing.length > 0) return;
  folder = await temporaryDirectory('curl');
  await chmod(folder.path, 0o755);
  certificates = await makeCertificates(folder.path);
  plain = await startMisbehavingServer();
  secure = await startMisbehavingServer(certificates);
  ntlm = await startSquid(join(folder.path, 'ntlm'), { ntlm: true });
  open = await startSquid(join(folder.path, 'open'));
  socks = await startMicrosocks();
});

afterAll(async () => {
  await Promise.all([ntlm?.stop(), open?.stop(), socks?.stop(), plain?.close(), secure?.close()]);
  await folder?.remove();
});

beforeEach(() => {
  clock = new PatientClock();
  reporter = recordedReporter();
  programs = new RecordingPrograms();
  target = join(folder?.path ?? '', `image-${expect.getState().currentTestName?.replace(/\W+/g, '-')}.iso`);
  plain?.on('/image', file(V1));
  secure?.on('/image', file(V1));
});

function fetchBy(
  downloader: string,
  proxy: string,
  url: string,
  tools: Partial<FetchTools> = {},
  signal = new AbortController().signal,
) {
  const choice = chooseProxy('https://github.com/', { env: proxy === '' ? {} : { HTTPS_PROXY: proxy } });
  return fetchFile(
    { url, target, isImage: true, digest: DIGEST, reporter, signal },
    {
      clock,
      random: noJitter,
      swaps: new WatchfulSwaps(),
      proxies: { resolve: async () => choice },
      trust: trusting(certificates.ca),
      send: downloaderNamed(downloader, { programs, temporaryDirectory: tmpdir() }),
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

const wholeImage = async () => (await readFile(target)).equals(IMAGE);

describeHere('P02: a proxy that wants NTLM', () => {
  test.each([
    ['http', () => plain],
    ['https', () => secure],
  ])('lets curl through, by %s', async (_, origin) => {
    await fetchBy('curl', `http://${LOGIN}@127.0.0.1:${ntlm.port}`, `${origin().origin}/image`);
    expect(await wholeImage()).toBe(true);
    expect(await ntlm.log()).toContain('user');
    expect(reporter.lines).toEqual([]);
  });

  test('shows no password in the list of processes, nor in a log', async () => {
    await fetchBy('curl', `http://${LOGIN}@127.0.0.1:${ntlm.port}`, `${plain.origin}/image`);
    expect(programs.calls.map(({ args }) => args)).toEqual([['--disable', '--config', '-']]);
    expect(programs.calls[0]?.options.input).toMatch(SECRET);
    expect(reporter.debugLines.join('\n')).not.toMatch(SECRET);
  });

  test.each([
    ['http', () => plain],
    ['https', () => secure],
  ])('is explained without curl, and names the flag, by %s', async (_, origin) => {
    const proxy = `http://${LOGIN}@127.0.0.1:${ntlm.port}`;
    const error = await failureOf(fetchBy('built-in', proxy, `${origin().origin}/image`));
    expect(error).toMatchObject({
      stage: 'proxy',
      code: 'PROXY_LOGIN',
      reason: 'it answers 407 and offers logins of the kind NTLM',
    });
    expect(error.nextSteps[0]).toBe('run the command again with --downloader curl, which speaks NTLM');
  });

  test('and refuses the login is explained with curl', async () => {
    const wrong = await startSquid(join(folder.path, 'basic'), { login: { user: 'u', password: 'p' } });
    const error = await failureOf(
      fetchBy('curl', `http://u:wrong@127.0.0.1:${wrong.port}`, `${secure.origin}/image`),
    );
    await wrong.stop();
    expect(error).toMatchObject({ stage: 'proxy', code: 'PROXY_LOGIN' });
    expect(error.message).toContain('does not accept the login');
  });

  test('P07: a cut download goes on where it stopped', async () => {
    secure.on('/image', cutAfter(IMAGE.length / 2, file(V1)), file(V1));
    await fetchBy('curl', `http://${LOGIN}@127.0.0.1:${ntlm.port}`, `${secure.origin}/image`);
    expect(await wholeImage()).toBe(true);
    expect(secure.requests.at(-1)?.headers.range).toMatch(/^bytes=\d+-$/);
  });
});

describeHere('curl as downloader', () => {
  test.each<[string, () => string]>([
    ['nothing', () => ''],
    ['squid', () => `127.0.0.1:${open.port}`],
    ['a SOCKS server', () => `socks5://127.0.0.1:${socks.port}`],
  ])('through %s follows redirects and trusts --ca-cert', async (_, proxy) => {
    secure.on('/there', redirect(`${secure.origin}/image`));
    await fetchBy('curl', proxy(), `${secure.origin}/there`);
    expect(await wholeImage()).toBe(true);
    expect(await readdir(tmpdir())).not.toContainEqual(expect.stringMatching(/^tmachine-ca-/));
  });

  test.each<[string, () => Promise<string>, string, string]>([
    ['an untrusted certificate', async () => `${secure.origin}/image`, 'tls', 'TLS_UNTRUSTED'],
    [
      'a port where nobody listens',
      async () => `http://127.0.0.1:${await freePort()}/`,
      'connect',
      'UNREACHABLE',
    ],
    ['an unknown name', async () => 'http://no-such-host.invalid/', 'connect', 'NAME_NOT_FOUND'],
    ['a missing file', async () => `${plain.origin}/missing`, 'status', 'NOT_FOUND'],
  ])('%s is explained as without curl', async (_, url, stage, code) => {
    plain.on('/missing', status(404));
    const error = await failureOf(fetchBy('curl', '', await url(), { trust: undefined }));
    expect(error).toMatchObject({ stage, code });
  });

  test('P02: Ctrl-C ends it at once', async () => {
    const interrupt = new AbortController();
    plain.on('/silent', () => interrupt.abort(new InterruptedError()));
    const fetched = fetchBy('curl', '', `${plain.origin}/silent`, {}, interrupt.signal);
    await expect(fetched).rejects.toThrow(InterruptedError);
  });

  test('that is not installed is said', async () => {
    const nowhere: ProgramStreams = {
      find: async () => undefined,
      stream: () => programs.stream('', [], { input: '', signal: new AbortController().signal }),
    };
    const send = downloaderNamed('curl', { programs: nowhere, temporaryDirectory: tmpdir() });
    await expect(fetchBy('curl', '', `${plain.origin}/image`, { send })).rejects.toMatchObject({
      code: 'CURL_NOT_FOUND',
      exitCode: 3,
    });
  });
});

test('--downloader takes no other word', () => {
  const setup = { programs: new RecordingPrograms(), temporaryDirectory: tmpdir() };
  expect(() => downloaderNamed('wget', setup)).toThrow('"wget" (--downloader) is no downloader');
});

describe("curl's settings", () => {
  const request = {
    url: 'https://host/a?b="c"',
    headers: { 'if-range': '"v1"' },
    authorities: [],
    signal: new AbortController().signal,
  };

  test('quote what they carry', () => {
    const proxy = { proxy: 'http://CORP%5Cme:a%22b@proxy:8080', from: '--proxy' } as const;
    const lines = curlConfig({ ...request, proxy }, '/tmp/a b/ca.pem').split('\n');
    expect(lines).toContain('url = "https://host/a?b=\\"c\\""');
    expect(lines).toContain('header = "if-range: \\"v1\\""');
    expect(lines).toContain('proxy = "http://proxy:8080"');
    expect(lines).toContain('proxy-user = "CORP\\\\me:a\\"b"');
    expect(lines).toContain('cacert = "/tmp/a b/ca.pem"');
  });

  test("of a proxy without a login offer the user's own", () => {
    const proxy = { proxy: 'http://proxy:8080', from: '--proxy' } as const;
    const lines = curlConfig({ ...request, proxy }, undefined).split('\n');
    expect(lines).toContain('proxy-anyauth');
    expect(lines).toContain('proxy-user = ":"');
  });

  test('of a direct way use no proxy of the environment', () => {
    const proxy = { proxy: 'direct', from: 'NO_PROXY' } as const;
    expect(curlConfig({ ...request, proxy }, undefined)).toContain('noproxy = "*"');
  });
});

describe('what curl prints', () => {
  async function read(text: string, tunnel: boolean) {
    // One byte at a time: heads may be cut anywhere.
    const pieces = async function* () {
      for (const byte of Buffer.from(text)) yield Buffer.of(byte);
    };
    const answer = await readCurlAnswer(pieces(), tunnel);
    if (answer === undefined) return undefined;
    let body = '';
    for await (const chunk of answer.body) body += Buffer.from(chunk).toString();
    return `${answer.status}${answer.fromProxy ? ' proxy' : ''} ${answer.headers['x'] ?? ''} ${body}`;
  }
  const head = (code: number, x: string) => `HTTP/1.1 ${code} Some Words\r\nX: ${x}\r\n\r\n`;

  test.each<[string, string, boolean, string | undefined]>([
    ['an answer', `${head(200, 'a')}body`, false, '200 a body'],
    ['an answer through a tunnel', `${head(200, 'p')}${head(200, 'a')}body`, true, '200 a body'],
    [
      'a login in three rounds',
      `${head(407, 'p')}${head(407, 'q')}${head(200, 'a')}body`,
      false,
      '200 a body',
    ],
    [
      'a login and a tunnel',
      `${head(407, 'p')}${head(407, 'q')}${head(200, 't')}${head(200, 'a')}body`,
      true,
      '200 a body',
    ],
    ['a login that fails', `${head(407, 'p')}${head(407, 'q')}sorry`, false, '407 q sorry'],
    ['a tunnel that is refused', head(403, 'p'), true, '403 proxy p '],
    ['a tunnel that wants a login', head(407, 'p'), true, '407 proxy p '],
    ['a body that looks like a head', `${head(200, 'a')}${head(200, 'b')}`, false, `200 a ${head(200, 'b')}`],
    ['nothing', '', false, undefined],
    ['no HTTP', 'SSH-2.0-x\r\n\r\n', false, undefined],
  ])('%s', async (_, text, tunnel, expected) => {
    expect(await read(text, tunnel)).toBe(expected);
  });
});
